"""Time entries of projects paid by the hour. The sum is kept on the project, under its lock."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import delete, func, select

from app.audit import service as audit
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.projects import rules, service
from app.projects.models import Project, TimeEntry
from app.projects.states import AT_WORK, RateKind


def log(
    session: ScopedSession, actor: Actor, project_id: UUID, *, worked_on: date, minutes: int, note: str
) -> TimeEntry:
    """Add hours to a project that is being worked on. Raises Forbidden, NotFound, Invalid, Conflict."""
    project = _at_work(session, actor, project_id)
    note = " ".join(note.split())
    rules.check_time(worked_on, minutes, note, today(), _minutes_of(session, project_id, worked_on))
    entry = TimeEntry(
        organization_id=project.organization_id,
        payee_id=project.payee_id,
        project_id=project.id,
        worked_on=worked_on,
        minutes=minutes,
        note=note,
        logged_by=actor.label,
        created_at=utc_now(),
    )
    session.add(entry)
    project.worked_minutes += minutes
    session.flush()
    _record(session, actor, project, "logged", minutes)
    return entry


def remove(session: ScopedSession, actor: Actor, project_id: UUID, entry_id: UUID) -> None:
    """Take hours off again before they are submitted. Raises Forbidden, NotFound, Conflict."""
    project = _at_work(session, actor, project_id)
    entry = session.scalar(select(TimeEntry).where(TimeEntry.id == entry_id, TimeEntry.project_id == project_id))
    if entry is None:
        raise NotFound("There is no such time entry.")
    session.execute(delete(TimeEntry).where(TimeEntry.id == entry_id))
    project.worked_minutes -= entry.minutes
    session.flush()
    _record(session, actor, project, "removed", entry.minutes)


def _at_work(session: ScopedSession, actor: Actor, project_id: UUID) -> Project:
    actor.require(Permission.PROJECT_WORK)
    if actor.payee_id is None:
        raise Forbidden("Only the contractor logs hours.")
    project = service.locked(session, actor, project_id)
    if project.rate_kind is not RateKind.HOURLY:
        raise Conflict("This project has a fixed price.")
    if project.status not in AT_WORK or project.cancelled_at is not None:
        raise Conflict("Hours can be changed while you work on the project, not while it is reviewed or done.")
    return project


def _minutes_of(session: ScopedSession, project_id: UUID, day: date) -> int:
    """What was logged for that day already."""
    logged = select(func.coalesce(func.sum(TimeEntry.minutes), 0)).where(
        TimeEntry.project_id == project_id, TimeEntry.worked_on == day
    )
    return int(session.scalars(logged).one())


def _record(session: ScopedSession, actor: Actor, project: Project, what: str, minutes: int) -> None:
    audit.record(
        session, actor, f"project.time_{what}", "project", project.id, organization_id=project.organization_id,
        reference=project.reference, minutes=minutes,
    )  # fmt: skip
