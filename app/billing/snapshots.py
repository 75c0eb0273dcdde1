"""An issued document as JSON, frozen with it, and read back: paper and files are made of this alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from app.billing.assessment import Assessment, Head, Item, TaxedItem
from app.billing.documents import Bank, Document, DocumentKind, Party, Reference
from app.core.money import Money

VERSION = 1


def freeze(document: Document) -> dict[str, Any]:
    """JSON-able, with the version of its form."""
    found = document.assessment
    return {
        "version": VERSION,
        "kind": document.kind.value,
        "number": document.number,
        "issued_on": document.issued_on.isoformat(),
        "due_on": document.due_on and document.due_on.isoformat(),
        "period": [day.isoformat() for day in document.period] if document.period else None,
        "seller": _flat(document.seller),
        "buyer": _flat(document.buyer),
        "buyer_reference": document.buyer_reference,
        "terms": document.terms,
        "bank": _flat(document.bank) if document.bank else None,
        "corrects": [{"number": one.number, "issued_on": one.issued_on.isoformat()} for one in document.corrects],
        "reason": document.reason,
        "notes": list(document.notes),
        "currency": found.currency,
        "place": found.place,
        "round_to_unit": found.round_to_unit,
        "reverse_charge": found.reverse_charge,
        "tax_note": found.note,
        **({} if found.rounding is None else {"rounding": found.rounding}),
        "lines": [
            {
                "description": item.item.description,
                "code": item.item.code,
                "quantity": quantity,
                "net_minor": item.net.minor,
                "rate_bps": item.item.rate_bps,
                "category": item.category,
                "heads": [[head.name, head.rate_bps, head.amount.minor] for head in item.heads],
            }
            for item, quantity in zip(found.items, document.quantities, strict=True)
        ],
    }


def _flat(value: Party | Bank) -> dict[str, Any]:
    """The fields of one that holds no others: `asdict` copies every text, ten times as slow."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def thaw(frozen: Mapping[str, Any]) -> Document:
    """The document as it was issued. Raises ValueError for a form this version does not know."""
    if frozen["version"] != VERSION:
        raise ValueError(f"documents of form {frozen['version']} are not known here")
    currency = frozen["currency"]
    items = tuple(
        TaxedItem(
            Item(line["description"], Money(line["net_minor"], currency), line["rate_bps"], line["code"]),
            tuple(Head(name, rate, Money(minor, currency)) for name, rate, minor in line["heads"]),
            line["category"],
        )
        for line in frozen["lines"]
    )
    period = frozen["period"]
    return Document(
        kind=DocumentKind(frozen["kind"]),
        number=frozen["number"],
        issued_on=date.fromisoformat(frozen["issued_on"]),
        seller=Party(**frozen["seller"]),
        buyer=Party(**frozen["buyer"]),
        assessment=Assessment(
            items, frozen["place"], frozen["round_to_unit"], frozen["reverse_charge"], frozen["tax_note"],
            frozen.get("rounding"),
        ),
        quantities=tuple(line["quantity"] for line in frozen["lines"]),
        due_on=date.fromisoformat(frozen["due_on"]) if frozen["due_on"] else None,
        period=(date.fromisoformat(period[0]), date.fromisoformat(period[1])) if period else None,
        buyer_reference=frozen["buyer_reference"],
        terms=frozen["terms"],
        bank=Bank(**frozen["bank"]) if frozen["bank"] else None,
        corrects=tuple(
            Reference(one["number"], date.fromisoformat(one["issued_on"])) for one in frozen["corrects"]
        ),
        reason=frozen["reason"],
        notes=tuple(frozen["notes"]),
    )  # fmt: skip


def digest(frozen: Mapping[str, Any]) -> str:
    """SHA-256 of its canonical JSON."""
    return hashlib.sha256(json.dumps(frozen, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
