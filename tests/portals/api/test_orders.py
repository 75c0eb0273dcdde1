"""Orders written by a program: once, with what is wrong named, refunds too, and who is refused."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from tests.factories import organizations, sales
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

ORDER = {"orderId": "A-1", "code": "amara15", "amount": {"amountMinor": 80_00, "currency": "USD"}}


@pytest.fixture
def brand(app: Any) -> UUID:
    made = organizations.organization("alder", currency="USD")
    sales.code(made, sales.creator(made).id)
    return made


@pytest.fixture
def caller(brand: UUID, client: Browser) -> Caller:
    return Caller(client, key(brand, "orders.write"))


def post(caller: Caller, target: str, body: Any, **headers: str) -> TestResponse:
    raw = json.dumps(body).encode()
    sent = caller.headers("POST", target, raw) | {"Content-Type": "application/json", **headers}
    return caller.client.open(target, method="POST", data=raw, headers=sent)


def test_an_order_earns_once(brand: UUID, caller: Caller) -> None:
    target = f"/api/organizations/{brand}/orders"
    made = post(caller, target, ORDER)
    assert made.status_code == 201, made.text
    assert made.get_json()["commission"] == {"amountMinor": 12_00, "currency": "USD"}
    assert made.get_json()["status"] == "PAID"
    again = post(caller, target, {**ORDER, "amount": {"amountMinor": 1, "currency": "USD"}})
    assert (again.status_code, again.get_json()) == (200, made.get_json())
    change = {"changeId": "r-1", "kind": "refund", "amount": {"amountMinor": 20_00, "currency": "USD"}}
    assert post(caller, f"{target}/A-1/changes", change).status_code == 201
    assert post(caller, f"{target}/A-1/changes", change).status_code == 200
    (row,) = caller.get(f"{target}?code=AMARA15").get_json()["data"]
    assert (row["status"], row["refunded"]["amountMinor"], row["commission"]["amountMinor"]) == (
        "PARTLY_REFUNDED",
        20_00,
        9_00,
    )
    assert caller.get(f"{target}?commission=unknown_code").get_json()["data"] == []


def test_a_change_is_in_the_currency_of_its_order(brand: UUID, caller: Caller) -> None:
    target = f"/api/organizations/{brand}/orders"
    post(caller, target, {**ORDER, "amount": {"amountMinor": 8_000, "currency": "JPY"}})
    wrong = post(caller, f"{target}/A-1/changes", {"changeId": "r", "amount": {"amountMinor": 20, "currency": "USD"}})
    assert wrong.status_code == 422 and "JPY" in wrong.get_json()["errors"]["amount"]
    assert post(caller, f"{target}/A-1/changes", {"changeId": "r", "amountMinor": 2_000}).status_code == 201
    (row,) = caller.get(target).get_json()["data"]
    assert row["commission"] == {"amountMinor": 900, "currency": "JPY"}


def test_the_same_key_gets_the_first_answer(brand: UUID, caller: Caller) -> None:
    target, once = f"/api/organizations/{brand}/orders", {"Idempotency-Key": "k-1"}
    first = post(caller, target, ORDER, **once)
    assert (first.status_code, post(caller, target, ORDER, **once).status_code) == (201, 201)
    assert post(caller, target, {**ORDER, "orderId": "B"}, **once).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"orderId": ""}, "orderId"),
        ({"code": ""}, "code"),
        ({"codes": "AMARA15"}, "codes"),
        ({"amount": {"amountMinor": -1, "currency": "USD"}}, "amount"),
        ({"amount": {"amountMinor": 1.5, "currency": "USD"}}, "amount"),
        ({"amount": {"amountMinor": 100, "currency": "ZZZ"}}, "amount"),
        ({"total": {"amountMinor": 100, "currency": "GBP"}}, "total"),
        ({"orderedAt": "2026-11-24"}, "orderedAt"),
        ({"orderedAt": "soon"}, "orderedAt"),
    ],
)
def test_what_is_wrong_is_named(brand: UUID, caller: Caller, change: dict[str, Any], field: str) -> None:
    answer = post(caller, f"/api/organizations/{brand}/orders", {**ORDER, **change})
    assert answer.status_code == 422 and field in answer.get_json()["errors"]
    assert caller.get(f"/api/organizations/{brand}/orders").get_json()["data"] == []


@pytest.mark.parametrize(
    "change", [{"changeId": ""}, {"kind": "gift"}, {"amount": {"amountMinor": 0, "currency": "USD"}}]
)
def test_a_wrong_change_takes_nothing(brand: UUID, caller: Caller, change: dict[str, Any]) -> None:
    target = f"/api/organizations/{brand}/orders"
    post(caller, target, ORDER)
    body = {"changeId": "r", "kind": "refund", **change}
    assert post(caller, f"{target}/A-1/changes", body).status_code == 422
    assert caller.get(target).get_json()["data"][0]["refunded"]["amountMinor"] == 0


def test_a_key_that_only_reads_writes_nothing(brand: UUID, client: Browser) -> None:
    reader = Caller(client, key(brand, "orders.read"))
    target = f"/api/organizations/{brand}/orders"
    assert post(reader, target, ORDER).status_code == 403
    assert post(reader, f"{target}/A-1/changes", {"changeId": "r"}).status_code == 403
    assert reader.get(target).get_json()["data"] == []
    other = organizations.organization("pelican", currency="USD")
    assert post(reader, f"/api/organizations/{other}/orders", ORDER).status_code == 404
