"""What payouts say of the destinations they were sent to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.methods import rules
from app.methods.states import Proof


@dataclass(frozen=True, slots=True)
class Record:
    """`at`: when the payout that says so arrived, failed or came back; None while there is none."""

    proof: Proof
    at: datetime | None = None


_RECORDS = text(
    """SELECT method_id, max(paid_at) FILTER (WHERE status = 'paid') AS paid_at,
        max(status_at) FILTER (WHERE status IN ('failed', 'returned')) AS failed_at
    FROM payouts WHERE payee_id = :payee_id AND status IN ('paid', 'failed', 'returned') GROUP BY method_id"""
)


def records(session: Session, payee_id: UUID) -> dict[UUID, Record]:
    """By method, of the payouts in this scope: an organization knows of its own. Methods without any are left out."""
    return {
        row.method_id: Record(
            rules.proof(row.paid_at, row.failed_at), max(at for at in (row.paid_at, row.failed_at) if at is not None)
        )
        for row in session.execute(_RECORDS, {"payee_id": payee_id})
        if row.paid_at or row.failed_at
    }


_SHARED = text(
    """SELECT p.id, count(DISTINCT o.payee_id) AS others FROM payouts p JOIN methods m ON m.id = p.method_id
    JOIN methods o ON o.details_index = m.details_index AND o.payee_id <> m.payee_id AND o.status = 'active'
    WHERE p.id = ANY(:ids) GROUP BY p.id"""
)


def shared(session: Session, payout_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Payout → how many other payees this reader may see are paid at its destination; those without any left out."""
    return {row.id: row.others for row in session.execute(_SHARED, {"ids": list(payout_ids)})}
