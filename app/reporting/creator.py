"""What a creator earned with each brand, over time and by code. One currency at a time; nothing is added across two.

Every figure is one statement over the rows of one payee, however many brands there are. The bounds on `created_at` let
an index find the rows: a bill may be dated ahead of the day it was written, by weeks at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.money import Money
from app.payees.states import EngagementStatus
from app.sales.queries import code_stats


class Span(StrEnum):
    """How far back, and in which steps: weeks that begin on Monday, or months."""

    FOUR_WEEKS = "4w"
    TWELVE_WEEKS = "12w"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Brand:
    """An engagement as its creator sees it. `month` is earned in the present month, refunds taken off."""

    organization_id: UUID
    slug: str
    name: str
    status: EngagementStatus
    status_reason: str | None
    commission_bps: int
    hold_days: int
    codes: tuple[str, ...]
    month: Money
    clearing: Money
    available: Money


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its orders of a span in one currency. `all_orders` are those of every currency, as a visit has none;
    `conversion_bps` is None where no visit was counted: buyers may type a code without following its link."""

    id: UUID
    organization_id: UUID
    code: str
    url: str | None
    active: bool
    orders: int
    basis: Money
    visits: int
    all_orders: int

    @property
    def conversion_bps(self) -> int | None:
        return None if self.visits == 0 else self.all_orders * 10_000 // self.visits


@dataclass(frozen=True, slots=True)
class Month:
    """This month so far and the same days of the month before, in one currency; `week` since Monday."""

    so_far: Money
    before: Money
    week: Money

    @property
    def change_percent(self) -> int | None:
        """None where there is nothing to compare with."""
        if self.before.minor <= 0:
            return None
        return round((self.so_far.minor - self.before.minor) * 100 / self.before.minor)


def buckets(span: Span, today: date) -> list[date]:
    """The first day of each step, oldest first; the last one holds today."""
    if span is Span.YEAR:
        months = today.year * 12 + today.month - 1
        return [date(month // 12, month % 12 + 1, 1) for month in range(months - 11, months + 1)]
    monday = today - timedelta(days=today.weekday())
    weeks = 4 if span is Span.FOUR_WEEKS else 12
    return [monday - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def start_of(day: date, zone: str) -> datetime:
    """The moment a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


_EARNED = text(
    """SELECT organization_id, CAST(date_trunc(:step, earned_on) AS date) AS bucket,
        CAST(sum(amount_minor) AS bigint) AS minor
    FROM earnings WHERE payee_id = :payee_id AND currency = :currency AND earned_on >= :since
        AND created_at >= CAST(:since AS date) - 60
        AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
    GROUP BY 1, 2"""
)


def earned(
    session: Session, payee_id: UUID, currency: str, span: Span, today: date, organization_id: UUID | None = None
) -> dict[UUID, list[int]]:
    """By organization the minor units of each of `buckets`, refunds taken off."""
    steps = buckets(span, today)
    place = {day: position for position, day in enumerate(steps)}
    rows = session.execute(
        _EARNED,
        {
            "payee_id": payee_id, "currency": currency, "since": steps[0], "organization_id": organization_id,
            "step": "month" if span is Span.YEAR else "week",
        },
    )  # fmt: skip
    found: dict[UUID, list[int]] = defaultdict(lambda: [0] * len(steps))
    for row in rows:
        if row.bucket in place:
            found[row.organization_id][place[row.bucket]] += row.minor
    return dict(found)


_MONTH = text(
    """SELECT coalesce(CAST(sum(amount_minor) FILTER (WHERE earned_on >= :month) AS bigint), 0) AS so_far,
        coalesce(CAST(sum(amount_minor) FILTER (WHERE earned_on BETWEEN :last_month AND :same_day) AS bigint), 0)
            AS before,
        coalesce(CAST(sum(amount_minor) FILTER (WHERE earned_on >= :monday) AS bigint), 0) AS week
    FROM earnings WHERE payee_id = :payee_id AND currency = :currency AND earned_on >= least(:last_month, :monday)
        AND created_at >= CAST(:last_month AS date) - 60
        AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)"""
)


def month(session: Session, payee_id: UUID, currency: str, today: date, organization_id: UUID | None = None) -> Month:
    first = today.replace(day=1)
    last_month = (first - timedelta(days=1)).replace(day=1)
    same_day = min(last_month + timedelta(days=today.day - 1), first - timedelta(days=1))
    row = session.execute(
        _MONTH,
        {
            "payee_id": payee_id, "currency": currency, "month": first, "last_month": last_month, "same_day": same_day,
            "monday": today - timedelta(days=today.weekday()), "organization_id": organization_id,
        },
    ).one()  # fmt: skip
    return Month(Money(row.so_far, currency), Money(row.before, currency), Money(row.week, currency))


_BRANDS = """SELECT g.organization_id, o.slug, o.name, g.status, g.status_reason, g.commission_bps,
        g.commission_hold_days, coalesce(d.codes, '{{}}') AS codes, coalesce(e.minor, 0) AS month,
        coalesce(b.held, 0) AS clearing, coalesce(b.available, 0) AS available
    FROM engagements g JOIN organizations o ON o.id = g.organization_id
    LEFT JOIN (
        SELECT organization_id, array_agg(code ORDER BY active DESC, id) AS codes FROM discount_codes
        WHERE payee_id = :payee_id GROUP BY 1
    ) d ON d.organization_id = g.organization_id
    LEFT JOIN (
        SELECT organization_id, CAST(sum(amount_minor) AS bigint) AS minor FROM earnings
        WHERE payee_id = :payee_id AND currency = :currency AND earned_on >= :month
            AND created_at >= CAST(:month AS date) - 60 GROUP BY 1
    ) e ON e.organization_id = g.organization_id
    LEFT JOIN (
        SELECT organization_id, CAST(sum(balance_minor) FILTER (WHERE account = 'payee_held') AS bigint) AS held,
            CAST(sum(balance_minor) FILTER (WHERE account = 'payee_available') AS bigint) AS available
        FROM ledger_balances WHERE payee_id = :payee_id AND currency = :currency GROUP BY 1
    ) b ON b.organization_id = g.organization_id
    WHERE g.payee_id = :payee_id AND {which}
    ORDER BY g.status = 'ended', coalesce(e.minor, 0) DESC, o.name, o.id"""
_PAYING = text(_BRANDS.format(which="(g.currency = :currency OR e.minor <> 0 OR b.held <> 0 OR b.available <> 0)"))
_ONE = text(_BRANDS.format(which="g.organization_id = :organization_id"))


def brands(session: Session, payee_id: UUID, currency: str, today: date) -> list[Brand]:
    """Every brand that pays in this currency, or did, the best of the month first."""
    rows = session.execute(_PAYING, {"payee_id": payee_id, "currency": currency, "month": today.replace(day=1)})
    return [_brand(row, currency) for row in rows]


def brand(session: Session, payee_id: UUID, organization_id: UUID, currency: str, today: date) -> Brand:
    """One brand that engages the creator, in any currency."""
    wanted = {
        "payee_id": payee_id, "organization_id": organization_id, "currency": currency, "month": today.replace(day=1)
    }  # fmt: skip
    return _brand(session.execute(_ONE, wanted).one(), currency)


def _brand(row: Any, currency: str) -> Brand:
    return Brand(
        row.organization_id, row.slug, row.name, EngagementStatus(row.status), row.status_reason, row.commission_bps,
        row.commission_hold_days, tuple(row.codes), Money(row.month, currency), Money(row.clearing, currency),
        Money(row.available, currency),
    )  # fmt: skip


_CURRENCIES = text(
    """SELECT currency FROM (
        SELECT organization_id, currency, CAST(status <> 'ended' AS int) AS brands FROM engagements
            WHERE payee_id = :payee_id
        UNION ALL SELECT DISTINCT organization_id, currency, 0 FROM ledger_balances WHERE payee_id = :payee_id
    ) c WHERE CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id
    GROUP BY currency ORDER BY sum(brands) DESC, currency"""
)


def currencies(session: Session, payee_id: UUID, organization_id: UUID | None = None) -> list[str]:
    """What the creator earns or will earn in, with all brands or one: that of the most brands first."""
    wanted = {"payee_id": payee_id, "organization_id": organization_id}
    return list(session.execute(_CURRENCIES, wanted).scalars())


def codes(
    session: Session, payee_id: UUID, currency: str, since: datetime, go_url: str, organization_id: UUID | None = None
) -> list[Code]:
    """Each code with its orders in `currency` since. `go_url` is what a link's token follows."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in code_stats(session, since, payee_id=payee_id, organization_id=organization_id):
        found[row.id].append(row)
    return [_code(rows, currency, go_url) for rows in found.values()]


def _code(rows: Sequence[Any], currency: str, go_url: str) -> Code:
    """From the rows of one code, one for each currency of its orders."""
    row, mine = rows[0], [one for one in rows if one.currency == currency]
    return Code(
        row.id, row.organization_id, row.code, f"{go_url}{row.token}" if row.landing_url else None, row.active,
        sum(one.orders for one in mine), Money(sum(one.basis_minor for one in mine), currency), int(row.visits),
        sum(one.orders for one in rows),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clearing:
    """The next amount that becomes available."""

    at: datetime
    amount: Money


_NEXT = text(
    """WITH mine AS (
        SELECT available_at, CAST(available_at AT TIME ZONE :zone AS date) AS day, amount_minor FROM held_earnings
        WHERE payee_id = :payee_id AND currency = :currency AND available_at IS NOT NULL
            AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
    )
    SELECT min(available_at) AS at, CAST(sum(amount_minor) AS bigint) AS minor FROM mine
    GROUP BY day HAVING sum(amount_minor) > 0 ORDER BY day LIMIT 1"""
)


def next_clearing(
    session: Session, payee_id: UUID, currency: str, zone: str, organization_id: UUID | None = None
) -> Clearing | None:
    """All that becomes available on the next day on which anything is left of it, in the reader's zone."""
    row = session.execute(
        _NEXT, {"payee_id": payee_id, "currency": currency, "zone": zone, "organization_id": organization_id}
    ).one_or_none()
    return None if row is None else Clearing(row.at, Money(row.minor, currency))


def totals(found: Sequence[Brand], currency: str) -> tuple[Money, Money]:
    """(available, clearing) of the brands, which are all in one currency."""
    return (
        Money(sum(brand.available.minor for brand in found), currency),
        Money(sum(brand.clearing.minor for brand in found), currency),
    )
