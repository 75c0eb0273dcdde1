"""Commission rates by date. The engagement holds the rate of now; what it was on a day is read here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.scope import Actor
from app.db import paging
from app.payees.models import CommissionRate

Dated = Sequence[tuple[datetime, int]]  # since when, basis points; oldest first
SHOWN = 10
_ADD = text(
    """INSERT INTO commission_rates (organization_id, payee_id, commission_bps, valid_from, set_by)
    SELECT :organization_id, payee_id, bps, :now, :set_by
    FROM unnest(CAST(:payee_ids AS uuid[]), CAST(:rates AS bigint[])) AS u (payee_id, bps)"""
)


def note(session: Session, actor: Actor, organization_id: UUID, rates: Mapping[UUID, int]) -> None:
    """Write down the rates that hold from now on, by payee: one statement. The callers change the engagements."""
    if rates:
        values = {"organization_id": organization_id, "payee_ids": list(rates), "rates": list(rates.values())}
        session.execute(_ADD, {**values, "now": utc_now(), "set_by": actor.label})


def dated(session: Session, organization_id: UUID, payee_ids: Collection[UUID]) -> dict[UUID, Dated]:
    """All rates of these payees, for `rules.rate_at`; who never had one is not in it. One statement."""
    if not payee_ids:
        return {}
    found: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    rows = session.execute(
        select(CommissionRate.payee_id, CommissionRate.valid_from, CommissionRate.commission_bps)
        .where(CommissionRate.organization_id == organization_id, CommissionRate.payee_id.in_(payee_ids))
        .order_by(CommissionRate.payee_id, CommissionRate.valid_from, CommissionRate.id)
    )
    for row in rows:
        found[row.payee_id].append((row.valid_from, row.commission_bps))
    return dict(found)


def history(session: Session, organization_id: UUID, payee_id: UUID, limit: int = SHOWN) -> Sequence[paging.AnyRow]:
    """commission_bps, before (None for the first), valid_from, set_by of the latest changes; newest first."""
    return session.execute(_HISTORY, {"o": organization_id, "p": payee_id, "limit": limit}).all()


_HISTORY = text(
    """SELECT commission_bps, lag(commission_bps) OVER (ORDER BY valid_from, id) AS before, valid_from, set_by
    FROM commission_rates WHERE organization_id = :o AND payee_id = :p ORDER BY valid_from DESC, id DESC LIMIT :limit"""
)
