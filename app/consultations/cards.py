"""All that consultants read of consultations. A card has no room for a client's surname, address or number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.consultations.models import Consultation
from app.consultations.states import CancelledBy, ConsultationStatus, OfferingKind, PaidBy, Practice
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.db.session import ScopedSession

_C = Consultation
_COLUMNS = (
    _C.id, _C.payee_id, _C.organization_id, _C.client_first_name, _C.title, _C.kind, _C.practice,
    _C._status.label("status"), _C.starts_at, _C.ends_at, _C.paid_by, _C.currency, _C.list_minor, _C.platform_minor,
    _C.organization_minor, _C.consultant_minor, _C.pricing, _C.video_url, _C.completed_at, _C.cancelled_at,
    _C.cancelled_by, _C.cancel_reason, _C.version, _C.created_at,
)  # fmt: skip
_NEWEST = paging.Key((_C.starts_at, _C.id), ("starts_at", "id"))
_SOONEST = paging.Key((_C.starts_at, _C.id), ("starts_at", "id"), descending=False)


class View(StrEnum):
    UPCOMING = "upcoming"
    PAST = "past"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ConsultationCard:
    """One consultation as its consultant sees it. Amounts are of the split: what the client paid may be less."""

    id: UUID
    organization_id: UUID
    client_first_name: str
    title: str
    kind: OfferingKind
    practice: Practice
    status: ConsultationStatus
    starts_at: datetime
    ends_at: datetime
    paid_by: PaidBy
    price: Money
    platform: Money
    organization: Money
    earning: Money
    pricing: dict[str, Any]
    video_url: str | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: CancelledBy | None
    cancel_reason: str | None
    version: int

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


def of_payee(
    session: ScopedSession, payee_id: UUID, view: View, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Cards of one consultant: what comes, soonest first, and what was, newest first. Unpaid ones are in neither."""
    query: paging.AnySelect = select(*_COLUMNS).where(_C.payee_id == payee_id)
    now = utc_now()
    if view is View.CANCELLED:
        query = query.where(_C._status == ConsultationStatus.CANCELLED)
    elif view is View.UPCOMING:
        query = query.where(_C._status == ConsultationStatus.BOOKED, _C.ends_at > now)
    else:
        left_out = (ConsultationStatus.PENDING, ConsultationStatus.EXPIRED, ConsultationStatus.CANCELLED)
        query = query.where(_C._status.not_in(left_out), _C.starts_at <= now)
    found = paging.fetch(session, query, _SOONEST if view is View.UPCOMING else _NEWEST, cursor, limit)
    return paging.Page([_card(row) for row in found.items], found.next_cursor, found.previous_cursor)


def one(session: ScopedSession, payee_id: UUID, consultation_id: UUID) -> ConsultationCard:
    """Raises NotFound for somebody else's, and for what nobody paid yet."""
    hidden = (ConsultationStatus.PENDING, ConsultationStatus.EXPIRED)
    row = session.execute(
        select(*_COLUMNS).where(_C.id == consultation_id, _C.payee_id == payee_id, _C._status.not_in(hidden))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such consultation.")
    return _card(row)


def _card(row: Any) -> ConsultationCard:
    return ConsultationCard(
        id=row.id,
        organization_id=row.organization_id,
        client_first_name=row.client_first_name,
        title=row.title,
        kind=row.kind,
        practice=row.practice,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        paid_by=row.paid_by,
        price=Money(row.list_minor, row.currency),
        platform=Money(row.platform_minor, row.currency),
        organization=Money(row.organization_minor, row.currency),
        earning=Money(row.consultant_minor, row.currency),
        pricing=row.pricing,
        video_url=row.video_url,
        completed_at=row.completed_at,
        cancelled_at=row.cancelled_at,
        cancelled_by=row.cancelled_by,
        cancel_reason=row.cancel_reason,
        version=row.version,
    )
