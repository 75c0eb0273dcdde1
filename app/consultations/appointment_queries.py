"""Reads of appointments, for pages and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consultations.models import Appointment
from app.consultations.states import AppointmentSource, AppointmentStatus
from app.core.errors import NotFound
from app.db import paging
from app.db.paging import AnyRow, AnySelect
from app.organizations.models import Organization
from app.payees.models import Engagement, Payee
from app.payees.states import PayeeKind

_KEY = paging.Key((Appointment.completed_at, Appointment.id), ("completed_at", "id"))
_COLUMNS: tuple[Any, ...] = (
    Appointment.id, Appointment.organization_id, Appointment.payee_id, Appointment.external_id,
    Appointment.completed_at, Appointment.description, Appointment.source, Appointment.status, Appointment.rate_minor,
    Appointment.currency, Appointment.recorded_by, Appointment.created_at, Payee.name.label("payee_name"),
    Organization.name.label("organization"), Organization.slug, Organization.time_zone,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: any. Days are UTC's, both included; `number` as the organization writes it."""

    organization_id: UUID | None = None
    payee_id: UUID | None = None
    status: AppointmentStatus | None = None
    source: AppointmentSource | None = None
    number: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def any(self) -> bool:
        return self != Filters(organization_id=self.organization_id)


def appointments(
    session: Session, filters: Filters, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """`_COLUMNS`, the latest held first."""
    return paging.fetch(session, _query(filters), _KEY, cursor, limit)


def all_appointments(session: Session, filters: Filters) -> Iterator[AnyRow]:
    """The same rows without pages, read as they are taken: for files."""
    query = _query(filters).order_by(Appointment.completed_at.desc(), Appointment.id.desc())
    yield from session.execute(query.execution_options(yield_per=1000))


def appointment(session: Session, appointment_id: UUID, organization_id: UUID | None = None) -> AnyRow:
    """One row as in the list. Raises NotFound."""
    query = _query(Filters(organization_id=organization_id)).where(Appointment.id == appointment_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such appointment.")
    return found


def _query(filters: Filters) -> AnySelect:
    query: AnySelect = (
        select(*_COLUMNS)
        .join(Payee, Payee.id == Appointment.payee_id)
        .join(Organization, Organization.id == Appointment.organization_id)
    )
    for column, wanted in (
        (Appointment.organization_id, filters.organization_id), (Appointment.payee_id, filters.payee_id),
        (Appointment.status, filters.status), (Appointment.source, filters.source),
        (Appointment.external_id, filters.number.strip() or None),
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(column == wanted)
    if filters.since:
        query = query.where(Appointment.completed_at >= _start(filters.since))
    if filters.until:
        query = query.where(Appointment.completed_at < _start(filters.until + timedelta(days=1)))
    return query


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo("UTC"))


def doctors(session: Session, organization_id: UUID) -> list[AnyRow]:
    """payee_id, name, flat_rate_minor, currency of the organization's consultants by name, the first 200."""
    query = (
        select(Engagement.payee_id, Payee.name, Engagement.flat_rate_minor, Engagement.currency)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(Engagement.organization_id == organization_id, Payee.kind == PayeeKind.CONSULTANT)
        .order_by(Payee.name_search, Payee.id)
        .limit(paging.MAX_LIMIT)
    )
    return list(session.execute(query))
