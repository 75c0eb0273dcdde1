"""Runs of a period: started by a person, a program or the calendar, worked off in pieces that may be repeated.

A piece is one transaction that also notes how far the run is: killed between two, it goes on where it was. What was
rated and planned before is found done, so that a second run of the same period makes nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations import rating
from app.consultations.rating import Span
from app.core.clock import utc_now
from app.core.errors import Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox, paging
from app.db.session import ScopedSession
from app.organizations.models import Organization
from app.payouts import calculating
from app.payouts.run_models import PayoutRun
from app.payouts.states import RunStatus

LONGEST_DAYS = 366
_RATING, _PLANNING = "rating", "planning"
_FOUR_DAYS = timedelta(days=4)


def span_of(organization: Any, start: date | None = None, end: date | None = None) -> Span:
    """The period of an organization: the previous calendar month where it is, unless said. Raises Invalid."""
    today = calculating.local_today(organization.time_zone)
    first, last = calculating.month_before(today)
    if start is not None or end is not None:
        first = start or (end or last).replace(day=1)
        last = end or today
    if first > last:
        raise Invalid("The period ends before it begins.", fields={"end": "Not before the first day."})
    if last > today:
        raise Invalid("The period ends in the future.", fields={"end": "Today at the latest."})
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid("The period is longer than a year.", fields={"start": "At most a year before the last day."})
    return Span(first, last, organization.time_zone)


def start(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    span: Span,
    *,
    rate_minor: int | None = None,
    due_on: date | None = None,
) -> PayoutRun:
    """Open a run and promise it to the job; the one that is under way for the same period, if there is one.

    Raises Forbidden, NotFound, Invalid.
    """
    actor.require(Permission.BATCH_MANAGE)
    actor.require_organization(organization_id)
    if rate_minor is not None and rate_minor <= 0:
        raise Invalid("The rate is above zero.", fields={"rate": "Above zero."})
    if session.get(Organization, organization_id) is None:
        raise NotFound("There is no such organization.")
    locks.hold(session, "runs", organization_id)
    same = select(PayoutRun).where(
        PayoutRun.organization_id == organization_id,
        PayoutRun.period_start == span.start,
        PayoutRun.period_end == span.end,
        PayoutRun.rate_minor.is_not_distinct_from(rate_minor),
        PayoutRun.status == RunStatus.RUNNING,
    )
    run = session.scalars(same.order_by(PayoutRun.id)).first()
    if run is None:
        run = PayoutRun(
            organization_id=organization_id, period_start=span.start, period_end=span.end, rate_minor=rate_minor,
            due_on=due_on, status=RunStatus.RUNNING, started_by=actor.label, started_by_account_id=actor.account_id,
            created_at=utc_now(),
            summary={"step": _RATING, "after": None, "earnings": 0, "payouts": 0, "totals": {}, "left_out": []},
        )  # fmt: skip
        session.add(run)
        session.flush()
        audit.record(
            session, actor, "run.started", "payout_run", run.id, organization_id=organization_id,
            start=span.start.isoformat(), end=span.end.isoformat(), rate_minor=rate_minor,
        )  # fmt: skip
    outbox.emit(session, Topic.RUN_STARTED, run_id=run.id, organization_id=organization_id)
    return run


def step(session: ScopedSession, organization_id: UUID, run_id: UUID) -> bool:
    """The next piece of a run; False when it is over."""
    run = find(session, run_id, lock=True)
    if run.status is not RunStatus.RUNNING or run.organization_id != organization_id:
        return False
    organization = session.get_one(Organization, organization_id)
    span = Span(run.period_start, run.period_end, organization.time_zone)
    if run.summary["step"] == _RATING:
        _rate(session, run, span)
        return True
    return _plan(session, run, span)


def _rate(session: ScopedSession, run: PayoutRun, span: Span) -> None:
    summary, actor = dict(run.summary), actor_of(run)
    rated = rating.rate(session, actor, run.organization_id, span, rate_minor=run.rate_minor)
    summary["earnings"] += rated
    if rated < rating.AT_ONCE:
        summary["step"] = _PLANNING
    run.summary = summary
    session.flush()


def _plan(session: ScopedSession, run: PayoutRun, span: Span) -> bool:
    summary, actor, organization_id = dict(run.summary), actor_of(run), run.organization_id
    after = UUID(summary["after"]) if summary["after"] else None
    rate_minor = run.rate_minor
    with session.elevated("payouts of everybody an organization pays by the month"):
        made = calculating.plan(session, actor, organization_id, span, after=after)
        totals = dict(summary["totals"])
        for code, (count, minor) in made.totals.items():
            before = totals.get(code, [0, 0])
            totals[code] = [before[0] + count, before[1] + minor]
        summary |= {"totals": totals, "payouts": summary["payouts"] + made.payouts}
        if made.last is None:
            rows = calculating.left_out(session, organization_id, span, rate_minor=rate_minor)
            summary["left_out"] = [left(row) for row in rows]
    if made.last is not None:
        summary["after"] = str(made.last)
        run.summary = summary
        session.flush()
        return True
    run.summary, run.status, run.finished_at = summary, RunStatus.DONE, utc_now()
    session.flush()
    audit.record(
        session, actor, "run.done", "payout_run", run.id, organization_id=organization_id,
        earnings=summary["earnings"], payouts=summary["payouts"],
    )  # fmt: skip
    return False


def left(row: Any) -> dict[str, Any]:
    """Somebody who got no payout, as it is kept and told."""
    return {
        "payee_id": str(row.payee_id),
        "name": row.name,
        "currency": row.currency,
        "amount_minor": int(row.amount_minor),
        "lines": int(row.lines),
        "reason": row.blocked,
    }


def fail(session: Session, run_id: UUID, reason: str) -> None:
    """The job could not go on; the reason is for the person who started it."""
    run = find(session, run_id, lock=True)
    if run.status is RunStatus.RUNNING:
        run.status, run.finished_at, run.summary = RunStatus.FAILED, utc_now(), {**run.summary, "reason": reason}
        session.flush()


def find(session: Session, run_id: UUID, *, lock: bool = False) -> PayoutRun:
    """Raises NotFound."""
    query = select(PayoutRun).where(PayoutRun.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such run.")
    return found


def actor_of(run: PayoutRun) -> Actor:
    """Who started it, for the job."""
    return Actor(run.started_by, "system", run.started_by_account_id, organization_id=run.organization_id)


def runs(
    session: Session,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
    *,
    organization_id: UUID | None = None,
) -> paging.Page:
    """The columns of a run with `organization` and `slug`; newest first."""
    query: paging.AnySelect = select(
        PayoutRun.id, PayoutRun.organization_id, PayoutRun.period_start, PayoutRun.period_end, PayoutRun.rate_minor,
        PayoutRun.due_on, PayoutRun.status, PayoutRun.summary, PayoutRun.started_by, PayoutRun.created_at,
        PayoutRun.finished_at, Organization.name.label("organization"), Organization.slug,
    ).join(Organization, Organization.id == PayoutRun.organization_id)  # fmt: skip
    if organization_id is not None:
        query = query.where(PayoutRun.organization_id == organization_id)
    key = paging.Key((PayoutRun.created_at, PayoutRun.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


# An organization whose consultants may have something: an open appointment, or earnings that are ready.
_PAYERS = text(
    """SELECT o.id, o.slug, o.name, o.currency, o.time_zone FROM organizations o
    WHERE EXISTS (SELECT FROM appointments a WHERE a.organization_id = o.id AND a.status = 'completed')
        OR EXISTS (SELECT FROM ready_earnings r JOIN payees p ON p.id = r.payee_id AND p.kind = 'consultant'
            WHERE r.organization_id = o.id)
    ORDER BY o.id"""
)


def payers(session: Session) -> Sequence[Any]:
    """id, slug, name, currency, time_zone of the organizations a run may find something in. Needs a platform scope."""
    return session.execute(_PAYERS).all()


@dataclass(frozen=True, slots=True)
class Due:
    """A month the calendar asks to be calculated for an organization; `due_on` is the day after its end, or after the
    end of the month in which somebody told of more of it."""

    organization_id: UUID
    span: Span
    due_on: date


_OPEN_MONTHS = text(
    """SELECT DISTINCT CAST(date_trunc('month', a.completed_at AT TIME ZONE :time_zone) AS date) AS month
    FROM appointments a WHERE a.organization_id = :organization_id AND a.status = 'completed'
        AND a.completed_at < :before ORDER BY month"""
)
_SOMETHING_READY = text(
    """SELECT EXISTS (SELECT FROM ready_earnings r JOIN payees p ON p.id = r.payee_id AND p.kind = 'consultant'
    JOIN earnings e ON e.id = r.earning_id WHERE r.organization_id = :organization_id AND e.earned_on < :due_on)"""
)
_SCHEDULED = select(PayoutRun.period_start, PayoutRun.due_on).where(PayoutRun.due_on.is_not(None))


def due(session: Session) -> list[Due]:
    """The months that are over and were not calculated since, oldest first: the last one, and earlier ones of which
    appointments are open. Any time after the first of the month will do. Needs a platform scope."""
    found: list[Due] = []
    for payer in payers(session):
        due_on = calculating.local_today(payer.time_zone).replace(day=1)
        last, _end = calculating.month_before(due_on)
        before = datetime(due_on.year, due_on.month, 1, tzinfo=ZoneInfo(payer.time_zone))
        asked = {"organization_id": payer.id, "time_zone": payer.time_zone, "before": before}
        months = set(session.scalars(_OPEN_MONTHS, asked))
        if session.execute(_SOMETHING_READY, {"organization_id": payer.id, "due_on": due_on}).scalar_one():
            months.add(last)
        made = _SCHEDULED.where(PayoutRun.organization_id == payer.id, PayoutRun.due_on == due_on)
        months -= {row.period_start for row in session.execute(made)}
        for month in sorted(months):
            following = (month.replace(day=28) + _FOUR_DAYS).replace(day=1)
            found.append(Due(payer.id, Span(month, calculating.month_before(following)[1], payer.time_zone), due_on))
    return found


def still_due(session: Session, one: Due) -> bool:
    """Whether nobody opened the run meanwhile; nobody else can until the transaction ends."""
    locks.hold(session, "runs", one.organization_id)
    made = _SCHEDULED.where(
        PayoutRun.organization_id == one.organization_id,
        PayoutRun.period_start == one.span.start,
        PayoutRun.due_on == one.due_on,
    )
    return session.execute(made).first() is None
