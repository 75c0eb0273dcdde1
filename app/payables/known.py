"""A file held against what was imported before: a reference may come again, but only for the same bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.formats import format_money
from app.core.money import Money
from app.payables.importing import BillField, BillRow, Bills, RowError
from app.payables.importing.suppliers import sum_up

_STORED = text(
    """SELECT r.reference, r.amount_minor, r.currency, lower(e.reference) AS supplier, p.name AS supplier_name
    FROM unnest(CAST(:references AS text[])) AS u (reference)
    JOIN payment_requests r ON r.organization_id = :organization_id AND r.reference = u.reference
    JOIN engagements e ON e.organization_id = r.organization_id AND e.payee_id = r.payee_id
    JOIN payees p ON p.id = r.payee_id"""
)


def held_against_known(session: Session, organization_id: UUID, bills: Bills) -> Bills:
    """The same file, with an error for each row whose reference belongs to a bill of another amount or supplier."""
    references = [row.reference for row in bills.rows]
    stored = {
        found.reference: found
        for found in session.execute(_STORED, {"organization_id": organization_id, "references": references})
    }
    clashes = [error for row in bills.rows if (error := _clash(row, stored, bills))]
    if not clashes:
        return bills
    bad = {error.line for error in clashes}
    rows = [row for row in bills.rows if row.line not in bad]
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.currency] += row.amount_minor
    return replace(
        bills,
        rows=rows,
        errors=sorted([*bills.errors, *clashes], key=lambda error: error.line),
        suppliers=sum_up(rows),
        totals=dict(totals),
        credits=sum(1 for row in rows if row.amount_minor < 0),
    )


def _clash(row: BillRow, stored: Mapping[str, Any], bills: Bills) -> RowError | None:
    found = stored.get(row.reference)
    if found is None:
        return None
    other: list[str] = []
    if (found.amount_minor, found.currency) != (row.amount_minor, row.currency):
        amount = Money(found.amount_minor, found.currency)
        other.append(f"for another amount ({format_money(amount, code=True)})")
    if found.supplier != (row.supplier_reference or row.supplier_key).lower():
        other.append(f"of another supplier ({found.supplier_name})")
    if not other:
        return None
    heading = bills.columns.heading(BillField.REFERENCE)
    return RowError(row.line, heading, f"“{row.reference}” was imported before, {' and '.join(other)}")
