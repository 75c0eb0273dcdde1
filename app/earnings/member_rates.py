"""What was agreed with consultants of an organization, asked by member: a member is a consultant by the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_ENGAGED = text(
    """SELECT DISTINCT ON (lower(p.email)) lower(p.email) AS email, p.id AS payee_id, g.consultant_bps
    FROM engagements g JOIN payees p ON p.id = g.payee_id
    WHERE g.organization_id = :organization_id AND p.kind = 'consultant' AND lower(p.email) = ANY(:emails)
    ORDER BY lower(p.email), g.created_at"""
)


@dataclass(frozen=True, slots=True)
class Engaged:
    """`consultant_bps` is the share agreed on in person; None: the organization's rates."""

    payee_id: UUID
    consultant_bps: int | None


def engaged(session: Session, organization_id: UUID, emails: Sequence[str]) -> dict[str, Engaged]:
    """Address → the consultant the organization engages under it."""
    rows = session.execute(_ENGAGED, {"organization_id": organization_id, "emails": [one.lower() for one in emails]})
    return {row.email: Engaged(row.payee_id, row.consultant_bps) for row in rows}
