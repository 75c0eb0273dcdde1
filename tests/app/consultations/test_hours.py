"""Hours as they are kept, and what is free of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from app.consultations import cards, hours
from app.consultations.cards import View
from app.consultations.states import ConsultationStatus
from app.core import clock
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.scope import Scope
from app.db.session import unit_of_work
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.factories import organizations

SUNDAY = NOON - timedelta(days=1)


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    payee_id = making.consultant(organizations.organization("house", currency="USD", is_house=True))
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {0: [(600, 780)]}, "Europe/Berlin")
    return payee_id


def _free(payee_id: UUID, minutes: int = 60, *, now: datetime = SUNDAY, days: int = 7) -> list[str]:
    with clock.at(now), unit_of_work(Scope.public()) as session:
        found = hours.free(session, payee_id, minutes, earliest=SUNDAY, latest=SUNDAY + timedelta(days=days))
    return [one.strftime("%d %H:%M") for one in found]


def test_free_times_are_read_by_anybody(payee_id: UUID) -> None:
    assert _free(payee_id) == ["07 09:00", "07 09:30", "07 10:00", "07 10:30", "07 11:00"]


def test_notice_and_horizon(payee_id: UUID) -> None:
    assert _free(payee_id, now=datetime(2026, 12, 7, 9, 15, tzinfo=UTC))[0] == "07 10:30"
    assert _free(payee_id, now=SUNDAY - timedelta(days=95)) == []


def test_what_is_booked_is_taken_and_unpaid_ones_for_a_while(payee_id: UUID) -> None:
    noor, ten = making.client(), datetime(2026, 12, 7, 10, tzinfo=UTC)
    first = making.consultation(payee_id, noor, ConsultationStatus.PENDING, ten, created_at=SUNDAY)
    assert _free(payee_id) == ["07 09:00", "07 11:00"]
    assert len(_free(payee_id, now=SUNDAY + timedelta(minutes=16))) == 5
    with clock.at(SUNDAY), unit_of_work(Scope.public()) as session:
        assert len(hours.free(session, payee_id, 60, earliest=SUNDAY, latest=ten, but=first)) == 3


def test_an_exception(payee_id: UUID) -> None:
    me = making.actor_of(payee_id)
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_day(session, me, payee_id, date(2026, 12, 7), [], "Away")
        hours.set_day(session, me, payee_id, date(2026, 12, 8), [(600, 660)])
        hours.set_day(session, me, payee_id, date(2026, 12, 8), [(660, 720)])
    assert _free(payee_id) == ["08 10:00"]
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        assert [one.note for one in hours.days(session, payee_id, date(2026, 12, 1))] == ["Away", ""]
        hours.forget_day(session, me, payee_id, date(2026, 12, 7))
    assert _free(payee_id)[0] == "07 09:00"


def test_wrong_hours(payee_id: UUID) -> None:
    me = making.actor_of(payee_id)
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        with pytest.raises(Invalid) as refused:
            hours.set_week(session, me, payee_id, {2: [(60, 30)], 3: [(0, 60)]}, "Atlantis")
        assert set(refused.value.fields) == {"day_2", "time_zone"}
        with pytest.raises(Invalid):
            hours.set_day(session, me, payee_id, date(2026, 12, 1), [])
        with pytest.raises(Forbidden):
            hours.set_day(session, making.actor_of(UUID(int=1)), payee_id, date(2026, 12, 9), [])
    with unit_of_work(Scope.public()) as session, pytest.raises(NotFound):
        hours.read(session, UUID(int=1))


def test_cards_of_what_comes_and_what_was(payee_id: UUID) -> None:
    noor = making.client()
    for day, status in enumerate((ConsultationStatus.BOOKED, ConsultationStatus.BOOKED, ConsultationStatus.PENDING)):
        making.consultation(payee_id, noor, status, NOON + timedelta(days=day))
    was = making.consultation(payee_id, noor, ConsultationStatus.COMPLETED, NOON - timedelta(days=9))
    other = making.consultant(organizations.organization("cambridge"), "Somebody Else")
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        found = cards.of_payee(session, payee_id, View.UPCOMING, limit=1)
        assert [one.starts_at for one in found.items] == [NOON]
        again = cards.of_payee(session, payee_id, View.UPCOMING, found.next_cursor)
        assert [one.starts_at for one in again.items] == [NOON + timedelta(days=1)]
        assert [one.id for one in cards.of_payee(session, payee_id, View.PAST).items] == [was]
        assert cards.one(session, payee_id, was).client_first_name == "Noor"
    with unit_of_work(Scope.payee(other)) as session, pytest.raises(NotFound):
        cards.one(session, other, was)
