"""What an organization that provides sees: its own part of each booking and its payouts, its consultants' work and what
they offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.consultations.profile_models import Offering
from app.core.clock import utc_now
from app.core.money import Money
from app.db import paging
from app.payees.models import Engagement, Payee
from app.payouts import queries


@dataclass(frozen=True, slots=True)
class Booking:
    """The booking an earning is of. `own`: the organization's own member booked its own consultant."""

    consultation_id: UUID
    consultant: str
    gross: Money
    own: bool


_BOOKINGS = text(
    """SELECT e.id, k.id AS consultation_id, p.name, k.list_minor, k.currency,
        coalesce(k.buyer_organization_id = k.organization_id, false) AS own
    FROM earnings e JOIN consultations k ON k.id = CAST(e.rule_detail ->> 'consultation_id' AS uuid)
    JOIN payees p ON p.id = k.payee_id WHERE e.id = ANY(:ids)"""
)


def bookings(session: Session, earning_ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """Earning → its booking; others are left out."""
    rows = session.execute(_BOOKINGS, {"ids": list(earning_ids)})
    return {
        row.id: Booking(row.consultation_id, row.name, Money(row.list_minor, row.currency), row.own) for row in rows
    }


@dataclass(frozen=True, slots=True)
class Contents:
    """What a batch pays: its payouts as `queries.payouts` gives them, and the days of what they pay for."""

    payouts: Sequence[Any]
    first: date | None
    last: date | None


_IN_BATCHES = text(
    """SELECT p.batch_id, p.id, min(e.earned_on) AS first, max(e.earned_on) AS last
    FROM payouts p LEFT JOIN payout_items i ON i.payout_id = p.id LEFT JOIN earnings e ON e.id = i.earning_id
    WHERE p.batch_id = ANY(:ids) GROUP BY p.batch_id, p.id, p.currency ORDER BY p.currency"""
)


def contents(session: Session, batch_ids: Sequence[UUID]) -> dict[UUID, Contents]:
    """Batch → what it pays, in two statements for any number. For batches of a few payouts each."""
    rows = session.execute(_IN_BATCHES, {"ids": list(batch_ids)}).all()
    payouts = {row.id: row for row in queries.payouts_by_id(session, [row.id for row in rows])}
    made: dict[UUID, Contents] = {}
    for batch_id in batch_ids:
        mine = [row for row in rows if row.batch_id == batch_id]
        made[batch_id] = Contents(
            [payouts[row.id] for row in mine if row.id in payouts],
            min((row.first for row in mine if row.first), default=None),
            max((row.last for row in mine if row.last), default=None),
        )
    return made


LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Work:
    """What one consultant did for the organization lately, of one currency; what went back is taken off."""

    sessions: int
    gross: Money
    consultant: Money
    organization: Money


_WORK = text(
    """SELECT k.payee_id, k.currency, count(*) AS sessions,
        CAST(sum(k.list_minor - coalesce(b.minor, 0)) AS bigint) AS gross,
        CAST(sum(k.consultant_minor - coalesce(b.consultant, 0)) AS bigint) AS consultant,
        CAST(sum(k.organization_minor - coalesce(b.organization, 0)) AS bigint) AS organization
    FROM consultations k JOIN charges c ON c.subject_kind = 'consultation' AND c.subject_id = k.id
        AND c.status = 'succeeded'
    LEFT JOIN LATERAL (
        SELECT sum(r.amount_minor + r.promotion_minor) AS minor, sum(r.organization_minor) AS organization,
            sum(r.amount_minor + r.promotion_minor - r.fee_minor - r.organization_minor) AS consultant
        FROM charge_returns r WHERE r.charge_id = c.id AND r.status = 'succeeded'
    ) b ON true
    WHERE k.organization_id = :organization_id AND k.payee_id = ANY(:ids) AND k.starts_at >= :since
        AND k.status IN ('completed', 'no_show_client')
    GROUP BY k.payee_id, k.currency ORDER BY k.currency"""
)


def work(session: Session, organization_id: UUID, payee_ids: Sequence[UUID]) -> dict[UUID, list[Work]]:
    """Sessions held in the last 90 days, by consultant and currency, in one statement."""
    asked = {"organization_id": organization_id, "ids": list(payee_ids), "since": utc_now() - LATELY}
    made: dict[UUID, list[Work]] = {}
    for row in session.execute(_WORK, asked):
        code = row.currency
        made.setdefault(row.payee_id, []).append(
            Work(row.sessions, Money(row.gross, code), Money(row.consultant, code), Money(row.organization, code))
        )
    return made


def catalogue(
    session: Session, organization_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT,
    *, payee_id: UUID | None = None,
) -> paging.Page:  # fmt: skip
    """What the organization's consultants offer, or one of them, by title.

    id, title, kind, duration_minutes, price_minor, currency, active, version, starts_at, consultant.
    """
    mine = select(Engagement.payee_id).where(Engagement.organization_id == organization_id)
    query: paging.AnySelect = (
        select(
            Offering.id, Offering.title, Offering.kind, Offering.duration_minutes, Offering.price_minor,
            Offering.currency, Offering.active, Offering.version, Offering.starts_at, Payee.name.label("consultant"),
        )
        .join(Payee, Payee.id == Offering.payee_id)
        .where(Offering.organization_id == organization_id, Offering.payee_id.in_(mine))
    )  # fmt: skip
    if payee_id is not None:
        query = query.where(Offering.payee_id == payee_id)
    key = paging.Key((Offering.title, Offering.id), ("title", "id"), descending=False)
    return paging.fetch(session, query, key, cursor, limit)
