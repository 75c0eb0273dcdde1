"""Payouts that are on their way for too long never stay silent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.formats import format_money
from app.core.money import Money
from app.payouts.rules import arrival, payout_number
from app.rails import registry
from app.reconciliation.watch import Noticed

# Business days beyond the usual time of a rail; by name, as rails come and go.
GRACE_DAYS = {"check": 15, "bank_file": 3, "simulated": 1}
DEFAULT_GRACE_DAYS = 2
MOST = 2_000
_LATE = text(
    """SELECT p.id, p.rail, p.amount_minor, p.currency, p.status_at, y.name AS payee, o.name AS organization
    FROM payouts p JOIN payees y ON y.id = p.payee_id JOIN organizations o ON o.id = p.organization_id
    WHERE p.status = 'processing' AND p.status_at < :before ORDER BY p.status_at, p.id LIMIT :most"""
)


def due_on(rail: str, sent_on: date) -> date:
    """The last day on which a payout of this rail is not late: its usual time and some grace."""
    usual = registry.RAILS[rail].settles_days if rail in registry.RAILS else 0
    return arrival(sent_on, usual + GRACE_DAYS.get(rail, DEFAULT_GRACE_DAYS))


def find(session: Session, today: date) -> list[Noticed]:
    """Payouts that should have arrived by now."""
    rows: Any = session.execute(_LATE, {"before": today - timedelta(days=1), "most": MOST})
    return [_noticed(row) for row in rows if due_on(row.rail, row.status_at.date()) < today]


def _noticed(row: Any) -> Noticed:
    amount = format_money(Money(row.amount_minor, row.currency))
    label = registry.RAILS[row.rail].label if row.rail in registry.RAILS else row.rail
    says = f"Payout {payout_number(row.id)} of {amount} to {row.payee} is late: {label} since {row.status_at:%d %B %Y}"
    return Noticed(str(row.id), row.id, {"says": says, "organization": row.organization})
