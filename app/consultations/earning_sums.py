"""What a consultant earned, added up: by month, and of one month how it was shared. Each figure is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.consultations.earning_lines import following
from app.consultations.rating import RATE
from app.core.clock import utc_now
from app.core.money import Money
from app.earnings.models import HoldReason


class Series(StrEnum):
    """What a month's earnings are of; what went back is taken off where it was earned."""

    SESSIONS = "sessions"
    APPOINTMENTS = "appointments"
    OTHER = "other"


def last_months(today: date, number: int = 12) -> list[date]:
    """The first days of the present month and those before it, oldest first."""
    last = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - number + 1, last + 1)]


_BY_MONTH = text(
    """SELECT currency, CAST(date_trunc('month', earned_on) AS date) AS month,
        CASE WHEN kind = 'booking' OR rule = 'booking_reversal' THEN 'sessions'
            WHEN kind = 'appointment' THEN 'appointments' ELSE 'other' END AS series,
        CAST(sum(amount_minor) AS bigint) AS minor
    FROM earnings WHERE payee_id = :payee_id AND earned_on >= :since AND earned_on < :until
        AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
)


def by_month(
    session: Session, payee_id: UUID, steps: Sequence[date], organization_id: UUID | None = None
) -> dict[str, dict[Series, list[int]]]:
    """Currency → what it is of → minor units of each of `steps` (first days of months that follow each other)."""
    place = {month: position for position, month in enumerate(steps)}
    asked = {
        "payee_id": payee_id, "since": steps[0], "until": following(steps[-1]), "organization_id": organization_id
    }  # fmt: skip
    found: dict[str, dict[Series, list[int]]] = {}
    for row in session.execute(_BY_MONTH, asked):
        series = found.setdefault(row.currency, {}).setdefault(Series(row.series), [0] * len(steps))
        series[place[row.month]] += row.minor
    return found


@dataclass(frozen=True, slots=True)
class Month:
    """One month in one currency, of what was earned on its days.

    `gross`: list prices of consultations, and what was earned otherwise. `gross` - `platform` - `organization` -
    `others` + `adjustments` = `payable`, one's own part in the end; `others` is what collaborators got, `adjustments`
    what was given or taken later, reversals among it. `payable` = `held` + `ready` + `on_its_way` + `paid`.
    """

    currency: str
    sessions: int
    appointments: int
    gross: Money
    shared: Money
    platform: Money
    organization: Money
    others: Money
    adjustments: Money
    payable: Money
    held: Money
    ready: Money
    paid: Money

    @property
    def on_its_way(self) -> Money:
        """In payouts that have not arrived."""
        return self.payable - self.held - self.ready - self.paid

    @property
    def own(self) -> Money:
        """One's part of what clients paid, before anything went back."""
        return self.shared - self.platform - self.organization - self.others


_MONTH = text(
    """WITH mine AS (
        SELECT e.id, e.kind, e.currency, e.amount_minor, e.kind = 'booking' AS booked,
            e.kind IN ('reversal', 'adjustment', 'credit') AS later,
            coalesce(CAST(e.rule_detail ->> 'list_minor' AS bigint), e.amount_minor) AS list_minor,
            coalesce(CAST(e.rule_detail ->> 'platform_minor' AS bigint), 0) AS platform_minor,
            coalesce(CAST(e.rule_detail ->> 'organization_minor' AS bigint), 0) AS organization_minor,
            coalesce(CAST(e.rule_detail ->> 'consultant_minor' AS bigint), e.amount_minor) AS consultant_minor,
            coalesce(h.amount_minor, 0) AS held, coalesce(r.amount_minor, 0) AS ready, coalesce(p.minor, 0) AS paid
        FROM earnings e LEFT JOIN held_earnings h ON h.earning_id = e.id
        LEFT JOIN ready_earnings r ON r.earning_id = e.id
        LEFT JOIN LATERAL (
            SELECT CAST(sum(i.amount_minor) AS bigint) AS minor FROM payout_items i JOIN payouts o ON o.id = i.payout_id
            WHERE i.earning_id = e.id AND o.status = 'paid'
        ) p ON true
        WHERE e.payee_id = :payee_id AND e.earned_on >= :month AND e.earned_on < :until
            AND (CAST(:organization_id AS uuid) IS NULL OR e.organization_id = :organization_id)
    )
    SELECT currency, count(*) FILTER (WHERE booked) AS sessions,
        count(*) FILTER (WHERE kind = 'appointment') AS appointments,
        coalesce(sum(CASE WHEN booked THEN list_minor ELSE amount_minor END) FILTER (WHERE NOT later), 0) AS gross,
        coalesce(sum(list_minor) FILTER (WHERE booked), 0) AS shared,
        coalesce(sum(platform_minor) FILTER (WHERE booked), 0) AS platform,
        coalesce(sum(organization_minor) FILTER (WHERE booked), 0) AS organization,
        coalesce(sum(consultant_minor - amount_minor) FILTER (WHERE booked), 0) AS others,
        coalesce(sum(amount_minor) FILTER (WHERE later), 0) AS adjustments,
        sum(amount_minor) AS payable, sum(held) AS held, sum(ready) AS ready, sum(paid) AS paid
    FROM mine GROUP BY currency ORDER BY currency"""
)
_PARTS = (
    "gross", "shared", "platform", "organization", "others", "adjustments", "payable", "held", "ready", "paid"
)  # fmt: skip


def month(session: Session, payee_id: UUID, first: date, organization_id: UUID | None = None) -> list[Month]:
    """By currency; a month in which nothing was earned is empty."""
    asked = {"payee_id": payee_id, "month": first, "until": following(first), "organization_id": organization_id}
    return [
        Month(
            row.currency, row.sessions, row.appointments,
            **{name: Money(int(getattr(row, name)), row.currency) for name in _PARTS},
        )
        for row in session.execute(_MONTH, asked)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """Appointments of the present month with one organization: what those with a rate come to."""

    organization_name: str
    number: int
    without_rate: int
    comes_to: Money
    rate: Money | None


_THIS_MONTH = text(
    f"""SELECT o.name, g.currency, count(*) AS number, count(*) FILTER (WHERE rate_minor IS NULL) AS without_rate,
        CAST(coalesce(sum(rate_minor), 0) AS bigint) AS minor, min(rate_minor) AS least, max(rate_minor) AS most
    FROM (
        SELECT a.organization_id, a.payee_id, a.completed_at, coalesce(a.rate_minor, {RATE}) AS rate_minor
        FROM appointments a
        JOIN engagements g ON g.organization_id = a.organization_id AND g.payee_id = a.payee_id
        WHERE a.payee_id = :payee_id AND a.status <> 'dismissed' AND a.completed_at >= :since
    ) held
    JOIN engagements g ON g.organization_id = held.organization_id AND g.payee_id = held.payee_id
    JOIN organizations o ON o.id = held.organization_id
    WHERE date_trunc('month', held.completed_at AT TIME ZONE o.time_zone)
        = date_trunc('month', CAST(:now AS timestamptz) AT TIME ZONE o.time_zone)
    GROUP BY o.id, o.name, g.currency ORDER BY o.name, o.id"""
)


def appointments_this_month(session: Session, payee_id: UUID) -> list[Held]:
    """By organization; the month is the present one where the organization is."""
    now = utc_now()
    asked = {"payee_id": payee_id, "now": now, "since": now - timedelta(days=33), "rate_minor": None}
    return [
        Held(
            row.name, row.number, row.without_rate, Money(row.minor, row.currency),
            Money(row.most, row.currency) if row.most is not None and row.least == row.most else None,
        )
        for row in session.execute(_THIS_MONTH, asked)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coming:
    """What becomes ready on a day, of one currency. `day` None: when somebody decides, as a bank does."""

    day: date | None
    reason: HoldReason
    number: int
    amount: Money


_COMING = text(
    """SELECT h.currency, h.reason, CASE WHEN h.available_at IS NOT NULL
            THEN CAST(h.available_at AT TIME ZONE :zone AS date) WHEN h.reason = 'session' THEN e.earned_on END AS day,
        count(*) AS number, CAST(sum(h.amount_minor) AS bigint) AS minor
    FROM held_earnings h JOIN earnings e ON e.id = h.earning_id
    WHERE h.payee_id = :payee_id AND (CAST(:organization_id AS uuid) IS NULL OR h.organization_id = :organization_id)
    GROUP BY 1, 2, 3 HAVING sum(h.amount_minor) > 0 ORDER BY day NULLS LAST, h.currency LIMIT :most"""
)


def coming(
    session: Session, payee_id: UUID, zone: str, organization_id: UUID | None = None, most: int = 6
) -> list[Coming]:
    """What becomes ready next, soonest first; for a session that is its day."""
    asked = {"payee_id": payee_id, "zone": zone, "organization_id": organization_id, "most": most}
    rows = session.execute(_COMING, asked)
    return [Coming(row.day, HoldReason(row.reason), row.number, Money(row.minor, row.currency)) for row in rows]
