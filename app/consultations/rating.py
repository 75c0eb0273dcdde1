"""Appointments of a period become earnings at the consultant's flat rate, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db import locks
from app.db.session import ScopedSession
from app.earnings import recording
from app.earnings.models import EarningKind
from app.earnings.recording import NewEarning

DEFAULT_RATE = Money(500_00, "KES")
SOURCE = "appointment"
RULE = "flat_rate"
AT_ONCE = 1_000
# An appointment's rate, of appointments `a` and engagements `g`: what was asked for, what was agreed, or the usual one.
RATE = f"""coalesce(CAST(:rate_minor AS bigint), g.flat_rate_minor,
    CASE WHEN g.currency = '{DEFAULT_RATE.currency}' THEN {DEFAULT_RATE.minor} END)"""
OPEN = """a.organization_id = :organization_id AND a.status = 'completed'
    AND a.completed_at >= :since AND a.completed_at < :until"""


@dataclass(frozen=True, slots=True)
class Span:
    """A period of whole days, both included, where the organization is."""

    start: date
    end: date
    time_zone: str

    @property
    def since(self) -> datetime:
        return datetime.combine(self.start, time(), ZoneInfo(self.time_zone))

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.end + timedelta(days=1), time(), ZoneInfo(self.time_zone))

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.time_zone)).date()


_NEXT = text(
    f"""SELECT a.id, a.payee_id, a.external_id, a.completed_at, a.description, g.currency, {RATE} AS rate_minor,
        CASE WHEN CAST(:rate_minor AS bigint) IS NOT NULL THEN 'asked' WHEN g.flat_rate_minor IS NOT NULL THEN 'agreed'
            ELSE 'usual' END AS rate_from
    FROM appointments a
    JOIN engagements g ON g.organization_id = a.organization_id AND g.payee_id = a.payee_id
    WHERE {OPEN} AND {RATE} IS NOT NULL ORDER BY a.completed_at, a.id LIMIT :most FOR UPDATE OF a"""
)
_RATED = text(
    """UPDATE appointments a SET status = 'rated', rate_minor = x.rate_minor, currency = x.currency
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rates AS bigint[]), CAST(:currencies AS text[]))
        AS x (id, rate_minor, currency)
    WHERE a.id = x.id"""
)


def rate(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    span: Span,
    *,
    rate_minor: int | None = None,
    most: int = AT_ONCE,
) -> int:
    """Up to `most` open appointments of the period, oldest first; returns how many: fewer when none is left.

    Those whose consultant has no rate in their currency stay open. The caller has checked the permission.
    """
    locks.hold(session, "appointments", organization_id)
    asked = {
        "organization_id": organization_id,
        "since": span.since,
        "until": span.until,
        "rate_minor": rate_minor,
        "most": most,
    }
    session.flush()
    with session.elevated("appointments of one organization become earnings"):
        rows = session.execute(_NEXT, asked).all()
        recording.record_many(session, actor, [_earning(organization_id, span, row) for row in rows if row.rate_minor])
        if rows:
            session.execute(
                _RATED,
                {
                    "ids": [row.id for row in rows],
                    "rates": [row.rate_minor for row in rows],
                    "currencies": [row.currency for row in rows],
                },
            )
    session.expire_all()
    return len(rows)


def _earning(organization_id: UUID, span: Span, row: Any) -> NewEarning:
    return NewEarning(
        organization_id=organization_id,
        payee_id=row.payee_id,
        amount=Money(row.rate_minor, row.currency),
        kind=EarningKind.APPOINTMENT,
        rule=RULE,
        source_kind=SOURCE,
        source_id=row.id,
        earned_on=span.day_of(row.completed_at),
        description=row.description or f"Appointment {row.external_id}",
        available_at=utc_now(),
        reference=row.external_id,
        rule_detail={
            "appointment": row.external_id,
            "completed_at": row.completed_at.isoformat(),
            "rate_minor": row.rate_minor,
            "currency": row.currency,
            "rate_from": row.rate_from,
            "period_start": span.start.isoformat(),
            "period_end": span.end.isoformat(),
        },
    )
