"""Payouts that are on their way for too long, or whose rail took back its word, never stay silent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.formats import format_money
from app.core.money import Money
from app.payouts import contradictions
from app.payouts.rules import payout_number
from app.payouts.states import AttemptStatus
from app.payouts.verdicts import due_on
from app.rails import registry
from app.reconciliation.watch import Noticed

MOST = 2_000
_LATE = text(
    """SELECT p.id, p.rail, p.amount_minor, p.currency, p.status_at, y.name AS payee, o.name AS organization
    FROM payouts p JOIN payees y ON y.id = p.payee_id JOIN organizations o ON o.id = p.organization_id
    WHERE p.status = 'processing' AND p.status_at < :before ORDER BY p.status_at, p.id LIMIT :most"""
)


def find(session: Session, today: date) -> list[Noticed]:
    """Payouts that should have arrived by now."""
    rows: Any = session.execute(_LATE, {"before": today - timedelta(days=1), "most": MOST})
    return [_noticed(row) for row in rows if due_on(row.rail, row.status_at.date()) < today]


def _noticed(row: Any) -> Noticed:
    amount = format_money(Money(row.amount_minor, row.currency))
    label = registry.RAILS[row.rail].label if row.rail in registry.RAILS else row.rail
    says = f"Payout {payout_number(row.id)} of {amount} to {row.payee} is late: {label} since {row.status_at:%d %B %Y}"
    return Noticed(str(row.id), row.id, {"says": says, "organization": row.organization})


_CLOSED = text(
    """SELECT subject FROM desk_items WHERE kind = 'contradiction' AND closed_by <> 'system' AND subject = ANY(:keys)"""
)


def contradicted(session: Session) -> list[Noticed]:
    """Attempts whose rail took back its word: of what had failed until two people have decided, of what was paid, by
    this attempt or by another since, until a person closed the item."""
    rows = contradictions.found(session, MOST)
    keys = [row.key for row in rows if row.payout_status in ("processing", "paid")]
    closed = set(session.execute(_CLOSED, {"keys": keys}).scalars())
    return [_taken_back(row) for row in rows if row.key not in closed]


def _taken_back(row: Any) -> Noticed:
    amount = format_money(Money(row.amount_minor, row.currency))
    says = f"Payout {payout_number(row.payout_id)} of {amount} to {row.payee}: "
    says += contradictions.SAYS[AttemptStatus(row.status)]
    return Noticed(row.key, row.payout_id, {"says": says, "organization": row.organization})
