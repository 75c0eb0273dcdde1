"""How consultations end and what follows for the money: refunds with their reversals, earnings that stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.charges.client_models import ChargeReturn
from app.charges.states import ChargeProvider
from app.consultations import booking, money
from app.consultations.cancellation import Why
from app.consultations.models import Consultation
from app.consultations.states import CancelledBy
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.notify.models import Mail
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.app.consultations.test_booking import SUNDAY, _book, _confirm
from tests.app.consultations.test_booking import payee_id as payee_id  # a fixture
from tests.factories.people import PLATFORM


def _paid(consultation_id: UUID, now: datetime = SUNDAY) -> None:
    with clock.at(now), unit_of_work(PLATFORM) as session:
        found = session.get_one(Consultation, consultation_id)
        money.paid(session, SYSTEM, money.charge(session, SYSTEM, found, ChargeProvider.SIMULATED).id)
    _confirm(consultation_id, now)


@pytest.fixture
def noor(database_url: str) -> Actor:
    return making.client()


@pytest.fixture
def booked(payee_id: UUID, noor: Actor) -> UUID:
    made = _book(payee_id, noor).id
    _paid(made)
    return made


def _cancel(who: Actor, consultation_id: UUID, by: CancelledBy, now: datetime, reason: str = "") -> Why:
    scope = (
        Scope.client(who.account_id)
        if who.account_id and who.role == "client"
        else Scope.payee(who.payee_id or UUID(int=0))
    )
    with clock.at(now), unit_of_work(scope) as session:
        return booking.cancel(session, who, consultation_id, by, reason).decision.why


def _returns(consultation_id: UUID) -> list[ChargeReturn]:
    with unit_of_work(PLATFORM) as session:
        charge = money.charge_of(session, consultation_id)
        assert charge is not None
        return list(session.scalars(select(ChargeReturn).where(ChargeReturn.charge_id == charge.id)))


def _given_back(consultation_id: UUID) -> None:
    for one in _returns(consultation_id):
        with unit_of_work(PLATFORM) as session:
            money.returned(session, SYSTEM, one.id)


def _earned(payee_id: UUID) -> tuple[int, int, int]:
    """All, held, ready of the consultant."""
    with unit_of_work(PLATFORM) as session:
        row = session.execute(
            text(
                """SELECT coalesce(sum(e.amount_minor), 0),
                coalesce(sum(e.amount_minor) FILTER (WHERE h.earning_id IS NOT NULL), 0),
                coalesce(sum(e.amount_minor) FILTER (WHERE r.earning_id IS NOT NULL), 0)
                FROM earnings e LEFT JOIN held_earnings h ON h.earning_id = e.id
                LEFT JOIN ready_earnings r ON r.earning_id = e.id WHERE e.payee_id = :payee"""
            ),
            {"payee": payee_id},
        ).one()
        return int(row[0]), int(row[1]), int(row[2])


def test_early_means_everything_back(booked: UUID, payee_id: UUID, noor: Actor) -> None:
    assert _earned(payee_id) == (1330, 1330, 0)
    assert _cancel(noor, booked, CancelledBy.CLIENT, NOON - timedelta(hours=24, seconds=1)) is Why.EARLY
    (back,) = _returns(booked)
    assert back.amount_minor == 1900
    _given_back(booked)
    assert _earned(payee_id)[0] == 0
    with unit_of_work(PLATFORM) as session:
        mail = session.scalars(select(Mail).where(Mail.template == "consultation_cancelled")).one()
    assert mail.context["refund"] == {"minor": 1900, "currency": "USD"}
    assert "more than 24 hours" in mail.context["what"]
    _cancel(noor, booked, CancelledBy.CLIENT, NOON)  # once more
    _confirm(booked)  # news of the payment again
    assert len(_returns(booked)) == 1


def test_late_means_the_earning_stands(booked: UUID, payee_id: UUID, noor: Actor) -> None:
    assert _cancel(noor, booked, CancelledBy.CLIENT, NOON - timedelta(hours=24)) is Why.LATE
    assert _returns(booked) == []
    assert _earned(payee_id) == (1330, 0, 1330)
    _confirm(booked)
    assert _returns(booked) == []


def test_a_late_move_is_no_way_around(booked: UUID, noor: Actor) -> None:
    assert noor.account_id is not None
    now = NOON - timedelta(hours=3)
    with clock.at(now), unit_of_work(Scope.client(noor.account_id)) as session:
        booking.reschedule(session, noor, booked, NOON + timedelta(days=7))
    assert _cancel(noor, booked, CancelledBy.CLIENT, now) is Why.LATE
    assert _returns(booked) == []


def test_the_consultant_cancels(booked: UUID, payee_id: UUID, noor: Actor) -> None:
    me = making.actor_of(payee_id)
    with pytest.raises(Forbidden):
        _cancel(me, booked, CancelledBy.CLIENT, NOON)
    assert _cancel(me, booked, CancelledBy.CONSULTANT, NOON - timedelta(minutes=5), "Ill") is Why.BY_CONSULTANT
    _given_back(booked)
    assert _earned(payee_id)[0] == 0


def test_whoever_cancels(booked: UUID, noor: Actor) -> None:
    sam = making.client("sam@client.test")
    with pytest.raises(NotFound):
        _cancel(sam, booked, CancelledBy.CLIENT, SUNDAY)
    with pytest.raises(Invalid):
        _cancel(noor, booked, CancelledBy.CLIENT, SUNDAY, "x" * 501)
    with pytest.raises(Conflict, match="begun"):
        _cancel(noor, booked, CancelledBy.CLIENT, NOON)
    _cancel(noor, booked, CancelledBy.CLIENT, SUNDAY, "Write to noor@client.test")
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, booked).cancel_reason == "Write to …"


def test_cancelled_while_it_is_paid(payee_id: UUID, noor: Actor) -> None:
    made = _book(payee_id, noor).id
    assert _cancel(noor, made, CancelledBy.CLIENT, SUNDAY) is Why.UNPAID
    _paid(made, SUNDAY + timedelta(seconds=5))
    (back,) = _returns(made)
    assert back.amount_minor == 1900
    _confirm(made, SUNDAY + timedelta(seconds=9))
    assert len(_returns(made)) == 1


def test_held(booked: UUID, payee_id: UUID) -> None:
    with clock.at(NOON + timedelta(hours=1)), unit_of_work(PLATFORM) as session:
        assert booking.complete(session, SYSTEM, [booked]) == 1
        assert booking.complete(session, SYSTEM, [booked]) == 0
    assert _earned(payee_id) == (1330, 0, 1330)
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, booked).review_asked_at == NOON + timedelta(hours=1)
        assert len(session.scalars(select(Mail).where(Mail.template == "consultation_review")).all()) == 1


def test_nothing_is_held_before_it_begins(booked: UUID) -> None:
    with clock.at(SUNDAY), unit_of_work(PLATFORM) as session:
        assert booking.complete(session, SYSTEM, [booked]) == 0
        with pytest.raises(Conflict):
            booking.no_show(session, SYSTEM, booked, CancelledBy.CLIENT)


def test_who_did_not_appear(booked: UUID, payee_id: UUID, noor: Actor) -> None:
    later = NOON + timedelta(hours=1)
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden):
        booking.no_show(session, noor, booked, CancelledBy.CONSULTANT)
    with clock.at(later), unit_of_work(PLATFORM) as session:
        for _again in range(2):
            booking.no_show(session, SYSTEM, booked, CancelledBy.CLIENT, "Nobody joined.")
    assert _earned(payee_id) == (1330, 0, 1330)
    with clock.at(later), unit_of_work(PLATFORM) as session:  # it was the other way round
        assert (
            booking.no_show(session, SYSTEM, booked, CancelledBy.CONSULTANT).consultation.status is S.NO_SHOW_CONSULTANT
        )
    _given_back(booked)
    assert _earned(payee_id)[0] == 0
