"""The simulator's PayPal, called as PayPal is: what the rail relies on."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.rails.access import simulated_credential
from tests.fakes.simulator import SimulatorPeer, wait_until


@pytest.fixture
def paypal(simulator: SimulatorPeer) -> httpx.Client:
    names = ("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET")
    basic = base64.b64encode(":".join(simulated_credential("paypal", name) for name in names).encode()).decode()
    client = httpx.Client(base_url=f"{simulator.url}/paypal", trust_env=False)
    form = {"grant_type": "client_credentials"}
    token = client.post("/v1/oauth2/token", data=form, headers={"Authorization": f"Basic {basic}"}).json()
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    return client


def _batch(*receivers: str) -> dict[str, Any]:
    return {
        "sender_batch_header": {"sender_batch_id": uuid4().hex},
        "items": [
            {
                "recipient_type": "EMAIL", "receiver": receiver, "sender_item_id": f"{uuid4().hex}-a1",
                "amount": {"value": "10.50", "currency": "USD"},
            }
            for receiver in receivers
        ],
    }  # fmt: skip


def _items(paypal: httpx.Client, batch_id: str) -> dict[str, str]:
    found = paypal.get(f"/v1/payments/payouts/{batch_id}").json()["items"]
    return {one["payout_item"]["receiver"]: one["transaction_status"] for one in found}


def test_a_batch_is_taken_once_and_its_items_go_their_own_ways(paypal: httpx.Client) -> None:
    wanted = _batch("ann@example.test", "bo0000@example.test", "cy0010@example.test")
    made = paypal.post("/v1/payments/payouts", json=wanted)
    assert made.status_code == 201
    batch_id = made.json()["batch_header"]["payout_batch_id"]
    again = paypal.post("/v1/payments/payouts", json=wanted)
    assert again.status_code == 400 and again.json()["name"] == "USER_BUSINESS_ERROR"
    assert again.json()["details"][0]["link"][0]["href"].endswith(batch_id)
    ends = {"ann@example.test": "SUCCESS", "bo0000@example.test": "FAILED", "cy0010@example.test": "UNCLAIMED"}
    wait_until(lambda: _items(paypal, batch_id) == ends)


def test_a_fault_after_the_batch_was_taken_leaves_it_taken(paypal: httpx.Client, simulator: SimulatorPeer) -> None:
    simulator.faults_of("paypal", chance=1.0, seed=6)
    answers = []
    wanted = _batch("ann@example.test")
    for _ in range(8):
        try:
            answers.append(paypal.post("/v1/payments/payouts", json=wanted).status_code)
        except httpx.HTTPError:
            answers.append(0)
    assert {0, 500} <= set(answers)
    simulator.faults_of("paypal", chance=0.0)
    assert paypal.post("/v1/payments/payouts", json=wanted).status_code == 400  # it was taken, and once
    assert len(simulator.summary_of("paypal")["instructions"]) == 1


def test_wrong_credentials_and_nonsense_are_refused(paypal: httpx.Client) -> None:
    anybody = {"Authorization": "Bearer x"}
    assert paypal.get("/v1/payments/payouts/X", headers=anybody).status_code == 401
    assert paypal.get("/v1/payments/payouts/X").status_code == 404
    assert paypal.post("/v1/payments/payouts", json={"items": []}).status_code == 400
    mixed = _batch("ann@example.test", "bo@example.test")
    mixed["items"][1]["amount"]["currency"] = "EUR"
    assert paypal.post("/v1/payments/payouts", json=mixed).status_code == 400
