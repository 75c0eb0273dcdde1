"""All ten calls Cal.com shows: each is taken, does what its documentation says to the booking it names, and is refused
once a single character of it differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.consultations.models import CalendarBooking, Consultation
from app.consultations.states import CancelledBy
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.db.session import unit_of_work
from app.gateways import calcom
from jobs import runtime
from tests.app.consultations import making
from tests.factories import organizations
from tests.factories.people import PLATFORM
from tests.fakes.calcom import CALLS, MISSING, SECRET, SPECS, TEN, UID
from tests.portals.conftest import Browser
from tests.stores import environment

STARTS = datetime(2024, 1, 1, 10, tzinfo=UTC)
BEFORE, AFTER = STARTS - timedelta(days=3), STARTS + timedelta(hours=2)
# trigger: what became of it in words, and of the consultation
FOLLOWS = {
    "BOOKING_CREATED": ("linked", S.BOOKED),
    "BOOKING_REQUESTED": ("linked", S.BOOKED),
    "BOOKING_PAID": ("linked", S.BOOKED),
    "BOOKING_RESCHEDULED": ("moved", S.BOOKED),
    "BOOKING_CANCELLED": ("cancelled by the platform", S.CANCELLED),
    "BOOKING_REJECTED": ("cancelled by the consultant", S.CANCELLED),
    "BOOKING_NO_SHOW_UPDATED": ("the client did not appear", S.NO_SHOW_CLIENT),
    "MEETING_STARTED": ("it began", S.BOOKED),
    "MEETING_ENDED": ("held", S.COMPLETED),
}
OVER = ("BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED")  # told after the start


@pytest.fixture(autouse=True)
def _secret(app: Any) -> Iterator[None]:
    with environment(CALCOM_WEBHOOK_SECRET=SECRET):
        yield


@pytest.fixture
def booked(database_url: str) -> UUID:
    """A consultation the calendar knows by the number of the samples."""
    payee_id = making.consultant(organizations.organization("house", currency="USD", is_house=True))
    with clock.at(BEFORE):
        made = making.consultation(payee_id, making.client(), S.BOOKED, STARTS)
    with unit_of_work(PLATFORM) as session:
        of = session.get_one(Consultation, made)
        link = insert(CalendarBooking).values(
            organization_id=of.organization_id, payee_id=payee_id, consultation_id=made, uid=UID
        )
        session.execute(link)
    return made


def send(client: Browser, body: bytes, signature: str) -> Any:
    return client.open("/api/v1/webhooks/calcom", method="POST", data=body, headers={calcom.HEADER: signature})


@pytest.mark.skipif(not SPECS.exists(), reason=str(MISSING.kwargs["reason"]))
def test_there_are_ten_of_every_kind() -> None:
    assert len(CALLS) == TEN and {call.values[0] for call in CALLS} == set(FOLLOWS)


@pytest.mark.parametrize(("name", "body", "signature"), CALLS)
def test_each_does_what_it_says(
    name: str, body: bytes, signature: str, booked: UUID, client: Browser, superuser: Any
) -> None:
    words, status = FOLLOWS[name]
    with clock.at(AFTER if name in OVER else BEFORE):
        assert send(client, body, signature).get_json() == {"new": 1}
        assert send(client, body, signature).get_json() == {"new": 0}
        while runtime.run_due():
            pass
    ((state, result),) = superuser.execute("SELECT status, result FROM webhook_events").fetchall()
    assert (state, result) == ("applied", words)
    with unit_of_work(PLATFORM) as session:
        now = session.get_one(Consultation, booked)
        assert now.status is status
        if name == "BOOKING_RESCHEDULED":
            assert now.starts_at == datetime(2024, 1, 10, 14, 30, tzinfo=UTC)
        if name == "BOOKING_REJECTED":
            assert now.cancelled_by is CancelledBy.CONSULTANT


@pytest.mark.parametrize(("name", "body", "signature"), CALLS)
def test_a_tampered_one_is_refused(
    name: str, body: bytes, signature: str, booked: UUID, client: Browser, superuser: Any
) -> None:
    for changed in (body.replace(UID.encode(), b"another-booking-id"), body + b" ", body[:-1]):
        assert changed != body, name
        assert send(client, changed, signature).status_code == 401
    for wrong in (signature[:-1], signature[::-1], calcom.NO_SECRET, ""):
        assert send(client, body, wrong).status_code == 401
    assert superuser.execute("SELECT count(*) FROM webhook_events").fetchone() == (0,)
