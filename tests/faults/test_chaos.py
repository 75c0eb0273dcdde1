"""The chaos run of CI: every simulated provider, lost and doubled messages, killed processes, restarted stores.

And its verdict: it sees a payout that was made twice, also where two rails share the books of one provider.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.chaos import verdict

ROOT = Path(__file__).parents[2]


@pytest.mark.faults
def test_two_hundred_payouts_through_the_storm(tmp_path: Path) -> None:
    """One debit for each payout, the ledger agrees, nothing is left open, the doctor is content."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi:app", "chaos", "--payouts", "200", "--seed", "11"]
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    found = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=1500)
    assert found.returncode == 0, found.stdout + found.stderr[-4000:]
    assert "Everything holds." in found.stdout
    assert "200 payouts over simulated, paypal, venmo, stripe_connect, mpesa, razorpayx" in found.stderr
    assert "killing worker" in found.stderr and "killing postgres" in found.stderr and "killing valkey" in found.stderr


def _attempt(rail: str, key: str, status: str = "paid") -> Any:
    return SimpleNamespace(rail=rail, key=key, payout_status=status, amount_minor=500, currency="USD")


def _there(key: str, paid: int = 1, returned: int = 0) -> dict[str, Any]:
    return {"key": key, "paid": paid, "returned": returned, "amount_minor": 500, "currency": "USD"}


def test_venmo_is_looked_for_in_the_books_of_paypal() -> None:
    attempts = [_attempt("paypal", "a-a1"), _attempt("venmo", "b-a1"), _attempt("stripe_connect", "c-a1")]
    books = {"paypal": [_there("call1/a-a1"), _there("call2/b-a1")], "stripe_connect": [_there("c-a1")]}
    assert verdict._compare(attempts, books) == []
    twice = {**books, "paypal": [*books["paypal"], _there("call3/b-a1")]}
    assert verdict._compare(attempts, twice) == ["paypal: b-a1 is there twice"]
    missing = {**books, "stripe_connect": []}
    assert verdict._compare(attempts, missing) == ["stripe_connect: c-a1 is paid here, and unknown there"]
    stranger = {**books, "stripe_connect": [_there("c-a1", 1, 1), _there("d-a1")]}
    assert verdict._compare(attempts, stranger) == [
        "stripe_connect: c-a1 is paid here, and paid 1, returned 1 there",
        "stripe_connect: an instruction nobody gave, d-a1",
    ]


def test_what_stripe_paid_on_to_banks_is_compared() -> None:
    there = [{"payout": "po_1", "status": "paid"}, {"payout": "po_2", "status": "failed"}]
    assert verdict._at_banks(there, {"po_1": "paid", "po_2": "failed"}) == []
    assert verdict._at_banks(there, {"po_1": "in_transit", "po_3": "paid"}) == [
        "po_1: in_transit here, paid at Stripe",
        "po_2: unknown here, failed at Stripe",
        "po_3: paid here, unknown at Stripe",
    ]
