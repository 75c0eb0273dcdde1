"""News of a calendar in any order: linked, moved, cancelled, held, nobody there; each once; by look-up and by time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.consultations.models import Consultation
from app.consultations.states import CancelledBy
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.gateways import calcom, calcom_api
from app.webhooks import service
from jobs import calendar as jobs
from jobs import runtime
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.factories import organizations
from tests.factories.people import PLATFORM
from tests.fakes.calcom import call
from tests.stores import environment

OLD, NEW = "unique-booking-id", "new-booking-unique-id"
BEFORE, AFTER = NOON - timedelta(days=3), NOON + timedelta(hours=2)


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    return making.consultant(organizations.organization("house", currency="USD", is_house=True))


@pytest.fixture
def noor(database_url: str) -> Actor:
    return making.client()


@pytest.fixture
def booked(payee_id: UUID, noor: Actor) -> UUID:
    return making.consultation(payee_id, noor, S.BOOKED)


@pytest.fixture(autouse=True)
def _before(database_url: str) -> Iterator[None]:
    with clock.at(BEFORE):
        yield


def told(name: str, **changes: Any) -> None:
    """A call of Cal.com comes in; the job is done at once."""
    store(name, **changes)
    work()


def store(name: str, **changes: Any) -> None:
    event = calcom.read(call(name, **changes))
    with unit_of_work(PLATFORM) as session:
        service.receive_calendar(session, "calcom", event.event_id, calcom.kept(event, "x"))


def work() -> None:
    while runtime.run_due():
        pass


def linked(consultation_id: UUID) -> dict[str, Any]:
    return {"metadata": {"consultation_id": str(consultation_id), "videoCallUrl": "https://app.cal.test/video/1"}}


def now(consultation_id: UUID) -> Consultation:
    with unit_of_work(PLATFORM) as session:
        found = session.get_one(Consultation, consultation_id)
        session.expunge(found)
        return found


def results(superuser: Any) -> list[tuple[str, str]]:
    return list(superuser.execute("SELECT event ->> 'trigger', result FROM webhook_events ORDER BY id").fetchall())


def test_linked_by_what_we_gave_along(booked: UUID, superuser: Any) -> None:
    for name in ("BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_PAID"):
        told(name, **linked(booked))
    assert superuser.execute("SELECT uid, consultation_id FROM calendar_bookings").fetchall() == [(OLD, booked)]
    assert (now(booked).status, now(booked).video_url) == (S.BOOKED, "https://app.cal.test/video/1")
    told("BOOKING_CREATED", uid="stranger", **linked(UUID(int=5)))
    assert results(superuser)[-1][1] == "no consultation of ours has this number"


MOVED = {
    "startTime": (NOON + timedelta(days=1)).isoformat(),
    "endTime": (NOON + timedelta(days=1, hours=1)).isoformat(),
}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_moved_and_cancelled_in_any_order(booked: UUID, superuser: Any, order: tuple[int, ...]) -> None:
    """CREATED, RESCHEDULED to a new number and CANCELLED of that one: what waits is applied in its own order."""
    calls = (
        lambda: told("BOOKING_CREATED", **linked(booked)),
        lambda: told("BOOKING_RESCHEDULED", **MOVED, metadata={}),
        lambda: told("BOOKING_CANCELLED", uid=NEW, cancelledBy="guest@example.com", metadata={}),
    )
    for number in order:
        calls[number]()
    found = now(booked)
    assert (found.status, found.cancelled_by, found.starts_at) == (
        S.CANCELLED,
        CancelledBy.CLIENT,
        NOON + timedelta(days=1),
    )
    chain = superuser.execute("SELECT uid, previous_uid FROM calendar_bookings ORDER BY id").fetchall()
    assert chain == [(OLD, None), (NEW, OLD)]
    assert superuser.execute("SELECT count(*) FROM webhook_events WHERE status = 'applied'").fetchone() == (3,)


def test_news_of_a_replaced_number_changes_nothing(booked: UUID, superuser: Any) -> None:
    told("BOOKING_CREATED", **linked(booked))
    told("BOOKING_RESCHEDULED", **MOVED)
    told("BOOKING_CANCELLED")
    assert now(booked).status is S.BOOKED and results(superuser)[-1] == (
        "BOOKING_CANCELLED",
        "the booking was moved since",
    )


@pytest.mark.parametrize(
    ("by", "who"),
    [("guest@example.com", CancelledBy.CLIENT), ("organizer@example.com", CancelledBy.CONSULTANT),
     (None, CancelledBy.PLATFORM)],
)  # fmt: skip
def test_who_cancelled(booked: UUID, by: str | None, who: CancelledBy) -> None:
    told("BOOKING_CREATED", **linked(booked))
    for _twice in range(2):
        told("BOOKING_CANCELLED", cancelledBy=by)
    assert (now(booked).status, now(booked).cancelled_by) == (S.CANCELLED, who)


def test_rejected_by_the_consultant(booked: UUID) -> None:
    told("BOOKING_REQUESTED", **linked(booked))
    told("BOOKING_REJECTED")
    found = now(booked)
    assert (found.cancelled_by, found.cancel_reason) == (CancelledBy.CONSULTANT, "Not available")


def test_held_and_nobody_there(payee_id: UUID, noor: Actor, superuser: Any) -> None:
    for number, (name, changes, status) in enumerate(
        (
            ("MEETING_ENDED", {}, S.COMPLETED),
            ("MEETING_ENDED", {"noShowHost": True}, S.NO_SHOW_CONSULTANT),
            ("BOOKING_NO_SHOW_UPDATED", {}, S.NO_SHOW_CLIENT),
            ("MEETING_STARTED", {}, S.BOOKED),
        )
    ):
        uid = f"u{number}"
        one = making.consultation(payee_id, noor, S.BOOKED, NOON + timedelta(days=7 * number))
        with clock.at(AFTER + timedelta(days=7 * number)):
            told("BOOKING_CREATED", uid=uid, **linked(one))
            told(name, **({"bookingUid": uid} if name == "BOOKING_NO_SHOW_UPDATED" else {"uid": uid}), **changes)
        assert now(one).status is status, name


def test_there_after_all(booked: UUID) -> None:
    told("BOOKING_CREATED", **linked(booked))
    with clock.at(AFTER):
        told("BOOKING_NO_SHOW_UPDATED")
        back = [{"email": "guest@example.com", "noShow": False}]
        event = calcom.read(call("BOOKING_NO_SHOW_UPDATED", attendees=back))
        with unit_of_work(PLATFORM) as session:
            service.receive_calendar(session, "calcom", f"{event.event_id}:later", calcom.kept(event, "y"))
        work()
    assert now(booked).status is S.COMPLETED


def test_what_cannot_be_done_is_told(booked: UUID, superuser: Any) -> None:
    told("BOOKING_CREATED", **linked(booked))
    told("BOOKING_NO_SHOW_UPDATED")  # days before it begins
    assert results(superuser)[-1][1] == "refused: It has not begun yet." and now(booked).status is S.BOOKED


def test_held_by_time(payee_id: UUID, noor: Actor) -> None:
    ids = [making.consultation(payee_id, noor, S.BOOKED, NOON + timedelta(days=day)) for day in (0, 1)]
    with clock.at(NOON + timedelta(hours=1, minutes=59)):
        jobs.complete_over()
        assert now(ids[0]).status is S.BOOKED
    with clock.at(NOON + timedelta(hours=2)):
        for _twice in range(2):
            jobs.complete_over()
    assert [now(one).status for one in ids] == [S.COMPLETED, S.BOOKED]


def reply(**changes: Any) -> dict[str, Any]:
    return {
        "uid": OLD, "status": "accepted", "absentHost": False, "hosts": [{"email": "organizer@example.com"}],
        "attendees": [{"email": "guest@example.com", "absent": False}], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (reply(), S.COMPLETED),
        (reply(absentHost=True), S.NO_SHOW_CONSULTANT),
        (reply(attendees=[{"email": "guest@example.com", "absent": True}]), S.NO_SHOW_CLIENT),
        (reply(status="cancelled", cancelledByEmail="organizer@example.com"), S.CANCELLED),
        (reply(status="pending"), S.BOOKED),
        (reply(rescheduledToUid="u2"), S.BOOKED),
        (None, S.BOOKED),
    ],
)
def test_held_by_look_up(booked: UUID, monkeypatch: pytest.MonkeyPatch, data: Any, status: S) -> None:
    told("BOOKING_CREATED", **linked(booked))
    asked = []

    def booking(_url: str, key: str, uid: str) -> Any:
        asked.append((key, uid))
        return data

    monkeypatch.setattr(calcom_api, "booking", booking)
    with clock.at(NOON + timedelta(hours=1, minutes=15)):
        jobs.look_up()
        assert asked == []  # no key is set
        with environment(CALCOM_API_KEY="cal_key"):
            jobs.look_up()
            work()
    assert asked == [("cal_key", OLD)] and now(booked).status is status


def test_asking_cal_com() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        body = {"/v2/bookings/a%2Fb": {"status": "success", "data": reply()}}.get(request.url.raw_path.decode())
        if body is None:
            return httpx.Response(404 if request.url.path.endswith("gone") else 500)
        return httpx.Response(200, content=json.dumps(body))

    transport = httpx.MockTransport(answer)
    assert calcom_api.booking("https://api.cal.test", "cal_k", "a/b", transport=transport) == reply()
    assert seen[0].headers["Authorization"] == "Bearer cal_k" and seen[0].headers["cal-api-version"] == "2024-08-13"
    assert calcom_api.booking("https://api.cal.test", "cal_k", "gone", transport=transport) is None
    with pytest.raises(calcom_api.Unavailable, match="status 500"):
        calcom_api.booking("https://api.cal.test", "cal_k", "broken", transport=transport)
