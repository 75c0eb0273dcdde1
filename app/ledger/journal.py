"""The journal of a span of time, line by line, for bookkeepers: read as it is taken, in the order it was written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.paging import AnyRow

SLACK = timedelta(days=1)
# Ids grow with time: they are the index over time. What began before the span may have got its number within it.
IN_SPAN = "e.id >= :from_id AND e.id < :to_id AND e.created_at >= :since AND e.created_at < :until"
# One line of text for a month: how many entries, and by currency what was debited. `month` is SQL for its first day.
MONTH_NUMBERS = """SELECT coalesce(sum(s.entries), 0) || ' entries'
        || coalesce(string_agg(', ' || s.currency || ' ' || s.debited, '' ORDER BY s.currency), '') AS books
    FROM (SELECT l.currency, sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0) AS debited,
            count(DISTINCT e.id) AS entries
        FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.created_at >= CAST({month} AS timestamp) AT TIME ZONE 'UTC'
            AND e.created_at < (CAST({month} AS timestamp) + interval '1 month') AT TIME ZONE 'UTC'
        GROUP BY l.currency) s"""
_LINES = text(
    f"""SELECT e.id AS entry_id, e.created_at, e.kind, e.ref, e.memo, l.account, l.rail, l.currency, l.amount_minor,
        o.name AS organization, p.name AS payee
    FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
    JOIN organizations o ON o.id = e.organization_id LEFT JOIN payees p ON p.id = l.payee_id
    WHERE {IN_SPAN} ORDER BY e.id, l.amount_minor DESC, l.id"""
)


def asked(since: datetime, until: datetime) -> dict[str, object]:
    """The parameters of `IN_SPAN`."""
    return {"since": since, "until": until, "from_id": _first_id(since - SLACK), "to_id": _first_id(until + SLACK)}


def _first_id(moment: datetime) -> UUID:
    """No UUID of version 7 of that millisecond or later is smaller."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def lines(session: Session, since: datetime, until: datetime) -> Iterator[AnyRow]:
    """entry_id, created_at, kind, ref, memo, account, rail, currency, amount_minor (debit positive), organization and
    payee (names; None where the account has none). Needs a platform scope."""
    yield from session.execute(_LINES, asked(since, until), execution_options={"yield_per": 2000})
