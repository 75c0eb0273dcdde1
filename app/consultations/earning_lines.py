"""A consultant's earnings line by line: what each was of, how it was shared, and where it is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, cast, func, select
from sqlalchemy.orm import Session

from app.consultations.models import Consultation, ConsultationReturn
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.earnings.models import Earning, EarningKind, HoldReason
from app.earnings.queries import STATES
from app.organizations.models import Organization

_E, _C = Earning, Consultation


class What(StrEnum):
    """What an earning is of, as its consultant calls it."""

    CONSULTATION = "consultation"
    SHARE = "share"  # of a consultation that somebody else held
    APPOINTMENT = "appointment"
    REVERSAL = "reversal"
    BONUS = "bonus"
    ADJUSTMENT = "adjustment"
    OTHER = "other"


class Where(StrEnum):
    """`reserved`: in a payout that has not arrived. `returned` is no place: what clients got back."""

    HELD = "held"
    READY = "ready"
    RESERVED = "reserved"
    PAID = "paid"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`month`: its first day, None for all. Days are the organization's."""

    payee_id: UUID
    month: date | None = None
    where: Where | None = None
    organization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EarningLine:
    """`amount` is one's own part, below zero for what goes back. `gross` = `platform` + `organization` + `others` +
    `amount` of what clients paid for; the four are None where nothing was shared.

    `client_first_name`, `starts_at`, `minutes`: of one's own consultations. `returned`: what was taken back of it.
    """

    id: UUID
    organization_id: UUID
    organization_name: str
    what: What
    title: str
    client_first_name: str | None
    consultation_id: UUID | None
    starts_at: datetime | None
    minutes: int | None
    earned_on: date
    reference: str | None
    amount: Money
    gross: Money | None
    platform: Money | None
    organization: Money | None
    others: Money | None
    returned: Money
    state: str
    hold_reason: HoldReason | None
    available_at: datetime | None
    payout_id: UUID | None
    payout_status: str | None
    rule_detail: dict[str, Any]

    @property
    def held_until(self) -> datetime | None:
        """When it becomes ready by itself: for a session that waits to be held, its end."""
        if self.state != "held" or self.hold_reason is not HoldReason.SESSION or self.available_at:
            return self.available_at
        return self.starts_at + timedelta(minutes=self.minutes or 0) if self.starts_at else None

    @property
    def gone(self) -> bool:
        """Whether all of it went back to the client."""
        return self.amount.minor > 0 and self.returned == self.amount


_RETURNED = (
    select(func.coalesce(func.sum(ConsultationReturn.amount_minor), 0))
    .where(ConsultationReturn.share_id == _E.source_id)
    .correlate(_E)
    .scalar_subquery()
)
_QUERY: paging.AnySelect = (
    select(
        _E.id, _E.organization_id, Organization.name.label("organization_name"), _E.kind, _E.rule, _E.description,
        _E.reference, _E.earned_on, _E.amount_minor, _E.currency, _E.rule_detail, STATES.c.state,
        STATES.c.hold_reason, STATES.c.available_at, STATES.c.payout_id, STATES.c.payout_status,
        _RETURNED.label("returned_minor"), _C.id.label("consultation_id"), _C.title, _C.client_first_name,
        _C.starts_at, _C.ends_at,
    )
    .join(STATES, STATES.c.earning_id == _E.id)
    .join(Organization, Organization.id == _E.organization_id)
)  # fmt: skip
_KEY = paging.Key((_E.earned_on, _E.id), ("earned_on", "id"))


def lines(
    session: Session, chosen: Chosen, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """`EarningLine`s, the last earned first."""
    found = paging.fetch(session, _narrowed(chosen), _KEY, cursor, limit)
    return paging.Page([_line(row) for row in found.items], found.next_cursor, found.previous_cursor)


def every_line(session: Session, chosen: Chosen) -> Iterator[EarningLine]:
    """The same without pages, read as they are taken: for files."""
    query = _narrowed(chosen).order_by(_E.earned_on.desc(), _E.id.desc())
    for row in session.execute(query.execution_options(yield_per=1000)):
        yield _line(row)


def line(session: Session, payee_id: UUID, earning_id: UUID) -> EarningLine:
    """Raises NotFound for somebody else's."""
    row = session.execute(_narrowed(Chosen(payee_id)).where(_E.id == earning_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such earning.")
    return _line(row)


def following(month: date) -> date:
    """The first day of the next month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def _narrowed(chosen: Chosen) -> paging.AnySelect:
    # the consultation of a booking, where it is one's own: others' are not in the scope
    mine = (_C.id == cast(_E.rule_detail["consultation_id"].astext, Uuid)) & (_C.payee_id == chosen.payee_id)
    query = _QUERY.outerjoin(_C, mine).where(_E.payee_id == chosen.payee_id)
    if chosen.organization_id is not None:
        query = query.where(_E.organization_id == chosen.organization_id)
    if chosen.month is not None:
        query = query.where(_E.earned_on >= chosen.month, _E.earned_on < following(chosen.month))
    if chosen.where is Where.RETURNED:
        query = query.where(_E.kind == EarningKind.REVERSAL)
    elif chosen.where is not None:
        query = query.where(cast(STATES.c.state, String) == chosen.where.value)
    return query


def months(session: Session, payee_id: UUID, most: int = 24) -> Sequence[date]:
    """The first days of the months in which something was earned, newest first."""
    month = func.date_trunc("month", _E.earned_on)
    query = select(month).where(_E.payee_id == payee_id).group_by(month).order_by(month.desc()).limit(most)
    return [found.date() for found in session.scalars(query)]


def _line(row: Any) -> EarningLine:
    detail: dict[str, Any] = row.rule_detail or {}
    what = _what(row)
    shared = what in (What.CONSULTATION, What.SHARE) and "list_minor" in detail

    def part(minor: int) -> Money | None:
        return Money(minor, row.currency) if shared else None

    return EarningLine(
        id=row.id,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        what=what,
        title=row.title if what is What.CONSULTATION and row.title else row.description,
        client_first_name=row.client_first_name if what is What.CONSULTATION else None,
        consultation_id=row.consultation_id,
        starts_at=row.starts_at,
        minutes=int((row.ends_at - row.starts_at).total_seconds() // 60) if row.starts_at else None,
        earned_on=row.earned_on,
        reference=row.reference,
        amount=Money(row.amount_minor, row.currency),
        gross=part(detail.get("list_minor", 0)),
        platform=part(detail.get("platform_minor", 0)),
        organization=part(detail.get("organization_minor", 0)),
        others=part(detail.get("consultant_minor", 0) - row.amount_minor),
        returned=Money(int(row.returned_minor), row.currency),
        state=row.state,
        hold_reason=HoldReason(row.hold_reason) if row.hold_reason else None,
        available_at=row.available_at if row.available_at and row.available_at > utc_now() else None,
        payout_id=row.payout_id,
        payout_status=row.payout_status,
        rule_detail=detail,
    )


def _what(row: Any) -> What:
    if row.kind is EarningKind.BOOKING:
        return What.CONSULTATION if row.consultation_id else What.SHARE
    if row.kind is EarningKind.ADJUSTMENT:
        return What.BONUS if row.rule == "adjustment_bonus" else What.ADJUSTMENT
    return {EarningKind.APPOINTMENT: What.APPOINTMENT, EarningKind.REVERSAL: What.REVERSAL}.get(row.kind, What.OTHER)
