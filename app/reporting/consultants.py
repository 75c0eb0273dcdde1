"""What consultants held and what came of it, for the platform's list: one statement for a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.consultations.directory import SESSIONS
from app.core.clock import utc_now
from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Sum:
    """Of one currency: what clients paid less what went back, the platform's part of it, and all that was earned
    (of consultations of others and of appointments, too)."""

    charged: Money
    platform: Money
    earned: Money


@dataclass(slots=True)
class Metrics:
    """`sessions`: booked and not cancelled, `month` of them this month. `absent`: somebody did not appear."""

    sessions: int = 0
    month: int = 0
    booked: int = 0
    completed: int = 0
    cancelled: int = 0
    absent: int = 0
    next_at: datetime | None = None
    sums: list[Sum] = field(default_factory=list)


_SESSION = "status IN ({})".format(", ".join(f"'{status.value}'" for status in SESSIONS))
_METRICS = text(
    f"""WITH counted AS (
        SELECT payee_id, count(*) FILTER (WHERE {_SESSION}) AS sessions,
            count(*) FILTER (WHERE {_SESSION} AND starts_at >= :since AND starts_at < :until) AS month,
            count(*) FILTER (WHERE status = 'booked') AS booked,
            count(*) FILTER (WHERE status = 'completed') AS completed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE status IN ('no_show_client', 'no_show_consultant')) AS absent,
            min(starts_at) FILTER (WHERE status = 'booked' AND starts_at > :now) AS next_at
        FROM consultations WHERE payee_id = ANY(:ids) GROUP BY payee_id
    ), charged AS (
        SELECT k.payee_id, CAST(c.currency AS text) AS currency, sum(c.amount_minor - c.refunded_minor) AS charged,
            sum(c.fee_minor - coalesce((SELECT sum(r.fee_minor) FROM charge_returns r
                WHERE r.charge_id = c.id AND r.status = 'succeeded'), 0)) AS platform, 0 AS earned
        FROM consultations k JOIN charges c ON c.subject_kind = 'consultation' AND c.subject_id = k.id
            AND c.status = 'succeeded'
        WHERE k.payee_id = ANY(:ids) GROUP BY 1, 2
    ), earned AS (
        SELECT payee_id, CAST(currency AS text), 0, 0, sum(amount_minor) FROM earnings
        WHERE payee_id = ANY(:ids) GROUP BY 1, 2
    ), summed AS (
        SELECT payee_id, currency, CAST(sum(charged) AS bigint) AS charged, CAST(sum(platform) AS bigint) AS platform,
            CAST(sum(earned) AS bigint) AS earned
        FROM (SELECT * FROM charged UNION ALL SELECT * FROM earned) both_ GROUP BY 1, 2
    )
    SELECT coalesce(n.payee_id, s.payee_id) AS payee_id, n.sessions, n.month, n.booked, n.completed, n.cancelled,
        n.absent, n.next_at, s.currency, s.charged, s.platform, s.earned
    FROM counted n FULL JOIN summed s ON s.payee_id = n.payee_id ORDER BY payee_id, s.currency"""
)


def metrics(session: Session, payee_ids: Sequence[UUID], since: datetime, until: datetime) -> dict[UUID, Metrics]:
    """By payee; who never had anything is left out. `since` and `until` bound this month. Needs a platform scope."""
    found: dict[UUID, Metrics] = {}
    if not payee_ids:
        return found
    asked = {"ids": list(payee_ids), "since": since, "until": until, "now": utc_now()}
    for row in session.execute(_METRICS, asked):
        if row.payee_id not in found:
            found[row.payee_id] = Metrics(
                row.sessions or 0, row.month or 0, row.booked or 0, row.completed or 0, row.cancelled or 0,
                row.absent or 0, row.next_at,
            )  # fmt: skip
        if row.currency:
            money = (Money(int(minor), row.currency) for minor in (row.charged, row.platform, row.earned))
            found[row.payee_id].sums.append(Sum(*money))
    return found
