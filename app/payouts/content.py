"""What an approval is bound to: payee, amount, currency, destination and items (decision 11)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_CONTENT = """SELECT p.id, encode(sha256(convert_to(concat_ws('|', p.approval_round, p.payee_id,
        p.amount_minor, p.currency, p.rail, p.method_id, m.details_index, items.list), 'UTF8')), 'hex')
        AS content_sha256
    FROM payouts p JOIN methods m ON m.id = p.method_id
    CROSS JOIN LATERAL (
        SELECT string_agg(i.earning_id || ':' || i.amount_minor, ',' ORDER BY i.earning_id) AS list
        FROM payout_items i WHERE i.payout_id = p.id
    ) items"""


def hashes(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Payout id → hash of its present content."""
    rows = session.execute(text(f"{_CONTENT} WHERE p.id = ANY(:ids)"), {"ids": list(ids)})
    return {row.id: row.content_sha256 for row in rows}


_BATCH = text(
    f"""SELECT encode(sha256(convert_to(coalesce(string_agg(c.id || c.content_sha256, ',' ORDER BY c.id), ''), 'UTF8')),
        'hex') FROM ({_CONTENT} WHERE p.batch_id = :batch_id AND p.status = 'pending') c"""
)


def batch_hash(session: Session, batch_id: UUID) -> str:
    """Hash over every pending payout of a batch."""
    return str(session.execute(_BATCH, {"batch_id": batch_id}).scalar_one())


_APPROVE = text(
    f"""INSERT INTO payout_approvals (organization_id, payee_id, payout_id, account_id, approved_by, content_sha256)
    SELECT p.organization_id, p.payee_id, p.id, :account_id, :approved_by, c.content_sha256
    FROM payouts p JOIN ({_CONTENT} WHERE p.id = ANY(:ids)) c ON c.id = p.id"""
)


def sign(session: Session, ids: Sequence[UUID], account_id: UUID | None, approved_by: str) -> None:
    """Record one person's approval of each payout as it is now."""
    session.execute(_APPROVE, {"ids": list(ids), "account_id": account_id, "approved_by": approved_by})


_CHANGED = text(
    f"""SELECT c.id FROM ({_CONTENT} WHERE p.id = ANY(:ids)) c
    WHERE NOT EXISTS (SELECT FROM payout_approvals a
        WHERE a.payout_id = c.id AND a.content_sha256 = c.content_sha256)"""
)


def changed_since_approval(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Those whose content no approval covers any more."""
    return list(session.execute(_CHANGED, {"ids": list(ids)}).scalars())
