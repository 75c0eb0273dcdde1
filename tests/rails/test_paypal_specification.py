"""Every request of the PayPal rails, held against PayPal's own specification. The server keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from app.core.money import Money
from app.rails.base import Outcome, RailUnavailable, SendOrder
from app.rails.paypal import PayPalRail
from app.rails.paypal_client import PayPalClient, Refused
from app.rails.venmo import VenmoRail
from tests.fakes import paypal as fake
from tests.fakes import prism
from tests.specs import specs

SPEC = specs("paypal", "paypal-payouts.openapi.json")
CERT = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prism.needed(SPEC)
    with prism.serving(SPEC, tmp_path_factory.mktemp("prism") / "log") as found:
        yield found


@pytest.fixture(autouse=True)
def _reached(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.reached_at(monkeypatch, url)


def _orders(count: int, destination: dict[str, str], currency: str = "USD") -> list[SendOrder]:
    made = []
    for _ in range(count):
        payout = uuid4()
        made.append(SendOrder(f"{payout.hex}-a1", payout, Money(1_00, currency), "Ann", destination, "Shop Q-1"))
    return [replace(one, call=made[0].key) for one in made]


@pytest.mark.parametrize("currency", ["USD", "JPY", "HUF"])
def test_a_call_to_paypal(currency: str) -> None:
    results = PayPalRail().send(_orders(3, {"email": "ann@example.test"}, currency))
    assert [one.outcome for one in results] == [Outcome.ACCEPTED] * 3
    assert {one.reference[:6] for one in results} == {"batch "}


@pytest.mark.parametrize("to", ["@jo-example", "+14155550123", "jo@example.test"])
def test_a_call_to_venmo(to: str) -> None:
    assert VenmoRail().send(_orders(1, {"venmo": to}))[0].outcome is Outcome.ACCEPTED


def test_15000_items_are_taken_and_15001_would_not_be(url: str) -> None:
    rail = PayPalRail()
    assert len(rail.send(_orders(15_000, {"email": "ann@example.test"}))) == rail.chunk == 15_000
    item = {"receiver": "ann@example.test", "amount": {"currency": "USD", "value": "1.00"}}
    body = {"sender_batch_header": {"sender_batch_id": "x"}, "items": [item] * 15_001}
    refused = httpx.post(
        f"{url}/v1/payments/payouts", json=body, headers={"Authorization": "Bearer x"}, trust_env=False
    )
    assert refused.status_code == 400
    with pytest.raises(ValueError, match="not one call"):
        rail.send(_orders(15_001, {"email": "ann@example.test"}))


def test_look_ups_of_items_and_batches() -> None:
    client = PayPalClient(PayPalRail())
    assert client.item("8AELMXH8UB2P8").outcome is Outcome.PAID
    found = client.batch("5UXD2E8A7EBQJ")
    assert found.items and found.id == "5UXD2E8A7EBQJ"
    with pytest.raises(RailUnavailable):  # the example is another sender's item
        PayPalRail().find("mine-a1", "8AELMXH8UB2P8")


def test_calling_an_item_back() -> None:
    assert PayPalClient(PayPalRail()).cancel("8AELMXH8UB2P8").outcome is Outcome.RETURNED


def test_asking_whether_a_delivery_is_paypals() -> None:
    fields = (
        f'{{"auth_algo":"SHA256withRSA","cert_url":"{CERT}","transmission_id":"dfb3be50-fd74-11e4-8bf3-77339302725b",'
        '"transmission_sig":"c2lnbmF0dXJl","transmission_time":"2026-11-20T12:00:00Z","webhook_id":"1JE4291016473214C"'
    )
    path = "/v1/notifications/verify-webhook-signature"
    client = PayPalClient(PayPalRail())
    answer = client.post_json(path, f'{fields},"webhook_event":{{"id":"WH-1"}}}}'.encode())
    assert answer["verification_status"] in ("SUCCESS", "FAILURE")
    with pytest.raises(Refused):
        client.post_json(path, f"{fields}}}".encode())
