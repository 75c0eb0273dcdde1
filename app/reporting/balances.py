"""What a payee has with each organization in each currency. The amounts are the books', with dates and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.money import Money
from app.earnings.models import HoldReason
from app.payouts.queries import payout
from app.reporting.rules import MOVING


@dataclass(frozen=True, slots=True)
class Wait:
    """A part of `pending`: what waits for the same reason. `next_at`: when the first of it is ready, if time alone
    decides."""

    reason: HoldReason
    number: int
    amount: Money
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Balance:
    """One payer and currency. `available` below zero: credits wait for the next bills.

    `waits` adds up to `pending`. `in_review` is asked for and not agreed, so not part of what is owed. `next_ready_at`
    is when the first of `pending` becomes available; None while it waits for somebody. `arrives_on` is the first
    expected arrival.
    """

    organization_id: UUID
    organization_name: str
    organization_slug: str
    available: Money
    pending: Money
    pending_count: int
    next_ready_at: datetime | None
    in_review: Money
    in_review_count: int
    in_transit: Money
    in_transit_count: int
    on_hold_count: int
    arrives_on: date | None
    paid: Money
    paid_count: int
    waits: tuple[Wait, ...] = ()

    @property
    def currency(self) -> str:
        return self.available.currency


_BALANCES = text(
    """WITH owed AS (
        SELECT organization_id, currency,
            CAST(sum(balance_minor) FILTER (WHERE account = 'payee_available') AS bigint) AS available,
            CAST(sum(balance_minor) FILTER (WHERE account = 'payee_held') AS bigint) AS pending,
            CAST(sum(balance_minor) FILTER (WHERE account = 'payee_in_transit') AS bigint) AS in_transit
        FROM ledger_balances WHERE payee_id = :payee_id GROUP BY 1, 2
    ), waits AS (
        SELECT organization_id, currency, reason, sum(number) AS number, CAST(sum(minor) AS bigint) AS minor,
            coalesce(min(available_at) FILTER (WHERE minor > 0), min(available_at)) AS next_at
        FROM (
            SELECT organization_id, currency, reason, available_at, count(*) AS number, sum(amount_minor) AS minor
            FROM held_earnings WHERE payee_id = :payee_id GROUP BY 1, 2, 3, 4
        ) moments GROUP BY 1, 2, 3
    ), held AS (
        SELECT organization_id, currency, CAST(sum(number) AS bigint) AS pending_count, min(next_at) AS next_ready_at,
            jsonb_agg(jsonb_build_array(reason, number, minor, next_at) ORDER BY next_at, reason) AS waits
        FROM waits GROUP BY 1, 2
    ), moving AS (
        SELECT organization_id, currency, count(*) FILTER (WHERE status <> 'paid') AS in_transit_count,
            count(*) FILTER (WHERE status = 'on_hold') AS on_hold_count,
            min(expected_on) FILTER (WHERE status = 'processing') AS arrives_on,
            CAST(sum(amount_minor) FILTER (WHERE status = 'paid' AND paid_at >= :since) AS bigint) AS paid,
            count(*) FILTER (WHERE status = 'paid' AND paid_at >= :since) AS paid_count
        FROM payouts WHERE payee_id = :payee_id
            AND status IN ('pending', 'approved', 'on_hold', 'processing', 'paid')
        GROUP BY 1, 2
    ), asked AS (
        SELECT organization_id, currency, CAST(sum(amount_minor) AS bigint) AS in_review, count(*) AS in_review_count
        FROM payment_requests WHERE payee_id = :payee_id AND status IN ('submitted', 'disputed') GROUP BY 1, 2
    ), keys AS (
        SELECT organization_id, currency FROM engagements WHERE payee_id = :payee_id
        UNION SELECT organization_id, currency FROM owed UNION SELECT organization_id, currency FROM moving
        UNION SELECT organization_id, currency FROM asked
    )
    SELECT organization_id, o.name, o.slug, keys.currency, owed.available, owed.pending, owed.in_transit,
        held.pending_count, held.next_ready_at, held.waits, moving.in_transit_count, moving.on_hold_count,
        moving.arrives_on, moving.paid, moving.paid_count, asked.in_review, asked.in_review_count
    FROM keys LEFT JOIN owed USING (organization_id, currency) LEFT JOIN held USING (organization_id, currency)
    LEFT JOIN moving USING (organization_id, currency) LEFT JOIN asked USING (organization_id, currency)
    JOIN organizations o ON o.id = organization_id
    ORDER BY o.name, organization_id, keys.currency"""
)


def balances(session: Session, payee_id: UUID, since: datetime) -> list[Balance]:
    """By organization's name, then currency; `paid` counts from `since`. A new payee gets zeros in its own currency."""
    rows = session.execute(_BALANCES, {"payee_id": payee_id, "since": since}).all()
    made = [_balance(row) for row in rows]
    used = [b for b in made if b.available or b.pending or b.in_transit or b.paid or b.in_review]
    payers = {b.organization_id for b in used}
    return [b for b in made if b in used or b.organization_id not in payers]


def _balance(row: Any) -> Balance:
    def money(minor: int | None) -> Money:
        return Money(minor or 0, row.currency)

    return Balance(
        organization_id=row.organization_id,
        organization_name=row.name,
        organization_slug=row.slug,
        available=money(row.available),
        pending=money(row.pending),
        pending_count=row.pending_count or 0,
        next_ready_at=row.next_ready_at,
        in_review=money(row.in_review),
        in_review_count=row.in_review_count or 0,
        in_transit=money(row.in_transit),
        in_transit_count=row.in_transit_count or 0,
        on_hold_count=row.on_hold_count or 0,
        arrives_on=row.arrives_on,
        paid=money(row.paid),
        paid_count=row.paid_count or 0,
        waits=tuple(
            Wait(HoldReason(reason), number, money(minor), datetime.fromisoformat(at) if at else None)
            for reason, number, minor, at in row.waits or ()
        ),
    )


def of(found: Iterable[Balance], organization_slug: str, currency: str) -> Balance | None:
    return next((b for b in found if b.organization_slug == organization_slug and b.currency == currency), None)


_NEWEST_MOVING = text(
    """SELECT id FROM payouts WHERE payee_id = :payee_id AND status = ANY(:moving)
        AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
        AND (CAST(:currency AS text) IS NULL OR currency = :currency)
    ORDER BY created_at DESC, id DESC LIMIT 1"""
)
_MOVING = sorted(status.value for status in MOVING)


def newest_moving(
    session: Session, payee_id: UUID, organization_id: UUID | None = None, currency: str | None = None
) -> Any | None:
    """The latest payout that has not arrived yet, as `app.payouts.queries.payout` gives it; None when all have."""
    found = session.execute(
        _NEWEST_MOVING,
        {"payee_id": payee_id, "moving": _MOVING, "organization_id": organization_id, "currency": currency},
    ).scalar()
    return None if found is None else payout(session, found)
