"""What we send to Stripe is what its specification allows, field by field: Prism refuses everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.core.money import Money
from app.core.stripe_wire import VERSION
from app.gateways.cards import CardReference, Intent, IntentStatus, Refused, Unanswered
from app.gateways.stripe_payments import StripePayments
from tests.fakes import prism
from tests.fakes.stripe import KEY, SPEC

PRICE = Money(1900, "USD")
METADATA = {"charge_id": "c1", "consultation_id": "k1", "advisor_id": "a1", "duration_minutes": "30"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prism.needed(SPEC)
    with prism.serving(SPEC, tmp_path_factory.mktemp("prism") / "log") as found:
        yield found


CARD = CardReference("cus_1", "pm_1")
BEGUN = Intent("pi_1", IntentStatus.WAITING, PRICE)

CALLS: dict[str, Callable[[StripePayments], Any]] = {
    "create": lambda stripe: stripe.create_intent("c1", PRICE, METADATA),
    "create, to keep the card": lambda stripe: stripe.create_intent("c3", PRICE, METADATA, "cus_1"),
    "keep the card": lambda stripe: stripe.keep("pi_1", "cus_1", True),
    "keep it no more": lambda stripe: stripe.keep("pi_1", "cus_1", False),
    "charge a kept card": lambda stripe: stripe.charge_kept("c4", 1, PRICE, METADATA, CARD, None),
    "charge a kept card, begun before": lambda stripe: stripe.charge_kept("c5", 2, PRICE, METADATA, CARD, BEGUN),
    "the card that paid": lambda stripe: stripe.facts("pi_1"),
    "create in yen": lambda stripe: stripe.create_intent("c2", Money(1900, "JPY"), METADATA),
    "retrieve": lambda stripe: stripe.find("c1", "pi_1"),
    "list": lambda stripe: stripe.find("c1", None),
    "fee": lambda stripe: stripe.fee("pi_1", PRICE),
    "refund": lambda stripe: stripe.refund("r1", "pi_1", PRICE),
    "retrieve a refund": lambda stripe: stripe.refund_of("re_1"),
    "list refunds": lambda stripe: stripe.find_refund("r1", "pi_1", None),
    "dispute": lambda stripe: stripe.dispute("dp_1"),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call(url: str, name: str) -> None:
    CALLS[name](StripePayments(KEY, "", url))


def test_cancelling(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, it would look up what became of the payment: here it must not come to that."""
    monkeypatch.delattr(StripePayments, "find")
    assert StripePayments(KEY, "", url).cancel("pi_1").reference


@pytest.mark.parametrize(
    ("form", "status"),
    [({"currency": "usd"}, 400), ({"amount": "much", "currency": "usd"}, 400),
     ({"amount": "1900", "currency": "usd", "capture_method": "tomorrow"}, 400)],
)  # fmt: skip
def test_it_refuses_what_the_specification_does_not_allow(url: str, form: dict[str, str], status: int) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": VERSION}
    answer = httpx.post(f"{url}/v1/payment_intents", data=form, headers=headers, trust_env=False)
    assert answer.status_code == status and answer.headers["sl-violations"]


def test_a_call_it_refuses_is_no_answer_of_ours(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.stripe_payments._outward", lambda amount: "much")
    with pytest.raises((Refused, Unanswered)):
        StripePayments(KEY, "", url).create_intent("c1", PRICE, METADATA)
