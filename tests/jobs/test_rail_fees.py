"""What rails take beside the amount is in the books once, of what was paid."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.payouts import settling
from app.payouts.settling import News
from app.rails import paypal_items, razorpayx_wire
from app.rails.base import Outcome, RailEvent, Result
from app.reconciliation import balances
from app.reporting import doctor, revenue
from app.webhooks import service as webhooks
from jobs import payouts as jobs
from tests.factories.payouts import PLATFORM
from tests.fakes.rail import fake_rail
from tests.jobs.test_payout_calls import _approved
from tests.jobs.test_payout_news import run_all

pytestmark = pytest.mark.usefixtures("database_url")


def _fees() -> list[tuple[str, str, int]]:
    query = text(
        """SELECT l.account, l.currency, l.amount_minor FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.kind = 'payout_fee' ORDER BY l.account DESC"""
    )
    with unit_of_work(PLATFORM) as session:
        return [tuple(row) for row in session.execute(query)]


def _told(key: str, outcome: Outcome, fee: Money | None = None) -> None:
    with unit_of_work(PLATFORM) as session:
        settling.apply(session, SYSTEM, [News(Result(key, outcome, "ref", fee=fee), "event")])


def test_a_fee_is_booked_once_with_the_payment() -> None:
    _, ids = _approved(2)
    with fake_rail() as rail:
        jobs.send(ids)
        first, second = sorted(rail.orders)
    _told(first, Outcome.ACCEPTED, Money(25, "GBP"))
    assert _fees() == []
    _told(second, Outcome.PAID)
    for _ in range(2):
        _told(first, Outcome.PAID, Money(25, "GBP"))
    assert _fees() == [("processor_fees", "GBP", 25), ("cash", "GBP", -25)]
    with unit_of_work(PLATFORM) as session:
        assert balances.books_of(session, "simulated")["GBP"].cash == -20_25
        assert doctor.examine(session) == []


def test_a_fee_stays_with_the_rail_when_the_money_comes_back() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
    _told(key, Outcome.PAID, Money(25, "GBP"))
    _told(key, Outcome.RETURNED)
    assert _fees() == [("processor_fees", "GBP", 25), ("cash", "GBP", -25)]


def test_a_fee_in_another_currency_is_booked_in_it() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
    _told(key, Outcome.PAID, Money(30, "USD"))
    assert _fees() == [("processor_fees", "USD", 30), ("cash", "USD", -30)]


def test_the_months_costs_know_it() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
    _told(key, Outcome.PAID, Money(25, "GBP"))
    with unit_of_work(PLATFORM) as session:
        (line,) = revenue.report(session, revenue.Month(today().replace(day=1))).totals
    assert (line.currency, line.processor_fees) == ("GBP", 25)


@pytest.mark.parametrize(
    ("said", "fee"),
    [
        ({"currency": "USD", "value": "0.25"}, Money(25, "USD")),
        ({"currency": "JPY", "value": "30"}, Money(30, "JPY")),
        ({"currency": "USD", "value": "0.00"}, None),
        ({"currency": "USD", "value": "a lot"}, None),
        (None, None),
    ],
)
def test_what_paypal_takes(said: dict[str, str] | None, fee: Money | None) -> None:
    item = {
        "payout_item_id": "I", "payout_batch_id": "B", "transaction_status": "SUCCESS", "payout_item_fee": said,
        "payout_item": {"sender_item_id": "k", "recipient_wallet": "PAYPAL"},
    }  # fmt: skip
    assert paypal_items.read(item).fee == fee


@pytest.mark.parametrize(("fees", "fee"), [(590, Money(590, "INR")), (0, None), (None, None)])
def test_what_razorpayx_takes(fees: int | None, fee: Money | None) -> None:
    payout = {"id": "pout_1", "reference_id": "k", "status": "processed", "fees": fees, "tax": 90}
    assert razorpayx_wire.result("k", payout).fee == fee


def test_a_fee_told_by_an_event_is_booked() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
    event = RailEvent("e1", Result(key, Outcome.PAID, "ref", fee=Money(25, "GBP")))
    with unit_of_work(PLATFORM) as session:
        webhooks.receive(session, "simulated", [event], b"{}")
    run_all()
    assert _fees() == [("processor_fees", "GBP", 25), ("cash", "GBP", -25)]
