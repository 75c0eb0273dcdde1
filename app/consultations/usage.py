"""What the members of an organization that buys booked in a month: by what it was, and how it was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from app.consultations.models import Consultation as C
from app.consultations.states import ConsultationStatus, PaidBy
from app.db.paging import AnyRow

# What was held, or will be; what was cancelled too late is billed and not held.
COUNTED = (ConsultationStatus.BOOKED, ConsultationStatus.COMPLETED, ConsultationStatus.NO_SHOW_CLIENT)


def month_of(day: date) -> tuple[datetime, datetime]:
    """The month a day is in, as it is billed: from midnight UTC of its first day to that of the next."""
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return first, after


def by_title(session: Session, organization_id: UUID, day: date, limit: int = 12) -> Sequence[AnyRow]:
    """Sessions that start in the month of `day`, most first: title, currency, members, sessions, credits (paid by
    one), cards (paid by the member), own (with the organization's own consultants), minor (on account). As far as the
    scope sees."""
    since, until = month_of(day)
    by = C.paid_by
    query = (
        select(
            C.title,
            C.currency,
            func.count(func.distinct(C.client_account_id)).label("members"),
            func.count().label("sessions"),
            func.count().filter(by == PaidBy.CREDIT).label("credits"),
            func.count().filter(by == PaidBy.TAG).label("cards"),
            func.count().filter(C.organization_id == C.buyer_organization_id).label("own"),
            cast(func.coalesce(func.sum(C.price_minor).filter(by == PaidBy.INVOICE), 0), BigInteger).label("minor"),
        )
        .where(
            C.buyer_organization_id == organization_id,
            C.starts_at >= since,
            C.starts_at < until,
            C._status.in_(COUNTED),
        )
        .group_by(C.title, C.currency)
    )
    return session.execute(query.order_by(func.count().desc(), C.title, C.currency).limit(limit)).all()
