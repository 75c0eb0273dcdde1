"""Booking in a consultant's own calendar: its embed instead of our times, and what it has to tell us first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.consultations import booking, profiles
from app.consultations.states import ConsultationStatus as S
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.gateways import calcom
from app.identity.states import Portal
from jobs import runtime
from tests.app.consultations import making
from tests.factories import people
from tests.factories.people import PLATFORM
from tests.fakes.calcom import call
from tests.portals.client.test_pages import SOON, SignIn, _status, _url
from tests.portals.conftest import Browser
from tests.stores import environment

SECRET = "calcom-test-secret"
EMBED = "https://app.cal.com/embed/embed.js"
HALF = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _calendar(app: Any) -> Iterator[None]:
    with environment(CALCOM_EMBED_URL=EMBED, CALCOM_WEBHOOK_SECRET=SECRET):
        yield


@pytest.fixture
def linked(advisor: UUID) -> UUID:
    """Ada gives her page at the calendar."""
    with unit_of_work(Scope.payee(advisor)) as session:
        profiles.set_calendar_link(session, making.actor_of(advisor), advisor, "ada/half")
    return advisor


def tell(
    client: Browser, name: str, uid: str, starts_at: datetime = SOON, length: timedelta = HALF, **more: Any
) -> None:
    body = call(
        name, uid=uid, startTime=starts_at.isoformat(), endTime=(starts_at + length).isoformat(),
        organizer={"email": "ada@calendar.test", "username": more.pop("host", "ada")}, **more,
    )  # fmt: skip
    answer = client.open(
        "/api/v1/webhooks/calcom", method="POST", data=body, headers={calcom.HEADER: calcom.sign(SECRET, body)}
    )
    assert answer.status_code == 200
    runtime.run_due()


def book(browser: Browser, uid: str) -> Any:
    return browser.post(_url(), {"cal_booking_id": uid, "idempotency_key": uid})


def test_the_calendar_stands_in_for_our_times(noor: Browser, linked: UUID) -> None:
    shown = noor.get(_url())
    policy = shown.headers["Content-Security-Policy"]
    assert 'data-cal-link="ada/half"' in shown.text and 'data-cal-origin="https://cal.com"' in shown.text
    assert "https://app.cal.com" in policy and "frame-src https://app.cal.com https://cal.com" in policy
    assert 'name="starts_at"' not in shown.text and "noor@client.test" not in shown.text.split("<main")[1]
    assert "cal.com" not in noor.get("/client/consultations").headers["Content-Security-Policy"]
    with environment(CALCOM_EMBED_URL=""):
        without = noor.get(_url())
        assert 'name="starts_at"' in without.text and "cal.com" not in without.headers["Content-Security-Policy"]


def test_who_gives_no_page_is_booked_by_the_hours_here(noor: Browser) -> None:
    shown = noor.get(_url())
    assert 'name="starts_at"' in shown.text and "data-cal-link" not in shown.text
    assert "cal.com" not in shown.headers["Content-Security-Policy"]
    assert noor.post(_url(), {"starts_at": SOON.isoformat(), "idempotency_key": "1"}).status_code == 303


def test_a_booking_there_becomes_one_here(noor: Browser, linked: UUID, client: Browser) -> None:
    empty = noor.post(_url(), {"starts_at": SOON.isoformat(), "idempotency_key": "0"})
    assert empty.status_code == 422 and "Choose a time in the calendar." in empty.text
    early = book(noor, "cal-1")
    assert early.status_code == 409 and "data-cal-wait" in early.text and 'value="cal-1"' in early.text
    tell(client, "BOOKING_CREATED", "cal-1", metadata={"videoCallUrl": "https://app.cal.test/video/1"})
    answer = book(noor, "https://cal.com/booking/cal-1")
    assert answer.status_code == 303, answer.text
    made = UUID(answer.location.split("/")[3])
    assert answer.location == f"/client/consultations/{made}/pay" and _status(made) is S.PENDING
    runtime.run_due()  # what was told before is applied now that we know what it is about
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT starts_at, video_url FROM consultations")).one()
    assert tuple(row) == (SOON, "https://app.cal.test/video/1")
    again = noor.post(_url(), {"cal_booking_id": "cal-1", "idempotency_key": "other"})
    assert again.status_code == 409 and "has its consultation already" in again.text
    tell(client, "BOOKING_CANCELLED", "cal-1", cancelledBy="ada@calendar.test")
    assert _status(made) is S.CANCELLED


@pytest.mark.parametrize(
    ("told", "status", "says"),
    [
        ({"host": "somebody-else"}, 422, "Choose a time in this calendar."),
        ({"length": timedelta(hours=1)}, 422, "60 minutes long, this one 30"),
        ({"starts_at": SOON - timedelta(days=30)}, 409, "This time has passed."),
    ],
)
def test_a_booking_that_is_not_what_is_paid_for(
    noor: Browser, linked: UUID, client: Browser, told: dict[str, Any], status: int, says: str
) -> None:  # fmt: skip
    tell(client, "BOOKING_CREATED", "cal-1", **told)
    refused = book(noor, "cal-1")
    assert refused.status_code == status and says in refused.text and 'value="cal-1"' in refused.text
    assert "data-cal-wait" not in refused.text


def test_one_that_was_called_off_meanwhile(noor: Browser, linked: UUID, client: Browser) -> None:
    tell(client, "BOOKING_CREATED", "cal-1")
    tell(client, "BOOKING_CANCELLED", "cal-1")
    assert "was called off in the calendar" in book(noor, "cal-1").text


def test_a_program_cannot_go_past_the_calendar(noor: Browser, linked: UUID) -> None:
    answer = noor.open(
        "/api/v1/consultations/book", method="POST", headers={"X-CSRFToken": noor.csrf_token()},
        json={"advisor_id": str(linked), "duration_minutes": 30, "starts_at": SOON.isoformat()},
    )  # fmt: skip
    assert answer.status_code == 409 and "their own calendar" in answer.text


def test_the_consultants_own_page(linked: UUID, sign_in: SignIn) -> None:
    ada = sign_in(Portal.CONSULTANT, "ada@consultant.test")
    shown = ada.get("/consultant/availability").text
    assert 'value="ada/half"' in shown and "your own calendar" in shown
    path = "/consultant/availability/calendar"
    refused = ada.post(path, {"link": "https://evil.test/ada"})
    assert refused.status_code == 422 and "Give a page at cal.com." in refused.text
    assert 'value="https://evil.test/ada"' in refused.text
    assert ada.post(path, {"link": "https://cal.com/ada/hour"}).status_code == 303
    assert 'value="ada/hour"' in ada.get("/consultant/availability").text
    assert ada.post(path, {"link": ""}).status_code == 303
    assert "in your own calendar" not in ada.get("/consultant/availability").text
    people.account(Portal.CLIENT, "sam@client.test")
    assert sign_in(Portal.CLIENT, "sam@client.test").post(path, {"link": "sam"}).status_code == 404
    with environment(CALCOM_EMBED_URL=""):
        assert "link-form" not in ada.get("/consultant/availability").text
        assert ada.post(path, {"link": "ada"}).status_code == 409


def test_what_is_in_the_calendar_is_moved_there(noor: Browser, linked: UUID, client: Browser) -> None:
    tell(client, "BOOKING_CREATED", "cal-1")
    made = UUID(book(noor, "cal-1").location.split("/")[3])
    with unit_of_work(PLATFORM) as session:
        booking.confirm(session, SYSTEM, made)
    for answer in (
        noor.get(f"/client/consultations/{made}/move"),
        noor.post(f"/client/consultations/{made}/move", {"starts_at": SOON.isoformat()}),
    ):
        assert answer.status_code == 409 and "own calendar: move it there" in answer.text
    later = SOON + timedelta(days=1)
    body = {"rescheduleUid": "cal-1", "rescheduledBy": "noor@client.test"}
    tell(client, "BOOKING_RESCHEDULED", "cal-2", starts_at=later, **body)
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT starts_at FROM consultations")).scalar_one() == later
