"""What Stripe paid on from payees' balances to their banks: reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.paging import AnyRow
from app.methods.connect_models import BankPayoutStatus
from app.rails.reasons import Reason
from app.rails.stripe_codes import bounced

SHOWN = 10
_NEWEST = text(
    """SELECT reference, amount_minor, currency, status, made_at, arrival_on, failure_code, trace
    FROM connected_payouts WHERE payee_id = :payee_id ORDER BY made_at DESC, reference LIMIT :most"""
)
_NEXT = text(
    """SELECT reference, amount_minor, currency, status, made_at, arrival_on, failure_code, trace
    FROM connected_payouts WHERE payee_id = :payee_id AND currency = :currency AND made_at >= :since
    ORDER BY made_at, reference LIMIT 1"""
)


def of_payee(session: Session, payee_id: UUID, most: int = SHOWN) -> Sequence[AnyRow]:
    """The newest: reference, amount_minor, currency, status, made_at, arrival_on, failure_code, trace."""
    return session.execute(_NEWEST, {"payee_id": payee_id, "most": most}).all()


def next_after(session: Session, payee_id: UUID, currency: str, since: datetime) -> AnyRow | None:
    """The first that Stripe made of the balance once our money was in it; None while there is none.

    Stripe pays out a balance as a whole: it may hold other money too, or be a part of ours.
    """
    values = {"payee_id": payee_id, "currency": currency, "since": since}
    return session.execute(_NEXT, values).one_or_none()


def why_failed(row: AnyRow) -> Reason | None:
    """Why it did not reach the bank, with the cure; None for one that did not fail."""
    return bounced(row.failure_code) if row.status == BankPayoutStatus.FAILED else None
