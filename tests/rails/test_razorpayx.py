from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.core.errors import Invalid
from app.core.money import Money
from app.rails import razorpayx_wire
from app.rails.base import Blame, Outcome, Rail, RailUnavailable, SendOrder
from app.rails.http import Client
from app.rails.pacing import Pace
from app.rails.razorpayx import RazorpayX
from tests.fakes.razorpayx import ENVIRONMENT, RazorpayPeer
from tests.rails.contract import MakeOrder, RailContract, assert_refusal
from tests.stores import environment

BANK = {
    "kind": "bank_account", "account_holder": "Asha Kulkarni", "account_number": "5020 0012 345678",
    "ifsc": "hdfc0000060",
}  # fmt: skip
UPI = {"kind": "vpa", "vpa": "Asha.Kulkarni@okhdfcbank"}


@pytest.fixture
def peer() -> Iterator[RazorpayPeer]:
    made = RazorpayPeer()
    with environment(**ENVIRONMENT, RAZORPAYX_URL=made.url):
        yield made
    made.close()


@pytest.fixture
def quick(peer: RazorpayPeer) -> RazorpayX:
    made = RazorpayX()
    made._pace = Pace(0)
    return made


class TestContract(RailContract):
    currency = "INR"

    @pytest.fixture
    def rail(self, quick: RazorpayX) -> Rail:
        return quick

    @pytest.fixture(params=[BANK, UPI], ids=["bank", "upi"])
    def good(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return dict(request.param)

    @pytest.fixture(
        params=[
            ({**BANK, "ifsc": "HDFC1000060"}, "ifsc"),
            ({**BANK, "ifsc": "HDFC000006"}, "ifsc"),
            ({**BANK, "account_number": "1234"}, "account_number"),
            ({**BANK, "account_number": "1234_5678"}, "account_number"),
            ({**BANK, "account_holder": ""}, "account_holder"),
            ({**BANK, "account_holder": "Li"}, "account_holder"),
            ({**BANK, "vpa": "asha@ybl"}, "vpa"),
            ({**BANK, "kind": "card"}, "kind"),
            ({**UPI, "vpa": "asha"}, "vpa"),
            ({**UPI, "vpa": "asha@@ybl"}, "vpa"),
            ({**UPI, "vpa": ""}, "vpa"),
            ({**UPI, "ifsc": "HDFC0000060"}, "ifsc"),
            ({**UPI, "account_number": "50200012345678"}, "account_number"),
        ]
    )
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        fields, name = request.param
        return dict(fields), name

    def test_what_a_payout_is_made_of(self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
        one = order(100_00, reference="Oxford Publishing Q-1A2B3C4D")
        quick.send([one])
        paid = peer.of(one.key)
        assert (paid["amount"], paid["currency"], paid["purpose"]) == (100_00, "INR", "payout")
        assert paid["queue_if_low_balance"] is True
        assert paid["narration"] == "Q1A2B3C4D Oxford Publishing"
        assert paid["mode"] == ("UPI" if one.destination["kind"] == "vpa" else "IMPS")

    def test_contact_and_fund_account_are_made_once(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer
    ) -> None:
        quick.send([order(), order(200), order(300)])
        assert (len(peer.contacts), len(peer.fund_accounts), len(peer.payouts)) == (1, 1, 3)
        quick.send([order(payee_name="Somebody Else")])
        assert (len(peer.contacts), len(peer.fund_accounts)) == (2, 2)

    @pytest.mark.parametrize("fault", ["lost", "reset", "500", "slow"])
    def test_taken_without_an_answer_is_unknown_found_and_paid_once(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Client.__init__, "__kwdefaults__", {**Client.__init__.__kwdefaults__, "read_s": 0.3})
        peer.faults = [fault]
        one = order()
        with pytest.raises(RailUnavailable):
            quick.send([one])
        found = quick.find(one.key)
        assert found is not None and found.outcome is Outcome.ACCEPTED
        assert quick.send([one])[0].reference == found.reference
        assert list(peer.payouts) == [found.reference]

    @pytest.mark.parametrize("fault", ["503", "429"])
    def test_not_taken_is_unknown_until_the_look_up_says_so(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer, fault: str
    ) -> None:
        peer.faults = [fault]
        one = order()
        with pytest.raises(RailUnavailable):
            quick.send([one])
        assert quick.find(one.key) is None
        assert quick.send([one])[0].outcome is Outcome.ACCEPTED
        assert len(peer.payouts) == 1

    def test_two_workers_at_once_pay_once(self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
        one, other = order(), RazorpayX()
        other._pace = Pace(0)
        said: list[str] = []
        threads = [
            threading.Thread(target=lambda rail=rail: said.append(rail.send([one])[0].reference))
            for rail in (quick, other, quick, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(said) == 4 and len(set(said)) == 1 == len(peer.payouts)

    def test_the_same_key_with_another_amount_is_not_taken(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer
    ) -> None:
        one = order(100)
        quick.send([one])
        with pytest.raises(RailUnavailable) as refusal:
            quick.send([order(101, key=one.key)])
        assert refusal.value.code == "key_reused"
        assert len(peer.payouts) == 1

    def test_a_wrong_key_fails_nothing(self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
        one = order()
        with environment(**{**ENVIRONMENT, "RAZORPAYX_KEY_SECRET": "other"}, RAZORPAYX_URL=peer.url):
            with pytest.raises(RailUnavailable):
                quick.send([one])
            with pytest.raises(RailUnavailable):
                quick.find(one.key)
        assert quick.find(one.key) is None

    def test_an_answer_about_another_payout_is_no_answer(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer
    ) -> None:
        first, second = order(), order()
        sent = quick.send([first])[0]
        with pytest.raises(RailUnavailable):
            quick.find(second.key, sent.reference)

    def test_what_it_called_a_payout_may_be_unknown_there(
        self, quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer
    ) -> None:
        one = order()
        sent = quick.send([one])[0]
        assert quick.find(one.key, "pout_gone") == sent == quick.find(one.key, sent.reference)


def an_order(destination: dict[str, str], minor: int = 12_345) -> SendOrder:
    payout = uuid4()
    return SendOrder(f"{payout.hex}-a1", payout, Money(minor, "INR"), "Ashby", destination, "PO-1")


@pytest.fixture
def order(quick: RazorpayX) -> MakeOrder:
    return lambda minor=12_345, **changes: replace(an_order(quick.validate(BANK), minor), **changes)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("pending", Outcome.ACCEPTED), ("queued", Outcome.ACCEPTED), ("scheduled", Outcome.ACCEPTED),
        ("processing", Outcome.ACCEPTED), ("processed", Outcome.PAID), ("reversed", Outcome.RETURNED),
        ("failed", Outcome.FAILED), ("cancelled", Outcome.FAILED), ("rejected", Outcome.FAILED),
    ],
)  # fmt: skip
def test_every_status(quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer, status: str, outcome: Outcome) -> None:
    one = order()
    sent = quick.send([one])[0]
    peer.becomes(one.key, status)
    found = quick.find(one.key, sent.reference)
    assert found is not None and found.outcome is outcome
    if outcome in (Outcome.FAILED, Outcome.RETURNED):
        assert_refusal(found.blame, found.message, found.cure, Blame.PAYER)


def test_a_status_nobody_knows_is_unknown(quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
    one = order()
    quick.send([one])
    peer.becomes(one.key, "on_the_moon")
    with pytest.raises(RailUnavailable):
        quick.find(one.key)


def test_a_queued_payout_says_what_it_waits_for(quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
    one = order()
    quick.send([one])
    peer.becomes(one.key, "queued", "low_balance")
    found = quick.find(one.key)
    assert found is not None and (found.outcome, found.code) == (Outcome.ACCEPTED, "low_balance")
    assert "topped up" in found.message


def test_destinations_in_its_words_are_masked() -> None:
    told = {
        "id": "pout_1", "reference_id": "k", "status": "reversed",
        "status_details": {"reason": "new", "description": "Account 50100102283912 of ann@okbank is closed."},
    }  # fmt: skip
    result = razorpayx_wire.result("k", told)
    assert "50100102283912" not in result.message and "okbank" not in result.message


def test_an_account_without_imps_is_paid_by_neft_in_a_new_attempt(
    quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer
) -> None:
    first = order()
    stem = first.key[:-1]
    peer.reasons = {"IMPS": "imps_not_allowed"}
    refused = quick.send([first])[0]
    assert (refused.outcome, refused.blame) == (Outcome.FAILED, Blame.RETRY)
    assert quick.send([first])[0] == refused, "the same attempt stays what it was"
    second = replace(first, key=f"{stem}2")
    assert quick.send([second])[0].outcome is Outcome.ACCEPTED
    assert peer.of(second.key)["mode"] == "NEFT"
    third = replace(first, key=f"{stem}3")
    peer.becomes(second.key, "failed", "beneficiary_bank_offline")
    quick.send([third])
    assert peer.of(third.key)["mode"] == "NEFT", "what the first attempt taught is not forgotten"
    elsewhere = quick.validate({**BANK, "account_number": "999900001111"})
    fourth = replace(first, key=f"{stem}4", destination=elsewhere)
    assert quick.send([fourth])[0].blame is Blame.RETRY
    assert peer.of(fourth.key)["mode"] == "IMPS", "another account may well take IMPS"


def test_a_upi_address_takes_a_lakh(quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
    upi = quick.validate(UPI)
    assert quick.send([order(100_000_00, destination=upi)])[0].outcome is Outcome.ACCEPTED
    (refused,) = quick.send([order(100_000_01, destination=upi)])
    assert_refusal(refused.blame, refused.message, refused.cure, Blame.PAYEE)
    assert len(peer.payouts) == 1


def test_a_refused_account_is_for_the_payee_to_mend(quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer) -> None:
    said = "Invalid IFSC for account 50200012345678"
    error = {"code": "BAD_REQUEST_ERROR", "description": said, "reason": "input_validation_failed", "field": "ifsc"}
    peer.refuses["/v1/fund_accounts"] = (400, error)
    (refused,) = quick.send([order()])
    assert refused.outcome is Outcome.FAILED
    assert_refusal(refused.blame, refused.message, refused.cure, Blame.PAYEE)
    assert "Invalid IFSC" in refused.message and "5020" not in refused.message


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, {"code": "BAD_REQUEST_ERROR", "description": "Conflict"}),
        (400, {"code": "SERVER_ERROR", "description": "We are facing some trouble", "reason": "server_error"}),
        (400, {"code": "GATEWAY_ERROR", "description": "The gateway is slow"}),
        (403, {"code": "BAD_REQUEST_ERROR", "description": "Access denied from this IP"}),
    ],
)
def test_refusals_that_leave_it_open(
    quick: RazorpayX, order: MakeOrder, peer: RazorpayPeer, status: int, error: dict[str, Any]
) -> None:
    peer.refuses["/v1/payouts"] = (status, error)
    with pytest.raises(RailUnavailable):
        quick.send([order()])


def test_calls_are_paced() -> None:
    from time import monotonic

    pace, began = Pace(0.05), monotonic()
    for _ in range(4):
        pace.wait()
    assert 0.15 <= monotonic() - began < 5


def test_wrong_fields_are_all_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        RazorpayX().validate({"kind": "bank_account", "ifsc": "x", "account_number": ""})
    assert set(refusal.value.fields) == {"account_holder", "account_number", "ifsc"}
