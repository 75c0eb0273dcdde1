"""Consultations of every organization, for the platform's people. Needs a platform scope: clients' names stand here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, or_, select, text, union_all
from sqlalchemy.orm import Session, aliased

from app.charges.client_models import Charge
from app.consultations.models import CalendarBooking, Consultation
from app.consultations.states import ConsultationStatus, PaidBy, Practice
from app.core.errors import NotFound
from app.db import paging
from app.identity.models import Account
from app.identity.states import Portal
from app.organizations.models import Organization
from app.payees.models import Payee
from app.payees.queries import MOST_FOUND, matching

LONGEST_SEARCH = 100
SUBJECT = "consultation"
_C = Consultation
_KEY = paging.Key((_C.starts_at, _C.id), ("starts_at", "id"))
_Buyer = aliased(Organization)


@dataclass(frozen=True, slots=True)
class Wanted:
    """None and empty mean "any". `search`: part of a title, of the client's name or address, of the consultant's name,
    or a whole id. `since` and `until` are moments of the start, the second one excluded."""

    search: str = ""
    status: ConsultationStatus | None = None
    practice: Practice | None = None
    paid_by: PaidBy | None = None
    organization_id: UUID | None = None
    payee_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def any(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


_ROWS: paging.AnySelect = (
    select(
        _C.id, _C.organization_id, _C.payee_id, _C.client_account_id, _C.buyer_organization_id, _C.title, _C.kind,
        _C.practice, _C._status.label("status"), _C.starts_at, _C.ends_at, _C.paid_by, _C.currency, _C.list_minor,
        _C.price_minor, _C.platform_minor, _C.organization_minor, _C.consultant_minor, _C.completed_at,
        _C.cancelled_at, _C.cancelled_by, _C.created_at, Account.name.label("client"),
        Account.email.label("client_email"), Payee.name.label("consultant"), Organization.name.label("organization"),
        Organization.slug, _Buyer.name.label("buyer"), _Buyer.slug.label("buyer_slug"),
        Charge.id.label("charge_id"), Charge._status.label("charge_status"),
        func.coalesce(Charge.refunded_minor, 0).label("refunded_minor"),
    )
    .join(Account, Account.id == _C.client_account_id)
    .join(Payee, Payee.id == _C.payee_id)
    .join(Organization, Organization.id == _C.organization_id)
    .outerjoin(_Buyer, _Buyer.id == _C.buyer_organization_id)
    .outerjoin(Charge, (Charge.subject_kind == SUBJECT) & (Charge.subject_id == _C.id))
)  # fmt: skip


def consultations(
    session: Session, wanted: Wanted, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """The columns of a consultation with `client`, `client_email`, `consultant`, `organization`, `slug`, `buyer` and
    what was charged and went back; the latest start first."""
    query = _ROWS
    for column, value in (
        (_C._status, wanted.status), (_C.practice, wanted.practice), (_C.paid_by, wanted.paid_by),
        (_C.organization_id, wanted.organization_id), (_C.payee_id, wanted.payee_id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(_C.starts_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(_C.starts_at < wanted.until)
    if term := wanted.search.strip():
        query = query.where(_found(term))
    return paging.fetch(session, query, _KEY, cursor, limit)


def _found(term: str) -> Any:
    """Each side is looked for by an index of its own; one condition of all three would walk through everything."""
    try:
        return _C.id == UUID(term)
    except ValueError:
        pass
    part = "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"
    clients = (
        select(Account.id)
        .where(Account.portal == Portal.CLIENT, or_(Account.name.ilike(part), Account.email.ilike(part)))
        .limit(MOST_FOUND)
    )
    of = aliased(_C)
    sides = (
        of.client_account_id == any_(func.array(clients.scalar_subquery())),
        of.payee_id == any_(func.array(matching(term).scalar_subquery())),
        of.title.ilike(part),
    )
    return _C.id.in_(union_all(*(select(of.id).where(side) for side in sides)))


def consultation(session: Session, consultation_id: UUID) -> paging.AnyRow:
    """One of `consultations` with `pricing`, `clock_at`, `client_time_zone`, `locale`, `video_url`, `cancel_reason`,
    `version`. Raises NotFound."""
    more = (
        _C.pricing, _C.clock_at, _C.client_time_zone, _C.locale, _C.video_url, _C.cancel_reason, _C.version,
        _C.client_first_name,
    )  # fmt: skip
    found = session.execute(_ROWS.add_columns(*more).where(_C.id == consultation_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such consultation.")
    return found


# `stands`: where the earning is now (held, ready, claimed, …), None before it was paid.
_SHARES = text(
    """SELECT s.id, s.payee_id, p.name, s.weight, s.amount_minor, e.id AS earning_id, st.state AS stands,
        coalesce((SELECT CAST(sum(r.amount_minor) AS bigint) FROM consultation_returns r WHERE r.share_id = s.id), 0)
            AS returned_minor
    FROM consultation_shares s JOIN payees p ON p.id = s.payee_id
    LEFT JOIN earnings e ON e.organization_id = s.organization_id AND e.source_kind = 'consultation_share'
        AND e.source_id = s.id
    LEFT JOIN earning_states st ON st.earning_id = e.id
    WHERE s.consultation_id = :id ORDER BY s.id LIMIT 200"""
)


def shares(session: Session, consultation_id: UUID) -> Sequence[Any]:
    """payee_id, name, weight, amount_minor, returned_minor, earning_id, stands: who shares the consultant's part."""
    return session.execute(_SHARES, {"id": consultation_id}).all()


def calendar_numbers(session: Session, consultation_id: UUID) -> Sequence[paging.AnyRow]:
    """uid, previous_uid, created_at: by which numbers a calendar knows it, the newest first."""
    return session.execute(
        select(CalendarBooking.uid, CalendarBooking.previous_uid, CalendarBooking.created_at)
        .where(CalendarBooking.consultation_id == consultation_id)
        .order_by(CalendarBooking.created_at.desc(), CalendarBooking.id.desc())
        .limit(50)
    ).all()
