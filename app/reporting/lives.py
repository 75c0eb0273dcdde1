"""The life of one line of a payee's list: what was noted of it, and of what came of it, in one row of events."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import queries as audit
from app.db import paging
from app.payables import queries as payables

_OF_EARNING = text(
    """WITH subject AS (
        SELECT CAST(:id AS uuid) AS id UNION ALL SELECT payout_id FROM payout_items WHERE earning_id = :id
    )
    SELECT t.at, t.subject_kind, t.subject_id, t.actor, t.from_state, t.to_state, t.note, t.audience, t.evidence
    FROM timeline_events t JOIN subject ON subject.id = t.subject_id
    WHERE t.audience = 'everyone' ORDER BY t.at, t.id LIMIT 500"""
)


def life(session: Session, kind: str, line_id: UUID) -> Sequence[paging.AnyRow]:
    """Events of a bill, an earning or a payout as its payee may read them, oldest first. `kind` as in `Line`."""
    if kind == "bill":
        return payables.life(session, line_id)
    if kind == "earning":
        return session.execute(_OF_EARNING, {"id": line_id}).all()
    return audit.timeline(session, line_id)
