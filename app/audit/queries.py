"""Reads of the audit trail and of timelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.audit.models import Audience, AuditRecord, TimelineEvent
from app.db import paging

_KEY = paging.Key((AuditRecord.created_at, AuditRecord.id), ("created_at", "id"))
_SEES = {
    Audience.EVERYONE: (Audience.EVERYONE,),
    Audience.STAFF: (Audience.EVERYONE, Audience.STAFF),
    Audience.PLATFORM: tuple(Audience),
}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None and empty mean "any". `action`: a whole action, or what stands before its dot. Days are whole, in `zone`."""

    actor: str = ""
    action: str = ""
    organization_id: UUID | None = None
    subject_ids: Sequence[UUID] = ()
    start: date | None = None
    end: date | None = None
    zone: str = "UTC"


def _records(chosen: AuditFilter) -> paging.AnySelect:
    """id, created_at, organization_id, account_id, actor, role, action, subject_kind, subject_id, ip, request_id and
    detail."""
    query: paging.AnySelect = select(
        AuditRecord.id, AuditRecord.created_at, AuditRecord.organization_id, AuditRecord.account_id, AuditRecord.actor,
        AuditRecord.role, AuditRecord.action, AuditRecord.subject_kind, AuditRecord.subject_id, AuditRecord.ip,
        AuditRecord.request_id, AuditRecord.detail,
    )  # fmt: skip
    if chosen.actor.strip():
        query = query.where(func.lower(AuditRecord.actor).contains(chosen.actor.strip().lower(), autoescape=True))
    if chosen.action.strip():
        action = chosen.action.strip()
        query = query.where(
            or_(AuditRecord.action == action, AuditRecord.action.startswith(f"{action}.", autoescape=True))
        )
    if chosen.organization_id:
        query = query.where(AuditRecord.organization_id == chosen.organization_id)
    if chosen.subject_ids:
        query = query.where(AuditRecord.subject_id.in_(chosen.subject_ids))
    if chosen.start:
        query = query.where(AuditRecord.created_at >= _day(chosen.start, chosen.zone))
    if chosen.end:
        query = query.where(AuditRecord.created_at < _day(chosen.end + timedelta(days=1), chosen.zone))
    return query


def _day(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def records(
    session: Session, chosen: AuditFilter, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """One page of the audit trail, newest first."""
    return paging.fetch(session, _records(chosen), _KEY, cursor, limit)


def all_records(session: Session, chosen: AuditFilter) -> Iterator[paging.AnyRow]:
    """The same rows without pages, newest first, read as they are taken: for files."""
    query = _records(chosen).order_by(AuditRecord.created_at.desc(), AuditRecord.id.desc())
    yield from session.execute(query.execution_options(yield_per=1000))


def of_engagement(session: Session, organization_id: UUID, payee_id: UUID, limit: int = 50) -> Sequence[paging.AnyRow]:
    """at, actor, from_state, to_state, note, subject_kind: how one organization worked with a payee, oldest first."""
    return session.execute(
        select(
            TimelineEvent.at, TimelineEvent.actor, TimelineEvent.from_state, TimelineEvent.to_state,
            TimelineEvent.note, TimelineEvent.subject_kind,
        )
        .where(
            TimelineEvent.subject_id == payee_id, TimelineEvent.subject_kind == "payee",
            TimelineEvent.organization_id == organization_id,
        )
        .order_by(TimelineEvent.at, TimelineEvent.id)
        .limit(limit)
    ).all()  # fmt: skip


def timeline(
    session: Session, subject_id: UUID, audience: Audience = Audience.EVERYONE, limit: int = 200, leave_out: str = ""
) -> Sequence[paging.AnyRow]:
    """at, actor, from_state, to_state, note, audience, evidence: the life of one thing as this audience reads it.

    `leave_out`: a state that is shown elsewhere.
    """
    return session.execute(
        select(
            TimelineEvent.at, TimelineEvent.actor, TimelineEvent.from_state, TimelineEvent.to_state,
            TimelineEvent.note, TimelineEvent.audience, TimelineEvent.evidence,
        )
        .where(TimelineEvent.subject_id == subject_id, TimelineEvent.audience.in_(_SEES[audience]),
               TimelineEvent.to_state != leave_out)
        .order_by(TimelineEvent.at, TimelineEvent.id)
        .limit(limit)
    ).all()  # fmt: skip
