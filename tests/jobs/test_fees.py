"""What providers keep of charges: asked for outside of transactions, posted once, in the currency they say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.charges import client_queries, fees
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import charging, money
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.gateways import simulated_cards as cards
from app.gateways.cards import Refund, RefundStatus
from app.reporting import doctor
from jobs import clients
from tests.factories.people import PLATFORM
from tests.jobs.test_clients import card, charged, session_booked

pytestmark = pytest.mark.usefixtures("database_url")


def paid() -> tuple[UUID, UUID]:
    held = session_booked()
    charge_id = charged(held)
    card(held, charge_id, cards.SUCCESS)
    clients.ask(str(charge_id))
    return held.id, charge_id


def lines(superuser: Any) -> list[tuple[str, str, str, int]]:
    found = superuser.execute(
        "SELECT l.account, l.rail, l.currency, l.amount_minor FROM ledger_lines l JOIN ledger_entries e"
        " ON e.id = l.entry_id WHERE e.kind = 'processor_fee' ORDER BY l.id"
    ).fetchall()
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
    return [tuple(row) for row in found]


def test_a_test_card_costs_what_cards_cost_once(superuser: Any) -> None:
    held, charge_id = paid()
    asked = superuser.execute("SELECT payload FROM outbox WHERE topic = 'charge.fee_asked'").fetchall()
    assert [row[0]["charge_id"] for row in asked] == [str(charge_id)]
    assert lines(superuser) == []  # the booking did not wait for it
    for _ in range(2):
        clients.ask_fee(str(charge_id))
    # 2.9 % of 19.00 and 0.30
    assert lines(superuser) == [("processor_fees", None, "USD", 85), ("cash", "simulated", "USD", -85)]
    with unit_of_work(PLATFORM) as session:
        row = client_queries.charge(session, money.SUBJECT, held)
        assert (row.processor_fee_minor, row.processor_fee_currency) == (85, "USD")
        assert not fees.known(session, SYSTEM, charge_id, Money(1, "USD"))


def test_a_fee_in_another_currency_stays_in_it(superuser: Any) -> None:
    _, charge_id = paid()
    with unit_of_work(PLATFORM) as session:
        assert fees.known(session, SYSTEM, charge_id, Money(79, "EUR"))
    assert lines(superuser) == [("processor_fees", None, "EUR", 79), ("cash", "simulated", "EUR", -79)]


def test_the_sweep_asks_for_what_was_not_known_at_first(superuser: Any) -> None:
    paid()
    clients.look_up()  # too young
    assert lines(superuser) == []
    superuser.execute("UPDATE charges SET succeeded_at = now() - interval '1 hour'")
    clients.look_up()
    assert len(lines(superuser)) == 2
    with unit_of_work(PLATFORM) as session:
        assert fees.unknown(session) == []


def test_nothing_is_asked_of_what_no_provider_took(superuser: Any) -> None:
    _, charge_id = paid()
    with unit_of_work(PLATFORM) as session:
        session.get_one(Charge, charge_id).provider = ChargeProvider.FUNDS
    clients.ask_fee(str(charge_id))
    assert lines(superuser) == []


def test_a_refund_gives_the_fee_back_only_where_the_provider_says_so(superuser: Any) -> None:
    held, charge_id = paid()
    clients.ask_fee(str(charge_id))
    for minor, fee_back in ((5_00, None), (6_00, Money(20, "USD"))):
        with unit_of_work(PLATFORM) as session:
            back = money.give_back(
                session, SYSTEM, held, amount=Money(minor, "USD"), kind=ReturnKind.REFUND, reason="Because"
            ).id
        told = Refund(f"re_{minor}", RefundStatus.SUCCEEDED, Money(minor, "USD"), "pi_1", str(back), fee_back=fee_back)
        for _ in range(2):
            with unit_of_work(PLATFORM) as session:
                charging.given_back(session, SYSTEM, back, told)
    assert [row[3] for row in lines(superuser) if row[0] == "processor_fees"] == [85, -20]
