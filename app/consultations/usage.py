"""What the members of an organization that buys booked in a month: by department, by what it was, and how it was paid.

Where somebody belonged is what the booking says, so that a month that is over stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.orm import Session

from app.consultations.models import Consultation as C
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import ConsultationStatus, PaidBy
from app.db import paging
from app.db.paging import AnyRow

MOST_DEPARTMENTS = 30  # those with the most; the others are one row
# What was held, or will be; what was cancelled too late is billed and not held.
COUNTED = (ConsultationStatus.BOOKED, ConsultationStatus.COMPLETED, ConsultationStatus.NO_SHOW_CLIENT)


def month_of(day: date) -> tuple[datetime, datetime]:
    """The month a day is in, as it is billed: from midnight UTC of its first day to that of the next."""
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return first, after


_SUMS = (
    func.count(func.distinct(C.client_account_id)).label("members"),
    func.count().label("sessions"),
    func.count().filter(C.paid_by == PaidBy.CREDIT).label("credits"),
    func.count().filter(C.paid_by == PaidBy.TAG).label("cards"),
    func.count().filter(C.organization_id == C.buyer_organization_id).label("own"),
    cast(func.coalesce(func.sum(C.price_minor).filter(C.paid_by == PaidBy.INVOICE), 0), BigInteger).label("minor"),
)


def _counted(organization_id: UUID, day: date, department: str | None = None) -> tuple[ColumnElement[bool], ...]:
    """`department`: of this one alone; empty: of none."""
    since, until = month_of(day)
    month = (
        C.buyer_organization_id == organization_id, C.starts_at >= since, C.starts_at < until, C._status.in_(COUNTED),
    )  # fmt: skip
    return month if department is None else (*month, C.department.is_not_distinct_from(department or None))


def by_department(session: Session, organization_id: UUID, day: date, most: int = MOST_DEPARTMENTS) -> Sequence[AnyRow]:
    """Sessions that start in the month of `day` by department, the highest amount first: department (None without one),
    rest (whether the row is all departments beyond `most`, the last one then), currency, members, sessions, credits
    (paid by one), cards (paid by the member), own (with the organization's own consultants), minor (on account). As far
    as the scope sees."""
    name, counted = func.coalesce(C.department, ""), _counted(organization_id, day)
    first = func.row_number().over(order_by=(_SUMS[-1].desc(), func.count().desc(), name)).label("place")
    places = select(name.label("name"), first).where(*counted).group_by(name).subquery()
    department = case((places.c.place <= most, C.department)).label("department")
    rest = (places.c.place > most).label("rest")
    query = (
        select(department, rest, C.currency, *_SUMS)
        .join(places, places.c.name == name)
        .where(*counted)
        .group_by(department, rest, C.currency)
        .order_by(rest, _SUMS[-1].desc(), func.count().desc(), department, C.currency)
    )
    return session.execute(query).all()


def by_title(
    session: Session, organization_id: UUID, day: date, department: str | None = None, limit: int = 12
) -> Sequence[AnyRow]:
    """The same by what they were, most sessions first: title, currency, and the sums. `department`: of one alone, empty
    for none."""
    counted = _counted(organization_id, day, department)
    query = select(C.title, C.currency, *_SUMS).where(*counted).group_by(C.title, C.currency)
    return session.execute(query.order_by(func.count().desc(), C.title, C.currency).limit(limit)).all()


def totals(session: Session, organization_id: UUID, day: date, department: str | None = None) -> Sequence[AnyRow]:
    """All of them by currency: the same sums, each member once."""
    query = select(C.currency, *_SUMS).where(*_counted(organization_id, day, department)).group_by(C.currency)
    return session.execute(query.order_by(C.currency)).all()


_LINES = paging.Key((C.starts_at, C.id), ("starts_at", "id"))


def lines(
    session: Session,
    organization_id: UUID,
    day: date,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
    department: str | None = None,
) -> paging.Page:
    """The sessions that are counted, the last one first: id, starts_at, title, consultant, client_first_name,
    department, status, paid_by, price_minor, currency, own."""
    query: paging.AnySelect = (
        select(
            C.id, C.starts_at, C.title, ConsultantProfile.name.label("consultant"), C.client_first_name, C.department,
            C._status.label("status"), C.paid_by, C.price_minor, C.currency,
            (C.organization_id == C.buyer_organization_id).label("own"),
        )
        .outerjoin(ConsultantProfile, ConsultantProfile.payee_id == C.payee_id)
        .where(*_counted(organization_id, day, department))
    )  # fmt: skip
    return paging.fetch(session, query, _LINES, cursor, limit)
