"""What shops send: refused, stored once, answered, applied by the job; late, doubled and out of order."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import clock
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.gateways import shops
from app.gateways.shops import Shop
from app.sales import codes
from app.webhooks import service
from jobs import runtime
from tests.factories import organizations, sales
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SECRET = "a shop's own secret"
SHOPIFY_ORDER: dict[str, Any] = {
    "id": 450789469, "name": "#1001", "email": "Bob.Norman@example.test", "currency": "USD",
    "processed_at": "2026-11-18T10:30:00-05:00", "created_at": "2026-11-18T10:29:50-05:00", "test": False,
    "financial_status": "paid", "subtotal_price": "195.67", "total_tax": "11.94", "total_price": "217.60",
    "taxes_included": False, "discount_codes": [{"code": "AMARA15", "amount": "34.53", "type": "percentage"}],
    "line_items": [{"price": "230.20", "quantity": 1, "tax_lines": [{"price": "11.94"}]}],
    "customer": {"first_name": "Bob", "last_name": "Norman", "phone": "+16136120707"}, "refunds": [],
}  # fmt: skip
SHOPIFY_REFUND: dict[str, Any] = {
    "id": 509562969, "order_id": 450789469, "processed_at": "2026-11-19T09:00:00-05:00", "note": "too small",
    "refund_line_items": [{"quantity": 1, "subtotal": "95.67", "total_tax": "3.98"}],
    "transactions": [{"kind": "refund", "status": "success", "amount": "99.65", "currency": "USD"}],
}  # fmt: skip
WOO_ORDER: dict[str, Any] = {
    "id": 727, "number": "727", "status": "processing", "currency": "USD", "date_created_gmt": "2026-11-18T16:28:02",
    "date_paid_gmt": "2026-11-18T16:28:08", "date_modified_gmt": "2026-11-18T16:28:08", "total": "129.35",
    "total_tax": "1.35", "billing": {"email": "john.doe@example.test", "last_name": "Doe"},
    "line_items": [{"total": "100.00", "total_tax": "1.20"}, {"total": "18.00", "total_tax": "0.15"}],
    "coupon_lines": [{"code": "amara15", "discount": "5.00"}], "refunds": [],
}  # fmt: skip
GENERIC: dict[str, Any] = {
    "event_id": "e-1", "type": "order.paid", "order_id": "G-7", "code": "AMARA15", "amount_minor": 80_00,
    "currency": "USD", "ordered_at": "2026-11-18T16:28:02Z", "email": "jane@example.test",
}  # fmt: skip


@pytest.fixture
def brand(app: Any) -> UUID:
    made = organizations.organization("alder", currency="USD")
    sales.code(made, sales.creator(made).id)
    for shop in Shop:
        with unit_of_work(Scope.organization(made)) as session:
            codes.add_store(session, operator(), made, shop, "Alder & Moss", SECRET)
    return made


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def post(client: Browser, shop: str, body: bytes, headers: Mapping[str, str], to: str = "alder") -> TestResponse:
    return client.open(f"/api/webhooks/orders/{shop}/{to}", method="POST", data=body, headers=dict(headers))


def shopify(client: Browser, topic: str, payload: Any, event_id: str = "", **more: Any) -> TestResponse:
    body = json.dumps(payload).encode()
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature(body)}
    return post(client, "shopify", body, headers | ({"X-Shopify-Webhook-Id": event_id} if event_id else {}), **more)


def woo(client: Browser, payload: Any, topic: str = "order.updated") -> TestResponse:
    body = json.dumps(payload).encode()
    return post(client, "woocommerce", body, {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature(body)})


def generic(client: Browser, payload: Any, *, away_s: int = 0, secret: str = SECRET) -> TestResponse:
    body, stamp = json.dumps(payload).encode(), str(int(clock.utc_now().timestamp()) + away_s)
    signed = shops.sign_generic(secret, stamp, body)
    return post(client, "generic", body, {"X-Quittance-Timestamp": stamp, "X-Quittance-Signature": signed})


def run_all() -> None:
    while runtime.run_due():
        pass


def ask(query: str) -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        return [tuple(row) for row in session.execute(text(query))]


def earned() -> list[tuple[str, int]]:
    run_all()
    return ask("SELECT kind, amount_minor FROM earnings ORDER BY created_at, id")


def test_a_paid_order_earns_and_a_refund_reverses(brand: UUID, client: Browser) -> None:
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, "w1").get_json() == {"new": 1}
    assert earned() == [("commission", 29_35)]  # 15 % of 195.67
    assert shopify(client, "refunds/create", SHOPIFY_REFUND, "w2").status_code == 200
    assert earned() == [("commission", 29_35), ("reversal", -14_35)]
    assert ask("SELECT status, refunded_minor, number FROM orders") == [("partly_refunded", 95_67, "#1001")]
    assert (
        shopify(client, "orders/cancelled", {**SHOPIFY_ORDER, "cancelled_at": "2026-11-20T10:00:00Z"}).status_code
        == 200
    )
    assert sum(amount for _, amount in earned()) == 0
    assert ask("SELECT count(*) FROM webhook_events WHERE status = 'applied'") == [(3,)]


def test_the_same_call_and_the_same_order_count_once(brand: UUID, client: Browser) -> None:
    for _ in range(3):
        assert shopify(client, "orders/paid", SHOPIFY_ORDER, "w1").status_code == 200
    shopify(client, "orders/updated", SHOPIFY_ORDER, "w2")
    for event_id in ("w3", "w4"):
        shopify(client, "refunds/create", SHOPIFY_REFUND, event_id)
    shopify(client, "orders/updated", {**SHOPIFY_ORDER, "refunds": [SHOPIFY_REFUND]}, "w5")
    assert earned() == [("commission", 29_35), ("reversal", -14_35)]
    assert ask("SELECT count(*) FROM webhook_events") == [(5,)]


def test_a_refund_before_its_order(brand: UUID, client: Browser) -> None:
    shopify(client, "refunds/create", SHOPIFY_REFUND)
    assert earned() == []
    shopify(client, "orders/paid", SHOPIFY_ORDER)
    assert sorted(earned()) == [("commission", 29_35), ("reversal", -14_35)]


def test_prices_with_tax_in_them(brand: UUID, client: Browser) -> None:
    shopify(client, "orders/paid", {**SHOPIFY_ORDER, "taxes_included": True, "subtotal_price": "111.94"})
    assert earned() == [("commission", 15_00)]
    with_tax = {"quantity": 1, "subtotal": "53.98", "total_tax": "3.98"}
    shopify(client, "refunds/create", {**SHOPIFY_REFUND, "refund_line_items": [with_tax]})
    assert earned() == [("commission", 15_00), ("reversal", -7_50)]


def test_a_chargeback_takes_its_part(brand: UUID, client: Browser) -> None:
    shopify(client, "orders/paid", SHOPIFY_ORDER)
    dispute = {
        "id": 598735659, "order_id": 450789469, "type": "chargeback", "amount": "217.60", "currency": "USD",
        "reason": "fraudulent", "initiated_at": "2026-11-20T10:00:00-05:00",
    }  # fmt: skip
    shopify(client, "disputes/create", {**dispute, "type": "inquiry"})
    assert earned() == [("commission", 29_35)]
    shopify(client, "disputes/create", dispute)
    assert earned() == [("commission", 29_35), ("reversal", -29_35)]
    assert ask("SELECT status FROM orders") == [("disputed",)]


def test_woocommerce_sends_the_whole_order_each_time(brand: UUID, client: Browser) -> None:
    assert post(client, "woocommerce", b"webhook_id=12", {}).status_code == 200  # its trial call
    woo(client, {**WOO_ORDER, "status": "pending", "date_paid_gmt": None}, "order.created")
    assert earned() == []
    woo(client, WOO_ORDER)
    woo(client, {**WOO_ORDER, "status": "completed"})
    assert earned() == [("commission", 17_70)]  # 15 % of 118.00
    refund = {"id": 726, "reason": "", "total": "-64.68"}
    woo(client, {**WOO_ORDER, "status": "completed", "refunds": [refund]})
    woo(client, {**WOO_ORDER, "status": "completed", "refunds": [refund], "date_modified_gmt": "2026-11-20T00:00:00"})
    assert earned() == [("commission", 17_70), ("reversal", -8_85)]
    woo(client, {**WOO_ORDER, "status": "refunded", "refunds": [refund, {"id": 728, "total": "-64.67"}]})
    assert sum(amount for _, amount in earned()) == 0


def test_any_program_may_send_orders(brand: UUID, client: Browser) -> None:
    assert generic(client, GENERIC).status_code == 200
    refund = {"type": "order.refunded", "order_id": "G-7", "refund_id": "r", "amount_minor": 20_00}
    generic(client, {**refund, "event_id": "e-2", "occurred_at": "2026-11-19T10:00:00Z"})
    assert earned() == [("commission", 12_00), ("reversal", -3_00)]


@pytest.mark.parametrize("away", [-301, 301, -86400])
def test_a_generic_call_is_taken_for_five_minutes(brand: UUID, client: Browser, away: int) -> None:
    assert generic(client, GENERIC, away_s=away).status_code == 401
    assert generic(client, GENERIC, away_s=away // 1000).status_code == 200


def test_forgeries_leave_nothing(brand: UUID, client: Browser) -> None:
    body = json.dumps(SHOPIFY_ORDER).encode()
    topic = {"X-Shopify-Topic": "orders/paid"}
    for made in ({}, {"X-Shopify-Hmac-Sha256": signature(body, "another secret here")}, {"X-Shopify-Hmac-Sha256": "ü"}):
        assert post(client, "shopify", body, topic | made).status_code == 401
    assert post(client, "shopify", body + b" ", topic | {"X-Shopify-Hmac-Sha256": signature(body)}).status_code == 401
    assert generic(client, GENERIC, secret="another secret here").status_code == 401
    assert ask("SELECT count(*) FROM webhook_events") == [(0,)]


def test_a_store_that_is_off_or_of_somebody_else_is_refused(brand: UUID, client: Browser) -> None:
    organizations.organization("pelican", currency="USD")
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, to="pelican").status_code == 401
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, to="nobody").status_code == 404
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, to=str(brand)).status_code == 200
    assert client.open("/api/webhooks/orders/ebay/alder", method="POST", data=b"{}").status_code == 404
    (store,) = ask("SELECT id FROM stores WHERE shop = 'shopify'")
    with unit_of_work(Scope.organization(brand)) as session:
        codes.switch_store(session, operator(), brand, store[0], active=False)
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, "w9").status_code == 401
    with unit_of_work(Scope.organization(brand)) as session:
        codes.switch_store(session, operator(), brand, store[0], active=True)
        codes.rotate(session, operator(), brand, store[0], "another secret here")
    assert shopify(client, "orders/paid", SHOPIFY_ORDER, "w9").status_code == 401


@pytest.mark.parametrize(
    ("topic", "payload", "says"),
    [
        ("products/create", {"id": 1}, "nothing follows from products/create"),
        ("orders/paid", {**SHOPIFY_ORDER, "test": True}, "a test order"),
        ("orders/create", {**SHOPIFY_ORDER, "financial_status": "pending"}, "not paid yet"),
        ("orders/paid", {**SHOPIFY_ORDER, "currency": "XXX"}, "could not be read"),
        ("orders/paid", {**SHOPIFY_ORDER, "subtotal_price": "much"}, "could not be read"),
        ("orders/paid", {"financial_status": "paid"}, "could not be read"),
        ("orders/paid", [], "could not be read"),
        ("orders/paid", {**SHOPIFY_ORDER, "processed_at": "yesterday"}, "could not be read"),
        ("refunds/create", {**SHOPIFY_REFUND, "refund_line_items": [], "transactions": []}, "nothing was refunded"),
    ],
)
def test_what_nothing_follows_from_is_kept_with_the_reason(
    brand: UUID, client: Browser, topic: str, payload: Any, says: str
) -> None:
    assert shopify(client, topic, payload).status_code == 200
    assert earned() == []
    ((status, result),) = ask("SELECT status, result FROM webhook_events")
    assert status == "ignored" and says in result


def test_an_order_without_a_code_is_not_kept(brand: UUID, client: Browser) -> None:
    shopify(client, "orders/paid", {**SHOPIFY_ORDER, "discount_codes": []})
    assert earned() == [] and ask("SELECT count(*) FROM orders") == [(0,)]
    assert ask("SELECT result FROM webhook_events") == [("no discount code",)]


def test_nothing_of_the_buyer_is_kept(brand: UUID, client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    shopify(client, "orders/paid", SHOPIFY_ORDER)
    woo(client, WOO_ORDER)
    generic(client, GENERIC)
    run_all()
    kept = str(ask("SELECT to_jsonb(o)::text FROM orders o")) + str(
        ask("SELECT to_jsonb(e)::text FROM webhook_events e")
    )
    for word in ("norman", "doe", "jane", "example.test", "6136120707"):
        assert word not in kept.lower() and word not in caplog.text.lower()
    assert ask("SELECT count(*) FROM orders WHERE buyer_index IS NOT NULL") == [(3,)]


def test_a_lost_job_is_promised_again(brand: UUID, client: Browser) -> None:
    shopify(client, "orders/paid", SHOPIFY_ORDER)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("DELETE FROM outbox"))
    with clock.at(clock.utc_now() + timedelta(minutes=11)):
        with unit_of_work(PLATFORM) as session:
            assert service.promise_again(session) == 1
        assert earned() == [("commission", 29_35)]
