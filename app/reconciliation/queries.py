"""Reads of the desk: lines by state, how old the open ones are, what each was explained by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, null, or_, select
from sqlalchemy.orm import Session

from app.core.money import Money
from app.db import paging
from app.reconciliation import rules, targets
from app.reconciliation.models import MatchPart, OpenLine, StandingMatch, StatementLine, StatementMatch, WriteOff
from app.reconciliation.states import LineState, Resolution, TargetKind

_RESOLVED = {
    LineState.MATCHED: Resolution.MATCHED,
    LineState.SUSPENDED: Resolution.SUSPENDED,
    LineState.WRITTEN_OFF: Resolution.WRITTEN_OFF,
}
_LINE = (
    StatementLine.id, StatementLine.statement_id, StatementLine.account, StatementLine.booked_on,
    StatementLine.currency, StatementLine.amount_minor, StatementLine.description, StatementLine.counterparty,
    StatementLine.reference, StatementLine.bank_reference, StatementLine.line,
)  # fmt: skip
_OLDEST = paging.Key((OpenLine.booked_on, OpenLine.line_id), ("booked_on", "id"), descending=False)
_NEWEST = paging.Key((StandingMatch.created_at, StandingMatch.id), ("matched_at", "match_id"))


@dataclass(frozen=True, slots=True)
class LineFilter:
    """What the desk is narrowed to; empty and None mean "any". `age` is a span of `rules.AGES`, counted to `today`."""

    state: LineState
    today: date
    account: str = ""
    age: str = ""
    incoming: bool | None = None
    search: str = ""
    since: date | None = None
    until: date | None = None


def _narrowed(query: paging.AnySelect, chosen: LineFilter) -> paging.AnySelect:
    if chosen.account:
        query = query.where(StatementLine.account == chosen.account)
    if chosen.age:
        first, last = rules.age_span(chosen.age, chosen.today)
        query = query.where(StatementLine.booked_on >= first) if first else query
        query = query.where(StatementLine.booked_on <= last) if last else query
    if chosen.since:
        query = query.where(StatementLine.booked_on >= chosen.since)
    if chosen.until:
        query = query.where(StatementLine.booked_on <= chosen.until)
    if chosen.incoming is not None:
        sign = StatementLine.amount_minor > 0 if chosen.incoming else StatementLine.amount_minor < 0
        query = query.where(sign)
    if chosen.search.strip():
        words = chosen.search.strip()
        texts = (StatementLine.description, StatementLine.counterparty, StatementLine.reference)
        found = [column.icontains(words, autoescape=True) for column in texts]
        query = query.where(or_(*found, StatementLine.tokens.contains([rules.plain(words)])))
    return query


def _open(chosen: LineFilter) -> paging.AnySelect:
    proposed = chosen.state is LineState.PROPOSED
    query: paging.AnySelect = (
        select(
            *_LINE, literal(chosen.state.value).label("state"), literal("").label("how"),
            func.coalesce(WriteOff.reason, "").label("note"), WriteOff.proposed_by.label("made_by"),
            WriteOff.proposed_by_account_id.label("made_by_account_id"), WriteOff.created_at.label("matched_at"),
            OpenLine.write_off_id, null().label("match_id"),
        )
        .select_from(OpenLine)
        .join(StatementLine, StatementLine.id == OpenLine.line_id)
        .outerjoin(WriteOff, WriteOff.id == OpenLine.write_off_id)
    )  # fmt: skip
    mine = OpenLine.write_off_id.is_not(None) if proposed else OpenLine.write_off_id.is_(None)
    return _narrowed(query.where(mine), chosen)


def _settled(chosen: LineFilter) -> paging.AnySelect:
    query: paging.AnySelect = (
        select(
            *_LINE, literal(chosen.state.value).label("state"), StandingMatch.how, StandingMatch.note,
            StandingMatch.made_by, StandingMatch.made_by_account_id, StandingMatch.created_at.label("matched_at"),
            null().label("write_off_id"), StandingMatch.id.label("match_id"),
        )
        .select_from(StandingMatch)
        .join(StatementLine, StatementLine.id == StandingMatch.line_id)
        .where(StandingMatch.resolution == _RESOLVED[chosen.state])
    )  # fmt: skip
    return _narrowed(query, chosen)


def lines(
    session: Session, chosen: LineFilter, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Lines in one state: open ones oldest first, explained ones newest first; with how, note, made_by, matched_at,
    write_off_id and match_id as far as they have them."""
    if chosen.state in _RESOLVED:
        return paging.fetch(session, _settled(chosen), _NEWEST, cursor, limit)
    return paging.fetch(session, _open(chosen), _OLDEST, cursor, limit)


def all_lines(session: Session, chosen: LineFilter) -> Iterator[Any]:
    """The same, all of them, page by page."""
    cursor: str | None = None
    while True:
        found = lines(session, chosen, cursor, paging.MAX_LIMIT)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return


def counts(session: Session) -> dict[LineState, int]:
    """How many wait, and how many write-offs are to be decided; capped."""
    query: paging.AnySelect = select(OpenLine.line_id)
    return {
        LineState.OPEN: paging.capped_count(session, query.where(OpenLine.write_off_id.is_(None))),
        LineState.PROPOSED: paging.capped_count(session, query.where(OpenLine.write_off_id.is_not(None))),
    }


@dataclass(frozen=True, slots=True)
class Age:
    """Open lines of one currency in one span of days: how many, what came in and what left (both above zero)."""

    lines: int
    came: Money
    left: Money


def ageing(session: Session, today: date, account: str = "") -> dict[str, dict[str, Age]]:
    """Currency → span of `rules.AGES` → its open lines. One statement; proposed write-offs are open too."""
    days = literal(today) - OpenLine.booked_on
    query: paging.AnySelect = select(
        OpenLine.currency, func.least(days, 31).label("days"), func.count().label("n"),
        func.coalesce(func.sum(OpenLine.amount_minor).filter(OpenLine.amount_minor > 0), 0).label("came"),
        func.coalesce(func.sum(-OpenLine.amount_minor).filter(OpenLine.amount_minor < 0), 0).label("left"),
    ).group_by(OpenLine.currency, "days")  # fmt: skip
    if account:
        query = query.where(OpenLine.account == account)
    sums: dict[str, dict[str, list[int]]] = {}
    for row in session.execute(query):
        label = next(name for most, name in rules.AGES if most is None or int(row.days) <= most)
        one = sums.setdefault(row.currency, {}).setdefault(label, [0, 0, 0])
        for index, value in enumerate((row.n, row.came, row.left)):
            one[index] += int(value)
    return {
        code: {label: Age(n, Money(came, code), Money(left, code)) for label, (n, came, left) in spans.items()}
        for code, spans in sorted(sums.items())
    }


@dataclass(frozen=True, slots=True)
class Explained:
    """A part of a line and what it is about; `label`, `who` and `page_id` as `targets.names` has them."""

    kind: TargetKind
    amount: Money
    target_id: UUID | None
    label: str = ""
    who: str = ""
    page_id: UUID | None = None


def parts(session: Session, matches: dict[UUID, str]) -> dict[UUID, list[Explained]]:
    """Match → its parts in order. `matches`: match → currency."""
    rows = session.execute(
        select(MatchPart.match_id, MatchPart.kind, MatchPart.target_id, MatchPart.amount_minor)
        .where(MatchPart.match_id.in_(matches))
        .order_by(MatchPart.match_id, MatchPart.position)
    ).all()
    named = targets.names(session, [(row.kind, row.target_id) for row in rows if row.target_id])
    found: dict[UUID, list[Explained]] = {}
    for row in rows:
        part = Explained(row.kind, Money(row.amount_minor, matches[row.match_id]), row.target_id)
        about = named.get((row.kind, row.target_id))
        if about is not None:
            part = replace(part, label=about.label, who=about.who, page_id=about.page_id)
        found.setdefault(row.match_id, []).append(part)
    return found


def history(session: Session, line_id: UUID) -> Sequence[Any]:
    """Everything that was said of a line, oldest first: id, resolution, how, note, made_by, created_at, undoes_id."""
    return session.execute(
        select(
            StatementMatch.id, StatementMatch.resolution, StatementMatch.how, StatementMatch.note,
            StatementMatch.made_by, StatementMatch.created_at, StatementMatch.undoes_id,
        )
        .where(StatementMatch.line_id == line_id)
        .order_by(StatementMatch.id)
    ).all()  # fmt: skip


def state_of(session: Session, line_id: UUID) -> tuple[LineState, WriteOff | None]:
    """Where a line is now, with the write-off that waits for a second person."""
    queued = session.execute(select(OpenLine.write_off_id).where(OpenLine.line_id == line_id)).first()
    if queued is not None:
        waits = session.get(WriteOff, queued.write_off_id) if queued.write_off_id else None
        return (LineState.PROPOSED if waits else LineState.OPEN), waits
    query: paging.AnySelect = select(StandingMatch.resolution).where(StandingMatch.line_id == line_id)
    return LineState(session.execute(query).scalar_one()), None
