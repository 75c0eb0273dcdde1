"""Reads for programs that follow payouts: what rails call them, their items in pages, and files with destinations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.scope import Actor, Permission
from app.db.paging import AnyRow, AnySelect, Key, Page, fetch
from app.earnings.models import Earning
from app.methods import service as methods
from app.methods.models import Method
from app.payouts.models import Payout, PayoutItem
from app.payouts.queries import PayoutFilter, narrow
from app.payouts.review import in_files

MOST_OPENED = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """The last attempt of a payout: what its rail calls it, and when it was handed over."""

    reference: str | None
    at: datetime


_LAST = text(
    """SELECT DISTINCT ON (payout_id) payout_id, rail_reference, created_at FROM payout_attempts
    WHERE payout_id = ANY(:ids) ORDER BY payout_id, number DESC"""
)


def last_attempts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Sent]:
    """By payout; those never sent are left out."""
    rows = session.execute(_LAST, {"ids": list(ids)})
    return {row.payout_id: Sent(row.rail_reference, row.created_at) for row in rows}


_SPANS = text(
    """SELECT i.payout_id, min(e.earned_on) AS first, max(e.earned_on) AS last
    FROM payout_items i JOIN earnings e ON e.id = i.earning_id WHERE i.payout_id = ANY(:ids) GROUP BY i.payout_id"""
)


def spans(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[date, date]]:
    """By payout, the first and the last day on which what is in it was earned."""
    return {row.payout_id: (row.first, row.last) for row in session.execute(_SPANS, {"ids": list(ids)})}


def items(session: Session, payout_id: UUID, cursor: str | None = None, limit: int = 50) -> Page:
    """earning_id, description, reference, earned_on, kind, amount_minor (the part taken), whole_minor; oldest first."""
    query: AnySelect = (
        select(
            PayoutItem.earning_id,
            Earning.description,
            Earning.reference,
            Earning.earned_on,
            Earning.kind,
            PayoutItem.amount_minor,
            Earning.amount_minor.label("whole_minor"),
        )
        .join(Earning, Earning.id == PayoutItem.earning_id)
        .where(PayoutItem.payout_id == payout_id)
    )
    key = Key((Earning.earned_on, PayoutItem.earning_id), ("earned_on", "earning_id"), descending=False)
    return fetch(session, query, key, cursor, limit)


def with_destinations(
    session: Session, actor: Actor, chosen: PayoutFilter, reason: str
) -> list[tuple[AnyRow, dict[str, str]]]:
    """The payouts of a filter, newest first, each with its full destination; one line on the audit trail names all.

    The columns of `review.in_files`. Raises Forbidden, and Invalid when there are more than `MOST_OPENED`.
    """
    actor.require(Permission.PLATFORM)
    query = in_files(Payout.method_id, Method.details_sealed)
    newest = narrow(session, query, chosen).order_by(Payout.created_at.desc(), Payout.id.desc())
    rows = session.execute(newest.limit(MOST_OPENED + 1)).all()
    if len(rows) > MOST_OPENED:
        raise Invalid(f"Full details are given for at most {MOST_OPENED:,} payouts at once. Narrow the filter.")
    sealed = {row.method_id: row.details_sealed for row in rows}
    opened = methods.open_for_sending(session, actor, list(sealed.items()), reason)
    return [(row, opened[row.method_id]) for row in rows]
