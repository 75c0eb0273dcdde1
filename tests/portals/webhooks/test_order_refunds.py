"""Refunds as shops tell of them: in other currencies, of shipping alone, without money, without an id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.portals.conftest import Browser
from tests.portals.webhooks.test_orders import GENERIC, SHOPIFY_ORDER, SHOPIFY_REFUND, ask, brand, earned, generic
from tests.portals.webhooks.test_orders import shopify as call

__all__ = ["brand"]
YEN: dict[str, Any] = {**SHOPIFY_ORDER, "currency": "JPY", "subtotal_price": "20000", "total_price": "22000"}


def _paid_back(amount: str, currency: str | None = "USD", status: str = "success") -> dict[str, Any]:
    return {"kind": "refund", "status": status, "amount": amount, "currency": currency}


def _set(amount: str, currency: str, theirs: str, abroad: str) -> dict[str, Any]:
    return {
        "shop_money": {"amount": amount, "currency_code": currency},
        "presentment_money": {"amount": theirs, "currency_code": abroad},
    }


def _line(amount: str, currency: str, theirs: str, abroad: str) -> dict[str, Any]:
    return {"quantity": 1, "subtotal": float(amount), "subtotal_set": _set(amount, currency, theirs, abroad)}


@pytest.mark.parametrize(
    "refund",
    [
        {"refund_line_items": [{"quantity": 1, "subtotal": "5000"}], "transactions": [_paid_back("5500", "JPY")]},
        {"refund_line_items": [_line("5000", "JPY", "33.10", "USD")], "transactions": [_paid_back("36.41", "USD")]},
        {"refund_line_items": [], "transactions": [_paid_back("5500", "JPY")]},
    ],
)
def test_yen_have_no_decimals_and_the_buyer_may_pay_in_dollars(
    brand: UUID, client: Browser, refund: dict[str, Any]
) -> None:
    call(client, "orders/paid", YEN)
    assert earned() == [("commission", 3000)]
    call(client, "refunds/create", {**SHOPIFY_REFUND, **refund})
    assert earned() == [("commission", 3000), ("reversal", -750)]
    assert ask("SELECT DISTINCT currency FROM earnings") == [("JPY",)]


def test_within_an_order_a_refund_is_in_its_currency(brand: UUID, client: Browser) -> None:
    lines = [{"quantity": 1, "subtotal": 5000.0, "total_tax": 500.0}]
    refund = {**SHOPIFY_REFUND, "refund_line_items": lines, "transactions": [_paid_back("5500", None)]}
    call(client, "orders/updated", {**YEN, "refunds": [refund]})
    assert sum(amount for _, amount in earned()) == 2250


def test_money_back_in_a_foreign_currency_counts_by_its_adjustment(brand: UUID, client: Browser) -> None:
    call(client, "orders/paid", SHOPIFY_ORDER)
    adjustment: dict[str, Any] = {"kind": "refund_discrepancy", "amount": "-108.80", "tax_amount": "0.00"}
    adjustment["amount_set"] = _set("-108.80", "USD", "-16000", "JPY")
    refund = {**SHOPIFY_REFUND, "refund_line_items": [], "transactions": [_paid_back("16000", "JPY")]}
    call(client, "refunds/create", {**refund, "order_adjustments": [adjustment]})
    assert sum(amount for _, amount in earned()) == 14_67  # half of the order went back


@pytest.mark.parametrize(
    "refund",
    [
        {"transactions": []},  # goods come back to the shelf, and no money goes
        {"transactions": [_paid_back("99.65", status="failure")]},
        {
            "refund_line_items": [],
            "transactions": [_paid_back("9.99")],
            "order_adjustments": [{"kind": "shipping_refund", "amount": "-9.00", "tax_amount": "-0.99"}],
        },
        {
            "refund_line_items": [],
            "transactions": [_paid_back("9.99")],
            "refund_shipping_lines": [{"subtotal_amount_set": _set("9.99", "USD", "9.99", "USD")}],
        },
    ],
)
def test_what_is_not_paid_back_for_goods_takes_no_commission(
    brand: UUID, client: Browser, refund: dict[str, Any]
) -> None:
    call(client, "orders/paid", SHOPIFY_ORDER)
    call(client, "refunds/create", {**SHOPIFY_REFUND, **refund})
    assert earned() == [("commission", 29_35)]
    assert ask("SELECT result FROM webhook_events WHERE status = 'ignored'") == [("nothing was refunded of the goods",)]


def test_refunds_without_an_id_are_known_by_their_call(brand: UUID, client: Browser) -> None:
    generic(client, {**GENERIC, "currency": "usd"})
    refund = {"type": "order.refunded", "order_id": "G-7", "amount_minor": 20_00, "occurred_at": "2026-11-19T10:00:00Z"}
    for event_id in ("e-2", "e-3", "e-3"):
        generic(client, {**refund, "event_id": event_id})
    assert earned() == [("commission", 12_00), ("reversal", -3_00), ("reversal", -3_00)]


def test_characters_that_cannot_be_kept_lose_no_order(brand: UUID, client: Browser) -> None:
    order = {**SHOPIFY_ORDER, "name": "#10\0\ud83d01", "discount_codes": [{"code": "AMARA15\0"}]}
    assert call(client, "orders/paid", order).status_code == 200
    assert earned() == [("commission", 29_35)]
    assert ask("SELECT number FROM orders") == [("#10?01",)]
