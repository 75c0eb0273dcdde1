"""The simulator's PayPal account in PayPal's reports: what it held at a moment, and what moved it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.core.money import Money
from app.rails.simulator.books import Books
from app.rails.simulator.dialects import Answer, Request

_CODES = {"paid": "T0001", "returned": "T1114"}
_LONGEST_S = 31 * 86_400


def answer(what: str, request: Request, books: Books) -> Answer | None:
    """None for a report PayPal does not have."""
    try:
        if what == "balances":
            return _balances(books, request.query.get("as_of_time", ""))
        return _transactions(request, books) if what == "transactions" else None
    except (KeyError, ValueError):
        message = "Request is not well-formed, syntactically incorrect, or violates schema."
        return Answer(400, {"name": "INVALID_REQUEST", "message": message, "details": [], "links": []})


def _balances(books: Books, as_of: str) -> Answer:
    """An account that began at nought."""
    until = _seconds(as_of) if as_of else float("inf")
    held: Counter[str] = Counter()
    for moved in books.activity(0):
        if moved["at"] <= until:
            held[moved["currency"]] += moved["amount_minor"]
    rows = [
        {"currency": currency, "primary": currency == "USD", "total_balance": _money(minor, currency),
         "available_balance": _money(minor, currency), "withheld_balance": _money(0, currency)}
        for currency, minor in sorted(held.items())
    ]  # fmt: skip
    return Answer(200, {"balances": rows, "account_id": "SIMULATED2222", "as_of_time": as_of})


def _transactions(request: Request, books: Books) -> Answer:
    start, end = _seconds(request.query["start_date"]), _seconds(request.query["end_date"])
    if not start <= end <= start + _LONGEST_S:
        raise ValueError("a search is of at most 31 days")
    rows = [_shown(moved, books) for moved in books.activity(start) if moved["at"] < end + 1]
    size, page = int(request.query.get("page_size", "100")), int(request.query.get("page", "1"))
    return Answer(
        200,
        {"transaction_details": rows[(page - 1) * size : page * size], "page": page, "total_items": len(rows),
         "total_pages": -(-len(rows) // size), "start_date": request.query["start_date"],
         "end_date": request.query["end_date"]},
    )  # fmt: skip


def _shown(moved: Mapping[str, Any], books: Books) -> dict[str, Any]:
    found = books.find(moved["key"])
    assert found is not None  # movements are of instructions
    name, at = f"{moved['key']} {moved['kind']}", _text(moved["at"])
    return {
        "transaction_info": {
            "transaction_id": hashlib.sha256(name.encode()).hexdigest()[:17].upper(),
            "transaction_event_code": _CODES[moved["kind"]], "transaction_initiation_date": at,
            "transaction_updated_date": at, "transaction_status": "S",
            "transaction_amount": _money(moved["amount_minor"], moved["currency"]),
            "custom_field": found["extra"]["item"],
        }
    }  # fmt: skip


def _money(minor: int, currency: str) -> dict[str, str]:
    return {"currency_code": currency, "value": Money(minor, currency).plain()}


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
