"""What moved on what we owe a payee, read from the lines: the base of every statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.money import Money

PART = 2_000  # movements that are in memory at once


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting that changed what the payee is owed in all, whether held, available or in transit.

    `amount` above zero: owed more. `kind` is the recipe's, `ref` what caused it (an earning's id, an attempt's key).
    """

    entry_id: UUID
    at: datetime
    kind: str
    ref: str
    amount: Money


# Moves within the payee's own accounts (released, reserved) cancel out and are left out.
_MOVEMENTS = text(
    """SELECT n.id, n.created_at, n.kind, n.ref, -sum(l.amount_minor) AS amount_minor
    FROM ledger_lines l JOIN ledger_entries n ON n.id = l.entry_id
    WHERE l.payee_id = :payee_id AND l.organization_id = :organization_id AND l.currency = :currency
        AND l.created_at >= :start AND l.created_at < :end
    GROUP BY n.id HAVING sum(l.amount_minor) <> 0 ORDER BY n.created_at, n.id LIMIT CAST(:limit AS bigint)"""
)
_OWED_AT = text(
    """SELECT CAST(coalesce(-sum(amount_minor), 0) AS bigint) FROM ledger_lines
    WHERE payee_id = :payee_id AND organization_id = :organization_id AND currency = :currency AND created_at < :at"""
)
_CURRENCIES = text(
    """SELECT organization_id, currency FROM ledger_balances WHERE payee_id = :payee_id
    GROUP BY organization_id, currency ORDER BY organization_id, currency"""
)


def movements(
    session: Session,
    payee_id: UUID,
    organization_id: UUID,
    currency: str,
    start: datetime,
    end: datetime,
    limit: int,
) -> list[Movement]:
    """From `start` up to but without `end`, oldest first, `limit` at most."""
    rows = session.execute(_MOVEMENTS, _asked(payee_id, organization_id, currency, start, end, limit))
    return [_movement(row, currency) for row in rows]


def movements_in_parts(
    session: Session, payee_id: UUID, organization_id: UUID, currency: str, start: datetime, end: datetime
) -> Iterator[list[Movement]]:
    """All of them, `PART` at a time from one statement: the database keeps the rest until it is asked for."""
    rows = session.execute(
        _MOVEMENTS,
        _asked(payee_id, organization_id, currency, start, end, None),
        execution_options={"yield_per": PART},
    )
    for part in rows.partitions(PART):
        yield [_movement(row, currency) for row in part]


def _asked(
    payee_id: UUID, organization_id: UUID, currency: str, start: datetime, end: datetime, limit: int | None
) -> dict[str, Any]:
    return {
        "payee_id": payee_id,
        "organization_id": organization_id,
        "currency": currency,
        "start": start,
        "end": end,
        "limit": limit,
    }


def _movement(row: Any, currency: str) -> Movement:
    return Movement(row.id, row.created_at, row.kind, row.ref, Money(int(row.amount_minor), currency))


def owed_at(session: Session, payee_id: UUID, organization_id: UUID, currency: str, at: datetime) -> Money:
    """What was owed just before the moment `at`."""
    minor = session.execute(
        _OWED_AT,
        {"payee_id": payee_id, "organization_id": organization_id, "currency": currency, "at": at},
    ).scalar_one()
    return Money(int(minor), currency)


def accounts_of(session: Session, payee_id: UUID) -> Sequence[tuple[UUID, str]]:
    """(organization, currency) of everything ever posted for the payee."""
    return [(row.organization_id, row.currency) for row in session.execute(_CURRENCIES, {"payee_id": payee_id})]
