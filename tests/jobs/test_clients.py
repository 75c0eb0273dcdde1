"""Charging and refunding with the test cards, as the worker does it: answers lost, cards declined, times run out."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.charges import client_queries, client_service
from app.charges.client_models import Charge
from app.charges.client_queries import ReturnView
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind
from app.consultations import charging, late, money
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus, Practice
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope, operator
from app.db.session import unit_of_work
from app.gateways import simulated_cards as cards
from app.gateways.cards import Dispute, DisputeStatus, Refund, RefundStatus, Unanswered
from app.reporting import doctor
from jobs import clients
from tests.factories import bookings as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def session_booked() -> Consultation:
    house = organization("house", is_house=True, currency="USD")
    return make.booked(
        make.offering(house, None, 1900), make.consultant(house, Practice.ADVISOR), make.client_account()
    )


def charged(held: Consultation) -> UUID:
    with unit_of_work(Scope.client(held.client_account_id)) as session:
        return money.charge(session, SYSTEM, held, ChargeProvider.SIMULATED).id


def card(held: Consultation, charge_id: UUID, name: str) -> None:
    with unit_of_work(Scope.client(held.client_account_id)) as session:
        client_service.card_given(session, SYSTEM, charge_id, name)


def status(charge_id: UUID) -> ChargeStatus:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Charge, charge_id).status


def old(table: str) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text(f"UPDATE {table} SET created_at = now() - interval '1 hour'"))


def earned() -> list[int]:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        return list(session.execute(text("SELECT amount_minor FROM earnings ORDER BY created_at, id")).scalars())


def test_a_declined_card_then_a_good_one() -> None:
    held = session_booked()
    charge_id = charged(held)
    clients.ask(str(charge_id))  # no card yet: nothing to ask
    assert status(charge_id) is ChargeStatus.PENDING
    for _ in range(2):
        card(held, charge_id, cards.DECLINED)
        with pytest.raises(Conflict):
            card(held, charge_id, cards.SUCCESS)
        clients.ask(str(charge_id))
        with unit_of_work(PLATFORM) as session:
            assert session.get_one(Charge, charge_id).failure_message == cards.DECLINED_TEXT
        assert status(charged(held)) is ChargeStatus.PENDING  # asking again opens the same charge
    card(held, charge_id, cards.SUCCESS)
    for _ in range(2):
        clients.ask(str(charge_id))
    assert status(charge_id) is ChargeStatus.SUCCEEDED and earned() == [1330]
    with pytest.raises(Conflict):
        card(held, charge_id, cards.SUCCESS)


def test_a_lost_answer_is_looked_up_and_charged_once() -> None:
    held = session_booked()
    charge_id = charged(held)
    card(held, charge_id, cards.UNKNOWN)
    with pytest.raises(Unanswered):
        clients.ask(str(charge_id))
    assert status(charge_id) is ChargeStatus.UNKNOWN and earned() == []
    clients.look_up()  # too young for the sweep
    assert status(charge_id) is ChargeStatus.UNKNOWN
    old("charges")
    clients.look_up()
    assert status(charge_id) is ChargeStatus.SUCCEEDED and earned() == [1330]


def test_a_time_that_ran_out_is_not_paid_any_more() -> None:
    held = session_booked()
    charge_id = charged(held)
    make.advance(held.id, ConsultationStatus.EXPIRED)
    old("charges")
    clients.look_up()
    assert status(charge_id) is ChargeStatus.CANCELLED
    with pytest.raises(Conflict):
        charged(held)


def test_a_refund_is_asked_once_and_counts_when_the_provider_says_so() -> None:
    held = session_booked()
    charge_id = charged(held)
    card(held, charge_id, cards.SUCCESS)
    clients.ask(str(charge_id))
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(session, SYSTEM, held.id, amount=None, kind=ReturnKind.REFUND, reason="You cancelled").id
    assert earned() == [1330]
    for _ in range(2):
        clients.give_back(str(back))
    assert earned() == [1330, -1330]
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Charge, charge_id).refundable.minor == 0


def test_test_cards_are_known_by_their_numbers() -> None:
    assert cards.card_named("4242424242424242") == cards.SUCCESS
    assert cards.card_named("4000 0000 0000 0002") == cards.DECLINED
    assert cards.card_named("4111 1111 1111 1111") is None


def test_a_refund_that_fails_after_it_had_counted_comes_back() -> None:
    held = session_booked()
    charge_id = charged(held)
    card(held, charge_id, cards.SUCCESS)
    clients.ask(str(charge_id))
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(session, SYSTEM, held.id, amount=None, kind=ReturnKind.REFUND, reason="You cancelled").id
    clients.give_back(str(back))
    failed = Refund("re_1", RefundStatus.FAILED, Money(1900, "USD"), "pi_1", message="The account was closed.")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            charging.given_back(session, SYSTEM, back, failed)
    assert earned() == [1330, -1330, 1330]
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Charge, charge_id).refundable.minor == 1900
        (row,) = client_queries.returns_across(session, ReturnView.REFUSED).items
        assert (row.id, row.failure_message) == (back, "The account was closed.")
    with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
        late.stays(session, Actor("Ada", "client"), back, "hers")
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        late.stays(session, operator(), back, " ")
    with unit_of_work(PLATFORM) as session:
        late.stays(session, operator(), back, "Paid by hand.")
        assert client_queries.returns_across(session, ReturnView.REFUSED).items == []
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        late.stays(session, operator(), back, "Twice.")


def test_a_dispute_that_was_lost_is_won_on_appeal() -> None:
    held = session_booked()
    charge_id = charged(held)
    card(held, charge_id, cards.SUCCESS)
    clients.ask(str(charge_id))
    with unit_of_work(PLATFORM) as session:
        reference = session.get_one(Charge, charge_id).provider_reference or ""
    for status_, expected in (
        (DisputeStatus.OPEN, [1330]),
        (DisputeStatus.LOST, [1330, -1330]),
        (DisputeStatus.WON, [1330, -1330, 1330]),
        (DisputeStatus.WON, [1330, -1330, 1330]),
    ):
        dispute = Dispute("dp_1", status_, Money(1900, "USD"), reference)
        with unit_of_work(PLATFORM) as session:
            charging.told_of_dispute(session, SYSTEM, ChargeProvider.SIMULATED, dispute)
        assert earned() == expected
    with unit_of_work(PLATFORM) as session:
        assert client_queries.returns_across(session, ReturnView.REFUSED).items == []  # nobody has to do anything
