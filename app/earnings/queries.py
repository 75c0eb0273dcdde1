"""Reads about earnings: where each stands and why it is not ready."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import column, select, table, text
from sqlalchemy.orm import Session

from app.core.money import Money
from app.db import paging
from app.earnings.models import Earning, HeldEarning, HoldReason
from app.earnings.rules import NotReady, not_ready

STATES = table(
    "earning_states",
    column("earning_id"), column("state"), column("hold_reason"), column("available_at"), column("ready_minor"),
    column("payout_id"), column("payout_status"),
)  # fmt: skip


def earnings(
    session: Session,
    *,
    payee_id: UUID,
    organization_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """id, organization_id, kind, amount_minor, currency, description, reference, earned_on, created_at, state,
    hold_reason, available_at, payout_id, payout_status; newest first."""
    query: paging.AnySelect = (
        select(
            Earning.id, Earning.organization_id, Earning.kind, Earning.amount_minor, Earning.currency,
            Earning.description, Earning.reference, Earning.earned_on, Earning.created_at, STATES.c.state,
            STATES.c.hold_reason, STATES.c.available_at, STATES.c.payout_id, STATES.c.payout_status,
        )
        .join(STATES, STATES.c.earning_id == Earning.id)
        .where(Earning.payee_id == payee_id)
    )  # fmt: skip
    if organization_id is not None:
        query = query.where(Earning.organization_id == organization_id)
    return paging.fetch(
        session, query, paging.Key((Earning.created_at, Earning.id), ("created_at", "id")), cursor, limit
    )


def why_not_ready(session: Session, earning_id: UUID) -> NotReady | None:
    """The stored reason with its date; None when nothing holds the earning."""
    row = session.execute(
        select(HeldEarning.reason, HeldEarning.available_at).where(HeldEarning.earning_id == earning_id)
    ).one_or_none()
    return None if row is None else not_ready(HoldReason(row.reason), row.available_at)


_READY = text(
    """SELECT currency, CAST(sum(amount_minor) AS bigint) AS amount_minor FROM ready_earnings
    WHERE payee_id = :payee_id AND organization_id = :organization_id GROUP BY currency ORDER BY currency"""
)


def ready(session: Session, organization_id: UUID, payee_id: UUID) -> list[Money]:
    """What a payee can be paid by one organization now, net of credits, by currency."""
    rows = session.execute(_READY, {"payee_id": payee_id, "organization_id": organization_id})
    return [Money(row.amount_minor, row.currency) for row in rows]


_HELD = text(
    """SELECT currency, reason, available_at, CAST(sum(amount_minor) AS bigint) AS amount_minor, count(*) AS earnings
    FROM held_earnings WHERE payee_id = :payee_id
        AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
    GROUP BY currency, reason, available_at ORDER BY currency, available_at NULLS LAST LIMIT 200"""
)


def held(session: Session, payee_id: UUID, organization_id: UUID | None = None) -> Sequence[paging.AnyRow]:
    """currency, reason, available_at, amount_minor, earnings (how many): what becomes ready when, soonest first."""
    return session.execute(_HELD, {"payee_id": payee_id, "organization_id": organization_id}).all()
