"""The simulator's own balance at Stripe, what moved it, and lists of everything in Stripe's pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.core import stripe_wire
from app.core.money import Money
from app.rails.simulator.books import Books
from app.rails.simulator.dialects import Answer, Request

_TYPES = {"paid": "transfer", "returned": "transfer_refund"}


def listed(request: Request, rows: Sequence[Mapping[str, Any]]) -> Answer:
    """A page of `rows`, which are there the newest first: `created[gte]`, `limit` and `starting_after` are heeded."""
    since, after = int(request.query.get("created[gte]", "0")), request.query.get("starting_after", "")
    wanted = [one for one in rows if int(one["created"]) >= since]
    start = next((at + 1 for at, one in enumerate(wanted) if one["id"] == after), 0) if after else 0
    size = max(1, min(100, int(request.query.get("limit", "10"))))
    page = wanted[start : start + size]
    return Answer(
        200, {"object": "list", "url": request.path, "has_more": start + size < len(wanted), "data": page}
    )  # fmt: skip


def held(books: Books) -> Answer:
    """An account that began at nought."""
    amounts = [
        {"amount": stripe_wire.outward(Money(minor, currency)), "currency": currency.lower(), "source_types": {}}
        for currency, minor in books.balances().items()
    ]
    return Answer(200, {"object": "balance", "available": amounts, "pending": [], "livemode": False})


def activity(request: Request, books: Books) -> Answer:
    """What moved it. A source is shown whole where that is asked for, else it is an id."""
    whole = "data.source" in (request.query.get("expand[]"), request.query.get("expand[0]"))
    rows = [_moved(moved, books, whole) for moved in reversed(books.activity(0))]
    return listed(request, rows)


def _moved(moved: Mapping[str, Any], books: Books, whole: bool) -> dict[str, Any]:
    found = books.find(moved["key"])
    assert found is not None  # movements are of instructions
    name = f"{moved['key']} {moved['kind']}"
    amount = stripe_wire.outward(Money(moved["amount_minor"], moved["currency"]))
    back = moved["kind"] == "returned"
    source = found["reference"].replace("tr_", "trr_", 1) if back else found["reference"]
    shown = {"id": source, "object": "transfer_reversal" if back else "transfer", "metadata": {}}
    if not back:
        shown["metadata"] = found["extra"]["metadata"]
    return {
        "id": f"txn_{hashlib.sha256(name.encode()).hexdigest()[:24]}", "object": "balance_transaction",
        "amount": amount, "fee": 0, "net": amount, "currency": moved["currency"].lower(), "type": _TYPES[moved["kind"]],
        "created": int(moved["at"]), "source": shown if whole else source, "status": "available",
    }  # fmt: skip
