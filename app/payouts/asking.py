"""Which attempts a rail is asked about again: those without a final word, those it took, those paid lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.rails import registry


@dataclass(frozen=True, slots=True)
class Stale:
    """An attempt without a final word."""

    created_at: datetime
    id: UUID
    payout_id: UUID


_STALE = text(
    """SELECT a.created_at, a.id, a.payout_id FROM payout_attempts a
    WHERE a.status IN ('submitted', 'unknown', 'accepted') AND a.export_id IS NULL AND a.created_at < :before
        AND (a.created_at, a.id) > (CAST(:since AS timestamptz), CAST(:after AS uuid))
        AND (a.created_at > :lately OR abs(hashtext(a.key)) % :turns = :turn)
    ORDER BY a.created_at, a.id LIMIT :limit"""
)
OLD, TURNS = timedelta(days=1), 30  # what waits for longer, for its payee perhaps, has its turn every half an hour


def stale(session: Session, older_than: timedelta, after: Stale | None = None, limit: int = 500) -> list[Stale]:
    """Attempts that have had no final word for too long, oldest first, after one of them."""
    now = utc_now()
    values = {
        "before": now - older_than, "lately": now - OLD, "turns": TURNS, "turn": now.minute % TURNS, "limit": limit,
        "since": after.created_at if after else datetime.min.replace(tzinfo=UTC),
        "after": after.id if after else UUID(int=0),
    }  # fmt: skip
    return [Stale(*row) for row in session.execute(_STALE, values)]


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt the rail took, at a moment: it is only ever asked about, so nothing of it is opened."""

    id: UUID
    at: datetime
    rail: str
    key: str
    reference: str


_ACCEPTED = text(
    """SELECT id, created_at, rail, key, coalesce(rail_reference, '') FROM payout_attempts
    WHERE status = 'accepted' AND export_id IS NULL AND payout_id = ANY(:ids) AND rail = ANY(:rails)
    ORDER BY created_at, id"""
)
_PAID = text(
    """SELECT id, settled_at, rail, key, coalesce(rail_reference, '') FROM payout_attempts
    WHERE status = 'succeeded' AND rail = ANY(:rails)
        AND (settled_at, id) > (CAST(:since AS timestamptz), CAST(:after AS uuid))
        AND (CAST(:turn AS int) IS NULL OR abs(hashtext(key)) % :turns = :turn)
    ORDER BY settled_at, id LIMIT :limit"""
)
A_DAY = 24  # turns: each payout has one a day


def accepted(session: Session, ids: Sequence[UUID]) -> list[Taken]:
    """Attempts the rail took and has not settled."""
    rows = session.execute(_ACCEPTED, {"ids": list(ids), "rails": _that_can_be_asked()})
    return [Taken(*row) for row in rows]


def paid_since(
    session: Session, since: datetime, after: Taken | None = None, *, turn: int | None = None, limit: int = 500
) -> list[Taken]:
    """Attempts paid since a moment; oldest first, after one of them. `turn`: only those of this hour of the day."""
    values = {
        "rails": _that_can_be_asked(), "since": after.at if after else since, "limit": limit,
        "after": after.id if after else UUID(int=0), "turn": turn, "turns": A_DAY,
    }  # fmt: skip
    return [Taken(*row) for row in session.execute(_PAID, values)]


def _that_can_be_asked() -> list[str]:
    return [name for name, rail in registry.RAILS.items() if rail.can_look_up]
