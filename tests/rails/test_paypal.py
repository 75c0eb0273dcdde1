"""PayPal against the simulator and a scripted peer: one instruction, whatever becomes of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from app.core.errors import Invalid
from app.core.money import CURRENCIES, Money
from app.rails.base import Blame, Outcome, Rail, RailUnavailable, Result, SendOrder
from app.rails.paypal import PayPalRail, amount_text
from app.rails.venmo import VenmoRail
from tests.fakes import paypal as fake
from tests.fakes.paypal import Peer, batch, duplicate, item
from tests.fakes.simulator import SimulatorPeer, wait_until
from tests.rails.contract import MakeOrder
from tests.rails.paypal_contract import PayPalContract, calls
from tests.specs import needs, specs

CODES = specs("paypal", "codes.json")


class TestPayPal(PayPalContract):
    @pytest.fixture
    def rail(self) -> Rail:
        return PayPalRail()

    @pytest.fixture
    def good(self) -> dict[str, str]:
        return {"email": "Ann.Ashby@Example.test"}

    @pytest.fixture(params=["ann", "ann@", "@example.test", "ann@example", "ann ash@example.test", "a@b@example.test"])
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        return {"email": request.param}, "email"

    def test_items_end_as_their_receivers_decide(self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer) -> None:
        simulator.faults_of("paypal", delay_s=0.05)
        ends = {"ann": Outcome.PAID, "bo0000": Outcome.FAILED, "cy0010": Outcome.WAITING, "di0001": Outcome.RETURNED}
        orders = calls(*(order(destination={"email": f"{name}@example.test"}) for name in ends))
        sent = rail.send(orders)

        def outcomes() -> list[Outcome]:
            found = [rail.find(one.key, done.reference) for one, done in zip(orders, sent, strict=True)]
            return [one.outcome for one in found if one]

        wait_until(lambda: outcomes() == list(ends.values()))
        waiting = rail.find(orders[2].key, sent[2].reference)
        assert waiting and "There is no PayPal account under this address." in waiting.message
        assert "Open a PayPal account" in waiting.cure and "it comes back to us" in waiting.cure

    def test_three_thousand_items_are_read_page_by_page_once(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        orders = calls(*(order(number + 1) for number in range(3_000)))
        sent = rail.send(orders)
        assert len({one.reference for one in sent}) == 1
        found = [rail.find(one.key, sent[0].reference) for one in orders]  # 3,000 calls would take minutes
        assert [one.key for one in found if one] == [one.key for one in orders]
        assert len(simulator.summary_of("paypal")["instructions"]) == 3_000


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    with fake.peer() as made:
        fake.reached_at(monkeypatch, made.url)
        yield made


def _order(minor: int = 10_50, currency: str = "USD", *, again: bool = False) -> SendOrder:
    payout = uuid4()
    return SendOrder(
        f"{payout.hex}-a1", payout, Money(minor, currency), "Ann", {"email": "ann@example.test"}, "Q-1", again=again
    )


def test_a_token_serves_many_calls_and_a_refused_one_is_replaced_once(peer: Peer) -> None:
    rail, made = PayPalRail(), {"batch_header": {"payout_batch_id": "BATCH1"}}
    peer.answers = [(201, made), (201, made), (401, {"name": "AUTHENTICATION_FAILURE"}), (201, made)]
    for _ in range(3):
        assert rail.send([_order()])[0].reference == "batch BATCH1"
    assert peer.tokens == 2
    assert [one.headers["Authorization"] for one in peer.asked] == ["Bearer T1"] * 3 + ["Bearer T2"]
    peer.answers = [(201, made)]
    venmo = replace(_order(), destination={"venmo": "@jo-example"})
    assert VenmoRail().send([venmo]) and peer.tokens == 2  # the same provider, the same token


def test_credentials_that_are_wrong_fail_the_first_call_and_leave_a_repeat_unknown(peer: Peer) -> None:
    peer.token_status = 401
    (said,) = PayPalRail().send([_order()])
    assert (said.outcome, said.blame, said.code) == (Outcome.FAILED, Blame.PAYER, "AUTHENTICATION_FAILURE")
    with pytest.raises(RailUnavailable):
        PayPalRail().send([_order(again=True)])
    assert not peer.asked


@pytest.mark.parametrize("answer", [None, (500, {"name": "INTERNAL_ERROR"}), (503, {}), (201, {}), (302, {})])
def test_an_answer_that_says_nothing_leaves_it_unknown(peer: Peer, answer: tuple[int, object] | None) -> None:
    peer.answers = [answer]
    with pytest.raises(RailUnavailable):
        PayPalRail().send([_order()])


def test_a_refused_repeat_is_unknown_unless_the_content_alone_decides(peer: Peer) -> None:
    rail = PayPalRail()
    peer.answers = [(422, {"name": "INSUFFICIENT_FUNDS"}), (422, {"name": "INSUFFICIENT_FUNDS"})]
    (first,) = rail.send([_order()])
    assert (first.outcome, first.blame) == (Outcome.FAILED, Blame.PAYER)
    with pytest.raises(RailUnavailable):
        rail.send([_order(again=True)])
    peer.answers = [(400, {"name": "VALIDATION_ERROR"})]
    assert rail.send([_order(again=True)])[0].outcome is Outcome.FAILED


def test_the_batch_of_a_call_made_before_is_adopted_from_its_own_address(peer: Peer) -> None:
    orders = [_order(again=True) for _ in range(3)]
    shown = [item(orders[0].key, "SUCCESS"), item(orders[1].key, "UNCLAIMED", error="RECEIVER_UNREGISTERED")]
    peer.answers = [duplicate(host="https://evil.example"), (200, batch("PROCESSING", *shown, total=3))]
    results = PayPalRail().send(orders)
    assert [one.outcome for one in results] == [Outcome.PAID, Outcome.WAITING, Outcome.ACCEPTED]
    assert [one.reference for one in results] == ["ITEM1", "batch BATCH1", "batch BATCH1"]
    assert peer.paths == ["POST /v1/payments/payouts", "GET /v1/payments/payouts/BATCH1"]


def test_an_order_that_is_not_in_the_batch_failed_for_certain_once_the_batch_is_whole(peer: Peer) -> None:
    orders = [_order(again=True) for _ in range(2)]
    shown = item(orders[0].key, "SUCCESS")
    peer.answers = [duplicate(), (200, batch("SUCCESS", shown, total=2)), duplicate(), (200, batch("SUCCESS", shown))]
    assert [one.outcome for one in PayPalRail().send(orders)] == [Outcome.PAID, Outcome.ACCEPTED]
    last = PayPalRail().send(orders)[1]
    assert (last.outcome, last.blame, last.code) == (Outcome.FAILED, Blame.RETRY, "NOT_IN_BATCH")


def test_a_denied_batch_failed_whole(peer: Peer) -> None:
    orders = [_order() for _ in range(3)]
    shown = [item(orders[0].key, "FAILED", error="CLOSED_MARKET"), item(orders[1].key, "PENDING")]
    peer.answers = [(200, batch("DENIED", *shown, total=3))]
    rail = PayPalRail()
    results = [rail.find(one.key, "batch BATCH1") for one in orders]
    assert [one and (one.outcome, one.code) for one in results] == [
        (Outcome.FAILED, "CLOSED_MARKET"), (Outcome.FAILED, "BATCH_DENIED"), (Outcome.FAILED, "BATCH_DENIED"),
    ]  # fmt: skip
    assert len(peer.asked) == 1


def test_a_look_up_answers_about_the_order_asked_for(peer: Peer) -> None:
    one = _order()
    peer.answers = [(200, item(one.key, "SUCCESS")), (200, item("another", "SUCCESS")), (404, {"name": "X"})]
    assert PayPalRail().find(one.key, "ITEM1") == Result(one.key, Outcome.PAID, "ITEM1")
    for _ in range(2):
        with pytest.raises(RailUnavailable):
            PayPalRail().find(one.key, "ITEM1")
    assert PayPalRail().find(one.key) is None and len(peer.asked) == 3


def test_what_is_sent_is_one_call_of_one_currency_and_at_most_15000(peer: Peer) -> None:
    rail = PayPalRail()
    one = _order()
    for orders in ([one] * 15_001, [], calls(one, _order(currency="EUR")), [one, replace(one, call="x"), *calls(one)]):
        with pytest.raises(ValueError, match="not one call"):
            rail.send(orders)
    assert not peer.asked


def test_amounts_are_written_as_paypal_takes_them() -> None:
    rail = PayPalRail()
    assert len(rail.currencies) == 24 and rail.currencies <= CURRENCIES
    assert amount_text(Money(10_50, "USD")) == "10.50"
    assert [amount_text(Money(1_00, code)) for code in ("HUF", "TWD")] == ["1", "1"]
    assert amount_text(Money(1_00, "JPY")) == "100"
    with pytest.raises(ValueError, match="HUF"):
        amount_text(Money(1_50, "HUF"))


@needs(CODES)
def test_every_code_is_in_its_class(peer: Peer) -> None:
    """As the error of an item, and as the refusal of a whole call: first and again."""
    classes: dict[str, str] = json.loads(CODES.read_text())["names"]
    blames = {
        "retry": Blame.RETRY, "retry_new_key": Blame.RETRY, "payee_fix": Blame.PAYEE, "payer_fix": Blame.PAYER,
        "permanent": Blame.PERMANENT,
    }  # fmt: skip
    rail = PayPalRail()
    for code, kind in classes.items():
        one = _order()
        status = "ONHOLD" if kind == "pending" else "FAILED"
        peer.answers = [(200, item(one.key, status, error=code)), (422, {"name": code})]
        said = rail.find(one.key, "ITEM1")
        assert said and said.message.endswith(".") and said.cure, code
        if kind == "pending":
            assert said.outcome is Outcome.WAITING, code
            continue
        assert (said.outcome, said.blame) == (Outcome.FAILED, blames[kind]), code
        if kind == "retry":
            with pytest.raises(RailUnavailable):
                rail.send([one])
        else:
            assert rail.send([one])[0].blame is blames[kind], code


@needs(CODES)
def test_every_status_of_an_item_means_something(peer: Peer) -> None:
    statuses = json.loads(CODES.read_text())["item_status"]
    rail, one = PayPalRail(), _order()
    found = {}
    for status in statuses:
        peer.answers = [(200, item(one.key, status))]
        said = rail.find(one.key, "ITEM1")
        assert said
        found[status] = said.outcome
        assert said.message or said.outcome in (Outcome.PAID, Outcome.ACCEPTED), status
    assert found == {
        "SUCCESS": Outcome.PAID, "PENDING": Outcome.ACCEPTED, "ONHOLD": Outcome.WAITING, "UNCLAIMED": Outcome.WAITING,
        "FAILED": Outcome.FAILED, "BLOCKED": Outcome.FAILED, "RETURNED": Outcome.RETURNED,
        "REFUNDED": Outcome.RETURNED, "REVERSED": Outcome.RETURNED,
    }  # fmt: skip


def test_an_unclaimed_item_says_what_to_do_and_by_when(peer: Peer) -> None:
    one = _order()
    peer.answers = [(200, item(one.key, "UNCLAIMED", error="RECEIVER_UNREGISTERED", wallet="VENMO"))]
    said = PayPalRail().find(one.key, "ITEM1")  # Venmo's items come by PayPal's webhook
    assert said and said.message.startswith("Nobody has claimed it in Venmo yet.")
    assert said.cure.endswith("After 1 December 2026 it comes back to us.") and "Open a Venmo account" in said.cure


def test_addresses_are_plain() -> None:
    with pytest.raises(Invalid) as refusal:
        PayPalRail().validate({"email": "é@example.test"})
    assert "email" in refusal.value.fields


def test_calling_back_is_told_apart_from_claimed_meanwhile(peer: Peer) -> None:
    rail, one = PayPalRail(), _order()
    shown = batch("SUCCESS", item(one.key, "UNCLAIMED", item_id="I7"))
    peer.answers = [(200, shown), (200, item(one.key, "RETURNED", item_id="I7"))]
    assert rail.cancel(one.key, "batch BATCH1").outcome is Outcome.RETURNED
    assert peer.paths[-1] == "POST /v1/payments/payouts-item/I7/cancel" and peer.asked[-1].body == b""
    peer.answers = [(400, {"name": "ITEM_INCORRECT_STATUS"}), (200, item(one.key, "SUCCESS"))]
    assert rail.cancel(one.key, "I7").outcome is Outcome.PAID
    for answer in ((400, {"name": "BATCH_NOT_COMPLETED"}), (429, {"name": "X"}), None):
        peer.answers = [answer]
        with pytest.raises(RailUnavailable):
            rail.cancel(one.key, "I7")
    peer.answers = [(200, batch("PROCESSING", total=1))]
    with pytest.raises(RailUnavailable):
        rail.cancel(one.key, "batch BATCH1")
