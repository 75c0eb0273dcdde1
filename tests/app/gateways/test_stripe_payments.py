"""Stripe as it answers, does not answer and lies about the time; against a peer that knows its specification."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from app.core.money import Money
from app.core.stamps import sign
from app.gateways.cards import (
    BadSignature,
    DisputeStatus,
    IntentStatus,
    NewsKind,
    RefundStatus,
    Refused,
    Unanswered,
)
from app.gateways.stripe_payments import StripePayments
from tests.fakes.stripe import KEY, SPEC, StripePeer

SECRET = "whsec_test"
PRICE = Money(1900, "USD")
METADATA = {"charge_id": "c1", "consultation_id": "k1", "advisor_id": "a1", "duration_minutes": "30"}


@pytest.fixture
def peer() -> Iterator[StripePeer]:
    made = StripePeer()
    yield made
    made.close()


@pytest.fixture
def stripe(peer: StripePeer) -> StripePayments:
    return StripePayments(KEY, SECRET, peer.url)


def test_a_payment_is_made_once_and_captured_at_once(stripe: StripePayments, peer: StripePeer) -> None:
    first, again = (stripe.create_intent("c1", PRICE, METADATA) for _ in range(2))
    assert first == again and len(peer.intents) == 1
    assert (first.status, first.amount, first.client_secret) == (IntentStatus.WAITING, PRICE, "pi_secret")
    form = peer.calls[0][2]
    assert form["capture_method"] == "automatic" and form["currency"] == "usd"
    assert {name: form[f"metadata[{name}]"] for name in METADATA} == METADATA
    peer.pays(first.reference)
    found = stripe.find("c1", first.reference)
    assert found is not None and found.status is IntentStatus.SUCCEEDED
    assert stripe.find("c1", "pi_none") is None
    assert stripe.cancel(first.reference).status is IntentStatus.SUCCEEDED


def test_one_whose_answer_was_lost_is_found_by_our_key(stripe: StripePayments, peer: StripePeer) -> None:
    assert stripe.find("c1", None) is None
    for number in range(5):
        stripe.create_intent(f"o{number}", PRICE, {"charge_id": f"o{number}"})
    peer.lose_replies = 1
    with pytest.raises(Unanswered):
        stripe.create_intent("c1", PRICE, METADATA)
    found = stripe.find("c1", None)
    assert found is not None and found.reference == "pi_6"
    assert stripe.cancel(found.reference).status is IntentStatus.CANCELLED


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 503])
def test_what_is_no_answer(stripe: StripePayments, peer: StripePeer, status: int) -> None:
    peer.fail_next = (status, {"code": "lock_timeout", "message": "sk_test secret things"})
    with pytest.raises(Unanswered) as error:
        stripe.create_intent("c1", PRICE, METADATA)
    assert "secret" not in str(error.value) and len(peer.calls) == 1  # nothing is tried again here


def test_what_is_refused(stripe: StripePayments, peer: StripePeer) -> None:
    peer.fail_next = (402, {"type": "card_error", "code": "card_declined", "message": "Your card was declined."})
    with pytest.raises(Refused, match=r"Your card was declined\."):
        stripe.create_intent("c1", PRICE, METADATA)
    peer.fail_next = (400, {"type": "invalid_request_error", "code": "amount_too_small", "message": "internal"})
    with pytest.raises(Refused, match="amount_too_small"):
        stripe.create_intent("c1", PRICE, METADATA)
    stripe.create_intent("c1", PRICE, METADATA)
    with pytest.raises(Unanswered, match="idempotency_error"):  # something exists under this key: look it up
        stripe.create_intent("c1", Money(1, "USD"), METADATA)


def test_refunds(stripe: StripePayments, peer: StripePeer) -> None:
    intent = stripe.create_intent("c1", PRICE, METADATA)
    assert stripe.find_refund("r1", intent.reference, None) is None
    peer.lose_replies = 1
    with pytest.raises(Unanswered):
        stripe.refund("r1", intent.reference, Money(900, "USD"))
    found = stripe.find_refund("r1", intent.reference, None)
    assert found is not None and (found.status, found.key) == (RefundStatus.SUCCEEDED, "r1")
    assert found == stripe.refund("r1", intent.reference, Money(900, "USD")) == stripe.refund_of(found.reference)
    assert found.intent_reference == intent.reference and len(peer.refunds) == 1
    with pytest.raises(Refused, match="already_refunded"):
        stripe.refund("r2", intent.reference, PRICE)
    peer.refunds["re_1"]["status"] = "requires_action"
    again = stripe.find_refund("r1", intent.reference, "re_1")
    assert again is not None and again.status is RefundStatus.PENDING
    with pytest.raises(Refused):
        stripe.refund_of("re_9")


@pytest.mark.parametrize(
    ("status", "stands"),
    [
        ("needs_response", DisputeStatus.OPEN), ("under_review", DisputeStatus.OPEN), ("won", DisputeStatus.WON),
        ("prevented", DisputeStatus.WON), ("lost", DisputeStatus.LOST), ("warning_closed", DisputeStatus.INQUIRY),
        ("appeal_under_review", DisputeStatus.OPEN),
    ],
)  # fmt: skip
def test_disputes(stripe: StripePayments, peer: StripePeer, status: str, stands: DisputeStatus) -> None:
    peer.charges["ch_1"] = {"id": "ch_1", "payment_intent": "pi_1"}
    peer.disputes["dp_1"] = {
        "id": "dp_1", "status": status, "amount": 1900, "currency": "usd", "charge": "ch_1", "payment_intent": None,
        "reason": "product_not_received",
    }  # fmt: skip
    found = stripe.dispute("dp_1")
    assert (found.status, found.amount, found.intent_reference) == (stands, PRICE, "pi_1")
    assert found.reason.endswith("(product not received)")


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        (Money(500, "JPY"), "500"), (Money(500, "UGX"), "50000"), (Money(500, "ISK"), "50000"),
        (Money(1230, "KWD"), "1230"),
    ],
)  # fmt: skip
def test_amounts_as_stripe_counts_them(stripe: StripePayments, peer: StripePeer, amount: Money, sent: str) -> None:
    assert stripe.create_intent("c1", amount, METADATA).amount == amount
    assert peer.calls[0][2]["amount"] == sent


def test_an_amount_stripe_cannot_take(stripe: StripePayments) -> None:
    with pytest.raises(Refused, match=r"steps of 0\.010"):
        stripe.create_intent("c1", Money(1234, "KWD"), METADATA)


def event(kind: str = "payment_intent.succeeded", **more: object) -> bytes:
    return json.dumps(
        {"id": "evt_1", "type": kind, "livemode": False, "data": {"object": {"id": "x_1"}}, **more}
    ).encode()


def test_news_are_verified(stripe: StripePayments) -> None:
    body, now = event(), int(time.time())
    (news,) = stripe.parse_event({"Stripe-Signature": sign(SECRET, body)}, body)
    assert (news.event_id, news.kind, news.reference) == ("evt_1", NewsKind.INTENT, "x_1")
    rolled = sign("old", body, now) + "," + sign(SECRET, body, now).partition(",")[2]
    assert stripe.parse_event({"Stripe-Signature": rolled}, body)
    for header in ("", "t=1", sign("other", body), sign(SECRET, body, now - 301), sign(SECRET, body, now + 86_400)):
        with pytest.raises(BadSignature):
            stripe.parse_event({"Stripe-Signature": header}, body)
    with pytest.raises(BadSignature):
        stripe.parse_event({"Stripe-Signature": sign(SECRET, body)}, body + b" ")
    with pytest.raises(BadSignature):
        StripePayments(KEY, "").parse_event({"Stripe-Signature": sign("", body)}, body)


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (event("refund.updated"), [NewsKind.REFUND]), (event("charge.dispute.closed"), [NewsKind.DISPUTE]),
        (event("charge.refunded"), []), (event("payout.paid"), []), (event(livemode=True), []),
        (event(account="acct_1"), []), (b"[]", []), (b"no json", []), (b'{"id": "evt_1"}', []),
    ],
)  # fmt: skip
def test_which_news_concern_us(stripe: StripePayments, body: bytes, kinds: list[NewsKind]) -> None:
    found = stripe.parse_event({"Stripe-Signature": sign(SECRET, body)}, body)
    assert [one.kind for one in found if one.kind] == kinds
    assert [bool(one.ignored) for one in found] == [not kinds]  # one of either kind: nothing signed is thrown away


@pytest.mark.samples
@pytest.mark.skipif(not SPEC.exists(), reason="NO SPEC: neither in $QUITTANCE_SPECS nor in ../shared/specs")
def test_sample_webhooks(stripe: StripePayments) -> None:
    samples = sorted((SPEC.parent / "webhooks").glob("*.json"))
    read = {path.stem: stripe.parse_event({"Stripe-Signature": sign(SECRET, body)}, body)
            for path in samples for body in [path.read_bytes()]}  # fmt: skip
    told = {name for name, news in read.items() if news[0].kind}
    assert {name for name in read if name.startswith(("payment_intent.", "refund.", "charge.dispute."))} == told


def test_what_stripe_keeps_is_known_later_and_in_its_own_currency(stripe: StripePayments, peer: StripePeer) -> None:
    made = stripe.create_intent("c1", PRICE, METADATA)
    peer.pays(made.reference)
    assert stripe.fee(made.reference, PRICE) is None
    peer.fees[made.reference] = {"id": "txn_1", "fee": 79, "currency": "eur"}
    assert stripe.fee(made.reference, PRICE) == Money(79, "EUR")
    with pytest.raises(Refused):
        stripe.fee("pi_none", PRICE)
    peer.fees["re_1"] = {"id": "txn_2", "fee": 0, "currency": "eur"}
    assert stripe.refund("r1", made.reference, Money(900, "USD")).fee_back is None
    peer.fees["re_1"] = {"id": "txn_2", "fee": -20, "currency": "eur"}
    assert stripe.refund_of("re_1").fee_back == Money(20, "EUR")
