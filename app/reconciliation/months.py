"""Closing a month of the books: refused while a line of its statements is open or the outcome of a payout is unknown.

Months are closed in order. What comes to light later is posted in the month it comes to light in; the books refuse
everything dated in a closed one (migration 0036), and the doctor holds them against what they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import today
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger.journal import MONTH_NUMBERS
from app.reconciliation import rules
from app.reconciliation.models import ClosedMonth
from app.reconciliation.statements import hold_desk

SUBJECT = "month"
_WAITING = text(
    """SELECT (SELECT count(*) FROM open_statement_lines WHERE booked_on < :end) AS lines,
    (SELECT count(*) FROM open_statement_lines WHERE booked_on < :end AND write_off_id IS NOT NULL) AS proposed,
    (SELECT count(*) FROM payout_attempts WHERE status IN ('submitted', 'unknown') AND export_id IS NULL
        AND created_at < :moment) AS unknown,
    (SELECT count(*) FROM deposits d JOIN taken_targets t ON t.kind = 'deposit' AND t.target_id = d.id
        JOIN statement_matches m ON m.id = t.match_id JOIN statement_lines l ON l.id = m.line_id
        WHERE d.status = 'announced' AND l.booked_on < :end) AS deposits,
    (SELECT count(*) FROM bank_statements WHERE status = 'running') AS running,
    (SELECT max(last_on) FROM bank_statements WHERE status = 'done' AND account = 'bank') AS told_until"""
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the way of closing a month. `told_until`: the last day the bank's statements tell of."""

    month: date
    over: bool
    lines: int
    proposed: int  # of the lines
    unknown: int  # attempts without a known outcome
    deposits: int  # on the statement, and nobody confirmed them
    running: int  # statements that are being read
    told_until: date | None
    books: str  # how many entries, and what was debited

    @property
    def clear(self) -> bool:
        return self.over and not (self.lines or self.unknown or self.deposits or self.running)

    @property
    def told(self) -> bool:
        """Whether the bank's statements reach to the end of the month."""
        return self.told_until is not None and self.told_until >= rules.month_after(self.month) - timedelta(days=1)


def standing(session: Session, month: date) -> Standing:
    """Numbers of one month; `month` is its first day. Lines of earlier months count too."""
    end = rules.month_after(month)
    moment = datetime.combine(end, time(), UTC)
    row: Any = session.execute(_WAITING, {"end": end, "moment": moment}).one()
    books = session.execute(text(MONTH_NUMBERS.format(month="CAST(:month AS date)")), {"month": month}).scalar_one()
    return Standing(
        month, end <= today(), row.lines, row.proposed, row.unknown, row.deposits, row.running, row.told_until, books
    )  # fmt: skip


def told(books: str) -> tuple[int, list[Money]]:
    """What a month's numbers say, as `MONTH_NUMBERS` writes them: how many entries, and what was debited."""
    entries, *debited = books.split(", ")
    amounts = (part.split(" ") for part in debited)
    return int(entries.split(" ")[0]), [Money(int(minor), currency) for currency, minor in amounts]


def next_month(session: Session) -> date:
    """The month to close next: after the last closed one, else the one that is over."""
    last = session.scalar(select(func.max(ClosedMonth.month)))
    return rules.month_after(last) if last else rules.month_start(rules.month_start(today()) - timedelta(days=1))


def close(session: ScopedSession, actor: Actor, month: date) -> ClosedMonth:
    """Raises Forbidden, Invalid for what is no first of a month, Conflict with the numbers that stand in the way."""
    actor.require(Permission.RECONCILE)
    if month.day != 1:
        raise Invalid("Name a month by its first day.", fields={"month": "Such as 2026-10."})
    hold_desk(session)
    due = next_month(session)
    if month != due:
        raise Conflict(f"Months are closed in order; {due:%B %Y} is next.")
    now = standing(session, month)
    if not now.clear:
        raise Conflict(f"{month:%B %Y} cannot be closed: {'; '.join(refusals(now))}.")
    made = ClosedMonth(
        id=new_id(), month=month, numbers={"books": now.books, "told_until": str(now.told_until or "")},
        closed_by=actor.label, closed_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(session, actor, "month.closed", SUBJECT, made.id, month=month.isoformat(), books=now.books)
    return made


def refusals(now: Standing) -> list[str]:
    """Why a month cannot be closed, one clause each."""
    said = []
    if not now.over:
        said.append("it is not over")
    if now.lines:
        said.append(f"{now.lines} statement {_lines(now.lines)} not explained")
    if now.unknown:
        said.append(f"{now.unknown} {'payout has' if now.unknown == 1 else 'payouts have'} an unknown outcome")
    if now.deposits:
        said.append(f"{now.deposits} {'deposit is' if now.deposits == 1 else 'deposits are'} not confirmed")
    if now.running:
        said.append("a statement is being read")
    return said


def _lines(count: int) -> str:
    return "line is" if count == 1 else "lines are"


def closed(session: Session, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT) -> paging.Page:
    """id, month, numbers, closed_by, created_at; the last month first."""
    query: paging.AnySelect = select(
        ClosedMonth.id, ClosedMonth.month, ClosedMonth.numbers, ClosedMonth.closed_by, ClosedMonth.created_at
    )
    return paging.fetch(session, query, paging.Key((ClosedMonth.month, ClosedMonth.id), ("month", "id")), cursor, limit)
