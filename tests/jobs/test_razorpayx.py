"""Payouts by RazorpayX from the batch to the bank and back: one instruction each, money where RazorpayX says it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.macs import mac as signature
from app.db.session import unit_of_work
from app.payouts import batches
from app.rails import registry
from app.rails.base import Delivery, RailUnavailable
from app.rails.pacing import Pace
from app.rails.razorpayx import SIGNATURE_HEADER, RazorpayX
from app.rails.razorpayx_wire import EVENT_HEADER
from app.webhooks import service as webhooks
from jobs import payouts as payout_jobs
from jobs import runtime
from tests.app.payouts.test_batches import approved, statuses
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.razorpayx import ENVIRONMENT, WEBHOOK_SECRET, RazorpayPeer
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def peer() -> Iterator[RazorpayPeer]:
    made, before = RazorpayPeer(), registry.RAILS["razorpayx"]
    rail = RazorpayX()
    rail._pace = Pace(0)
    registry.RAILS["razorpayx"] = rail
    with environment(**ENVIRONMENT, RAZORPAYX_URL=made.url):
        yield made
    registry.RAILS["razorpayx"] = before
    made.close()


@pytest.fixture
def place(peer: RazorpayPeer) -> Shop:
    return make.shop(2, currency="INR", rail="razorpayx", funds=10_000_00)


def batch(place: Shop) -> UUID:
    """Two payouts of ₹1,000, planned, approved and started."""
    maker, checker = make.admin("m@quittance.test"), make.admin("c@quittance.test")
    for payee in range(2):
        make.earn(place, 1_000_00, payee=payee, currency="INR")
    batch_id = approved(place, maker, checker)
    with unit_of_work(PLATFORM) as session:
        batches.run(session, maker, batch_id)
    return batch_id


def run_all() -> None:
    while runtime.run_due():
        pass


def tell(peer: RazorpayPeer, key: str, status: str, event_id: str, reason: str | None = None) -> None:
    """It becomes so at RazorpayX, which calls us."""
    peer.becomes(key, status, reason)
    hear(peer, key, event_id)


def hear(peer: RazorpayPeer, key: str, event_id: str, **lies: str) -> None:
    event = {"entity": "event", "event": "payout.updated", "payload": {"payout": {"entity": {**peer.of(key), **lies}}}}
    body = json.dumps(event).encode()
    headers = {SIGNATURE_HEADER: signature(WEBHOOK_SECRET, body), EVENT_HEADER: event_id}
    events = registry.rail("razorpayx").parse_event(Delivery(headers, body))
    with unit_of_work(PLATFORM) as session:
        webhooks.receive(session, "razorpayx", events, body)
    run_all()


def test_paid_then_reversed_posts_the_return_and_the_earnings_are_ready_again(place: Shop, peer: RazorpayPeer) -> None:
    batch_id = batch(place)
    run_all()
    first, second = (payout["reference_id"] for payout in peer.payouts.values())
    assert statuses(batch_id) == ["processing", "processing"]
    for again in range(2):
        tell(peer, first, "processed", f"evt_{again}")
    assert sorted(statuses(batch_id)) == ["paid", "processing"]
    tell(peer, second, "failed", "evt_3", "bank_account_closed")
    assert sorted(statuses(batch_id)) == ["failed", "paid"]
    tell(peer, first, "reversed", "evt_4", "beneficiary_account_dormant")
    assert sorted(statuses(batch_id)) == ["failed", "returned"]
    for payee in range(2):
        assert make.balances(place, payee, "INR") == {"payee_available": 1_000_00}
    with unit_of_work(PLATFORM) as session:
        codes = session.execute(text("SELECT failure_code FROM payouts ORDER BY 1")).scalars().all()
    assert codes == ["payee_fixable:bank_account_closed", "payee_fixable:beneficiary_account_dormant"]


def test_what_an_event_says_moves_no_money_of_itself(place: Shop, peer: RazorpayPeer) -> None:
    batch_id = batch(place)
    run_all()
    (key, _other) = (payout["reference_id"] for payout in peer.payouts.values())
    hear(peer, key, "evt_lie", status="processed")
    assert statuses(batch_id) == ["processing", "processing"]


@pytest.mark.parametrize("fault", ["lost", "reset", "500"])
def test_a_lost_answer_ends_in_one_instruction(place: Shop, peer: RazorpayPeer, fault: str) -> None:
    batch_id = batch(place)
    peer.faults = [fault]
    with unit_of_work(PLATFORM) as session:
        ids = list(session.execute(text("SELECT id FROM payouts ORDER BY id")).scalars())
    with pytest.raises(RailUnavailable):
        payout_jobs.send(ids)
    payout_jobs.send(ids)
    payout_jobs.send(ids)
    assert len(peer.payouts) == 2
    for number, payout in enumerate(list(peer.payouts.values())):
        tell(peer, payout["reference_id"], "processed", f"evt_{number}")
    assert statuses(batch_id) == ["paid", "paid"]
    assert make.funds_left(place, "INR") == 8_000_00


def test_two_workers_at_once(place: Shop, peer: RazorpayPeer) -> None:
    batch(place)
    with unit_of_work(PLATFORM) as session:
        ids = list(session.execute(text("SELECT id FROM payouts ORDER BY id")).scalars())
    workers = [threading.Thread(target=payout_jobs.send, args=(ids,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(peer.payouts) == 2
    assert sorted(payout["amount"] for payout in peer.payouts.values()) == [1_000_00, 1_000_00]
