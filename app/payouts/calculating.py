"""What consultants are paid for a period: seen before (preview), and its payouts made (plan), set-based.

Everything of the period that is ready goes into one payout for each payee and currency. Nothing is paid by it: the
payouts wait for their approval as others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.consultations.rating import OPEN, RATE, Span
from app.core.clock import utc_now
from app.core.scope import Actor
from app.core.settings import settings
from app.db import locks
from app.db.planning import room
from app.methods.queries import usable_method_parameters
from app.payouts.moves import post_reserved
from app.payouts.planning import blocked_text, candidates

SCHEDULE = "monthly"
AT_ONCE = 500  # payees of one transaction
SHOWN = 200
_DONE = "period"
_TEXT = {
    "carried": "What went back is as much as was earned, or more: carried forward to the next month.",
    _DONE: "This period has its payout already: what came later is paid with the next one.",
    "no_rate": "No flat rate is agreed in the currency of the engagement: the appointments wait.",
}
# What went back is taken from the next payout, whenever that was; but together with what it takes back, where that is
# ready and of a later period: a session that is called off takes nothing from the months before it.
_OF_PERIOD = """((e.earned_on <= :period_end OR r.amount_minor < 0) AND NOT (r.amount_minor < 0 AND EXISTS (
    SELECT FROM consultation_returns b JOIN earnings o ON o.organization_id = b.organization_id
        AND o.source_kind = 'consultation_share' AND o.source_id = b.share_id
    JOIN ready_earnings w ON w.earning_id = o.id
    WHERE e.source_kind = 'consultation_return' AND b.id = e.source_id AND o.earned_on > :period_end)))"""
_READY = f"""SELECT r.payee_id, r.currency, r.amount_minor FROM ready_earnings r
    JOIN earnings e ON e.id = r.earning_id JOIN payees p ON p.id = r.payee_id
    WHERE r.organization_id = :organization_id AND p.kind = 'consultant' AND {_OF_PERIOD}"""
_TO_RATE = f"""SELECT a.payee_id, g.currency, {RATE} AS amount_minor FROM appointments a
    JOIN engagements g ON g.organization_id = a.organization_id AND g.payee_id = a.payee_id WHERE {OPEN}"""
_SUMS = "payee_id, currency, CAST(sum(amount_minor) AS bigint) AS amount_minor, count(*) AS lines"
_HAS_ONE = f"""WHEN EXISTS (SELECT FROM payouts o WHERE o.organization_id = :organization_id
    AND o.payee_id = net.payee_id AND o.currency = net.currency AND o.schedule = '{SCHEDULE}'
    AND o.period_start = :period_start AND o.status NOT IN ('cancelled', 'rejected')) THEN '{_DONE}'"""
_NOW = candidates(
    f"""SELECT {_SUMS} FROM ({_READY}) one
    WHERE CAST(:after AS uuid) IS NULL OR payee_id > :after GROUP BY payee_id, currency""",
    _HAS_ONE,
)
_AFTER_RATING = candidates(
    f"SELECT {_SUMS} FROM ({_READY} UNION ALL SELECT * FROM ({_TO_RATE}) t WHERE amount_minor > 0) one"
    " GROUP BY payee_id, currency",
    _HAS_ONE,
)


def month_before(day: date) -> tuple[date, date]:
    """First and last day of the calendar month before the one of `day`."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def local_today(time_zone: str) -> date:
    return utc_now().astimezone(ZoneInfo(time_zone)).date()


def reason_text(code: str) -> str:
    """Why a payee gets no payout for a period, as a sentence."""
    return _TEXT.get(code) or blocked_text(code)


@dataclass(frozen=True, slots=True)
class Preview:
    """`totals`: (currency, payees, lines, amount_minor). `lines`: those who would be paid, the first 200 by name;
    `left_out`: payee_id, name, currency, amount_minor, lines, blocked of those who would not, the first 200.
    `to_rate` appointments would get their earning; `no_rate` have none."""

    totals: Sequence[Any]
    lines: Sequence[Any]
    left_out: Sequence[Any]
    to_rate: int
    no_rate: int

    @property
    def payouts(self) -> int:
        return sum(row.payees for row in self.totals)


def _asked(organization_id: UUID, span: Span, rate_minor: int | None = None) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "period_start": span.start,
        "period_end": span.end,
        "since": span.since,
        "until": span.until,
        "rate_minor": rate_minor,
        **usable_method_parameters(),
    }


_COUNTS = text(
    f"""SELECT count(*) FILTER (WHERE amount_minor IS NOT NULL) AS to_rate,
    count(*) FILTER (WHERE amount_minor IS NULL) AS no_rate FROM ({_TO_RATE}) t"""
)
_NO_RATE = text(
    f"""SELECT t.payee_id, p.name, t.currency, 0 AS amount_minor, count(*) AS lines, 'no_rate' AS blocked
    FROM ({_TO_RATE}) t JOIN payees p ON p.id = t.payee_id WHERE t.amount_minor IS NULL
    GROUP BY t.payee_id, p.name, t.currency ORDER BY p.name, t.payee_id LIMIT {SHOWN}"""
)


def _named(source: str, where: str) -> str:
    return f"""SELECT c.payee_id, p.name, c.currency, c.amount_minor, c.lines, c.rail, c.blocked
        FROM ({source}) c JOIN payees p ON p.id = c.payee_id WHERE {where}
        ORDER BY p.name_search, p.id, c.currency LIMIT {SHOWN}"""


def preview(session: Session, organization_id: UUID, span: Span, *, rate_minor: int | None = None) -> Preview:
    """A dry run: nothing is written."""
    asked = _asked(organization_id, span, rate_minor)
    totals = session.execute(
        text(
            f"""SELECT currency, count(*) AS payees, CAST(sum(lines) AS bigint) AS lines,
            CAST(sum(amount_minor) AS bigint) AS amount_minor
            FROM ({_AFTER_RATING}) c WHERE blocked IS NULL GROUP BY currency ORDER BY currency"""
        ),
        asked,
    ).all()
    lines = session.execute(text(_named(_AFTER_RATING, "blocked IS NULL")), asked).all()
    left_out = session.execute(text(_named(_AFTER_RATING, "blocked IS NOT NULL")), asked).all()
    counts = session.execute(_COUNTS, asked).one()
    without = session.execute(_NO_RATE, asked).all() if counts.no_rate else []
    return Preview(totals, lines, [*left_out, *without], counts.to_rate, counts.no_rate)


def left_out(session: Session, organization_id: UUID, span: Span, *, rate_minor: int | None = None) -> Sequence[Any]:
    """After a plan: who has something ready, or to be rated, and got no payout, and why; the first 200."""
    asked = {**_asked(organization_id, span, rate_minor), "after": None}
    rows = session.execute(text(_named(_NOW, "blocked IS NOT NULL")), asked).all()
    return [*rows, *session.execute(_NO_RATE, asked).all()]


_PAYEES = text(
    f"""SELECT payee_id FROM ({_NOW}) c WHERE blocked IS NULL GROUP BY payee_id ORDER BY payee_id LIMIT :most"""
)
_PLAN = text(
    f"""WITH candidate AS ({_NOW}),
    planned AS (
        INSERT INTO payouts (organization_id, payee_id, amount_minor, currency, rail, method_id, origin, status,
            requested_by, requested_by_account_id, simulated, schedule, period_start, period_end, created_at, status_at)
        SELECT :organization_id, payee_id, amount_minor, currency, rail, method_id, 'schedule', 'pending',
            :actor, :account_id, :simulated, '{SCHEDULE}', :period_start, :period_end, :now, :now
        FROM candidate WHERE blocked IS NULL AND payee_id = ANY(:payee_ids) ORDER BY payee_id
        RETURNING id, payee_id, currency, amount_minor
    ), claimed AS (
        DELETE FROM ready_earnings r USING planned, earnings e
        WHERE r.organization_id = :organization_id AND r.payee_id = planned.payee_id AND r.currency = planned.currency
            AND e.id = r.earning_id AND {_OF_PERIOD}
        RETURNING planned.id AS payout_id, r.earning_id, r.payee_id, r.amount_minor
    ), item AS (
        INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
        SELECT payout_id, earning_id, :organization_id, payee_id, amount_minor FROM claimed
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, to_state, note)
        SELECT :organization_id, payee_id, 'payout', id, :now, :actor, 'pending', :note FROM planned
    )
    SELECT array_agg(id) AS ids, CAST(currency AS text) AS currency, CAST(sum(amount_minor) AS bigint) AS amount_minor
    FROM planned GROUP BY currency ORDER BY currency"""
)


@dataclass(frozen=True, slots=True)
class Planned:
    """`last`: the payee it stopped at; None when nobody was left. `totals`: currency → (payouts, minor units)."""

    last: UUID | None
    payouts: int
    totals: dict[str, tuple[int, int]]


def plan(
    session: Session, actor: Actor, organization_id: UUID, span: Span, *, after: UUID | None, most: int = AT_ONCE
) -> Planned:
    """Payouts of the next `most` payees after `after` from everything of theirs that is ready. All or nothing.

    The lock keeps withdrawals and batches out while the sums are taken, so that items always add up to their payout.
    """
    locks.hold(session, "claims", organization_id)
    session.flush()
    room(session)
    asked = {**_asked(organization_id, span), "after": after}
    payee_ids = list(session.scalars(_PAYEES, {**asked, "most": most}))
    if not payee_ids:
        return Planned(None, 0, {})
    rows = session.execute(
        _PLAN,
        {
            **asked,
            "payee_ids": payee_ids,
            "actor": actor.label,
            "account_id": actor.account_id,
            "simulated": settings().sandbox,
            "now": utc_now(),
            "note": f"Calculated for {span.start} to {span.end}.",
        },
    ).all()
    post_reserved(session, [payout_id for row in rows for payout_id in row.ids])
    totals = {row.currency: (len(row.ids), int(row.amount_minor)) for row in rows}
    return Planned(payee_ids[-1], sum(count for count, _minor in totals.values()), totals)
