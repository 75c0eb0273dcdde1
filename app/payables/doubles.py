"""Bills that look like one another: the same invoice number, or the same amount on the same day, from one payee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.money import Money
from app.payables.states import RequestStatus

MOST_OF_ONE = 5


@dataclass(frozen=True, slots=True)
class Double:
    """Another request of the same payee that may be the same bill. `same_number`: it has the same invoice number."""

    request_id: UUID
    reference: str
    amount: Money
    invoice_on: date
    status: RequestStatus
    same_number: bool


# Lines of one file that agree in amount and day are usually parts of one invoice; another file or form is a doubt.
_DOUBLES = text(
    """WITH wanted AS (
        SELECT id, organization_id, payee_id, invoice_number, amount_minor, currency,
            invoice_on, import_id
        FROM payment_requests WHERE organization_id = :organization_id AND id = ANY(:ids)
    )
    SELECT w.id AS of_id, o.id, o.reference, o.amount_minor, o.currency, o.invoice_on, o.status, o.same_number
    FROM wanted w CROSS JOIN LATERAL (
        (SELECT r.id, r.reference, r.amount_minor, r.currency, r.invoice_on, r.status, r.created_at, true AS same_number
        FROM payment_requests r WHERE r.organization_id = w.organization_id AND r.payee_id = w.payee_id
            AND r.invoice_number = w.invoice_number AND r.id <> w.id AND r.status NOT IN ('draft', 'cancelled')
            AND (r.import_id IS NULL OR r.import_id IS DISTINCT FROM w.import_id)
        ORDER BY r.created_at, r.id LIMIT :most)
        UNION ALL
        (SELECT r.id, r.reference, r.amount_minor, r.currency, r.invoice_on, r.status, r.created_at, false
        FROM payment_requests r WHERE r.organization_id = w.organization_id AND r.payee_id = w.payee_id
            AND r.status IN ('submitted', 'approved', 'disputed') AND r.amount_minor = w.amount_minor
            AND r.currency = w.currency AND r.invoice_on = w.invoice_on AND r.id <> w.id
            AND (r.invoice_number IS NULL OR r.invoice_number IS DISTINCT FROM w.invoice_number)
            AND (r.import_id IS NULL OR r.import_id IS DISTINCT FROM w.import_id)
        ORDER BY r.created_at, r.id LIMIT :most)
    ) o ORDER BY w.id, o.same_number DESC, o.created_at, o.id"""
)


def doubles(session: Session, organization_id: UUID, request_ids: Sequence[UUID]) -> dict[UUID, list[Double]]:
    """Request → those it looks like, a few at most; requests without any are left out."""
    found: dict[UUID, list[Double]] = {}
    if not request_ids:
        return found
    parameters = {"organization_id": organization_id, "ids": list(request_ids), "most": MOST_OF_ONE}
    for row in session.execute(_DOUBLES, parameters):
        found.setdefault(row.of_id, []).append(
            Double(
                row.id,
                row.reference,
                Money(row.amount_minor, row.currency),
                row.invoice_on,
                RequestStatus(row.status),
                row.same_number,
            )
        )
    return found
