"""Payouts by PayPal from claim to the books, against the simulator's: one instruction each, whatever happens."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payouts import asking, recalls, sending
from app.payouts.states import PayoutStatus
from app.rails import registry
from app.rails.base import RailUnavailable, SendOrder
from jobs import payouts as jobs
from tests.app.payouts.test_single import approve, status, withdraw
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes import paypal as fake
from tests.fakes.simulator import SimulatorPeer, wait_until


@pytest.fixture
def paypal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str):
    peer = SimulatorPeer(tmp_path)
    peer.start()
    fake.simulated_at(monkeypatch, peer.url)
    yield peer
    peer.kill()


def _approved(count: int, account: str = "ann") -> tuple[Shop, list[UUID], Actor]:
    place, person = make.shop(count), make.admin("a@quittance.test")
    ids = []
    for payee in range(count):
        with unit_of_work(PLATFORM) as session:
            address = {"email": f"{payee}{account}@example.test"}
            make.method(session, place.payee_ids[payee], "paypal", to=address)
        make.earn(place, 10_00, payee=payee)
        ids.append(withdraw(place, payee=payee))
        approve(ids[-1], person)
    return place, ids, person


def _send(ids: list[UUID]) -> bool:
    """False where the outcome is unknown."""
    try:
        jobs.send(ids)
    except RailUnavailable:
        return False
    return True


def _instructions(paypal: SimulatorPeer) -> dict[str, int]:
    """How often the simulator paid each payout."""
    found: dict[str, int] = paypal.summary_of("paypal")["net_payments_by_statement"]
    return found


def _settled(ids: list[UUID], wanted: PayoutStatus = PayoutStatus.PAID) -> bool:
    with unit_of_work(PLATFORM) as session:
        keys = asking.accepted(session, ids)
    jobs._ask(keys)
    return all(status(one) is wanted for one in ids)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_at_every_call_leave_one_instruction_for_each(paypal: SimulatorPeer, seed: int) -> None:
    place, ids, _ = _approved(6)
    paypal.faults_of("paypal", chance=0.7, seed=seed, slow_s=0.05)
    for _ in range(60):
        if _send(ids):
            break
    paypal.faults_of("paypal", chance=0.0)
    assert _send(ids)
    wait_until(lambda: _settled(ids))
    assert sorted(_instructions(paypal).values()) == [1] * 6
    assert make.balances(place) == {}


def test_two_workers_at_once_make_one_call(paypal: SimulatorPeer) -> None:
    _, ids, _ = _approved(6)
    paypal.faults_of("paypal", lose_replies=1)
    _send(ids)  # an answer is lost, of the token or of the call
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        _send(ids)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    while not _send(ids):
        pass
    wait_until(lambda: _settled(ids))
    assert sorted(_instructions(paypal).values()) == [1] * 6


def test_what_nobody_claims_waits_and_says_so(paypal: SimulatorPeer) -> None:
    _, waiting, _ = _approved(1, "ann0010")
    assert _send(waiting)

    wait_until(lambda: _waiting(waiting))
    assert status(waiting[0]) is PayoutStatus.PROCESSING


def _waiting(ids: list[UUID]) -> bool:
    _settled(ids)
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT bool_and(waiting_message IS NOT NULL) FROM payouts WHERE id = ANY(:ids)")
        return bool(session.execute(query, {"ids": ids}).scalar_one())


def test_what_waits_can_be_called_back_once_and_the_money_returns(paypal: SimulatorPeer) -> None:
    place, (payout_id,), person = _approved(1, "ann0010")
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        recalls.ask(session, person, payout_id, "It is not there yet")
    assert _send([payout_id])
    wait_until(lambda: _waiting([payout_id]))
    stranger = make.payee_actor(place.payee_ids[0])
    for actor, note, error in ((stranger, "Mine", Forbidden), (person, "  ", Invalid)):
        with unit_of_work(PLATFORM) as session, pytest.raises(error):
            recalls.ask(session, actor, payout_id, note)
    with unit_of_work(PLATFORM) as session:
        recalls.ask(session, person, payout_id, "They have no PayPal account")
    for _ in range(2):
        jobs.call_back(str(payout_id))
    assert status(payout_id) is PayoutStatus.FAILED
    assert make.balances(place) == {"payee_available": 10_00}
    (kept,) = paypal.summary_of("paypal")["instructions"]
    assert (kept["paid"], kept["status"]) == (0, "failed")
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT count(*) FROM timeline_events WHERE note = 'Called back: They have no PayPal account'")
        assert session.execute(query).scalar_one() == 1


def test_a_refused_item_gives_the_money_back_and_says_what_to_do(paypal: SimulatorPeer) -> None:
    place, ids, _ = _approved(1, "ann0000")
    assert _send(ids)
    wait_until(lambda: _settled(ids, PayoutStatus.FAILED))
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT failure_code, failure_message, failure_cure FROM payouts")).one()
    assert row.failure_code == "payee_fixable:RECEIVER_ACCOUNT_LOCKED"
    assert row.failure_message == "The PayPal account is locked." and "Sign in to PayPal" in row.failure_cure
    assert make.balances(place) == {"payee_available": 10_00}


def test_a_part_of_a_call_is_never_taken_for_the_whole(paypal: SimulatorPeer) -> None:
    """Asked about one payout, all that went out with it are asked about; what another worker has is left to it."""
    _, ids, _ = _approved(3)
    paypal.faults_of("paypal", refuse_500=9)
    assert not _send(ids)
    with unit_of_work(PLATFORM) as session:
        assert {one.order.payout_id for one in sending.unanswered(session, ids[:1])} == set(ids)
        assert all(one.order.again for one in sending.unanswered(session, ids[:1]))
    with unit_of_work(PLATFORM) as other:
        other.execute(text("SELECT FROM payout_attempts WHERE payout_id = :id FOR UPDATE"), {"id": ids[0]})
        result: list[object] = []

        def look() -> None:
            with unit_of_work(PLATFORM) as session:
                result.append(sending.unanswered(session, ids))

        worker = threading.Thread(target=look)
        worker.start()
        worker.join()
    assert result == [[]]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(["USD", "EUR", "JPY"]), max_size=80),
    st.sampled_from([1, 2, 7, 30]),
)
def test_calls_are_of_one_currency_and_no_longer_than_the_rail_takes(currencies: list[str], size: int) -> None:
    rail = registry.rail("paypal")
    orders = []
    for currency in currencies:
        payout = uuid4()
        orders.append(SendOrder(f"{payout.hex}-a1", payout, Money(100, currency), "Ann", {}, "Q"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rail, "chunk", size, raising=False)
        cut = sending.in_calls(orders, {order.payout_id: "paypal" for order in orders})
    calls: dict[str, list[SendOrder]] = {}
    for order in cut:
        calls.setdefault(order.call, []).append(order)
    assert sorted(order.key for order in cut) == sorted(order.key for order in orders)
    for call, together in calls.items():
        assert len(together) <= size and len({order.amount.currency for order in together}) == 1
        assert call == together[0].key
    fewest = sum(-(-currencies.count(code) // size) for code in set(currencies))
    assert len(calls) == fewest
