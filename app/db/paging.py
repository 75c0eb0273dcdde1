"""Keyset paging: no OFFSET, no total. A cursor holds the sort values of the row it starts after."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, SQLColumnExpression, func, literal, select, tuple_
from sqlalchemy.orm import Session

from app.core.errors import Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
CAP = 1_000

# Rows and queries of any columns: in list queries the columns are named where they are selected.
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in display order and the cursors of the neighbouring pages (None at the ends)."""

    items: Sequence[Any]
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """Sort columns of one direction, most significant first, the last one unique. `names` are the row's attributes."""

    columns: tuple[SQLColumnExpression[Any], ...]
    names: tuple[str, ...]
    descending: bool = True


def encode(direction: str, values: Sequence[Any]) -> str:
    plain = [v.isoformat() if isinstance(v, (date, datetime)) else str(v) if isinstance(v, UUID) else v for v in values]
    return base64.urlsafe_b64encode(json.dumps([direction, *plain]).encode()).decode().rstrip("=")


def decode(cursor: str, width: int) -> tuple[str, list[Any]]:
    """Raises Invalid for anything `encode` did not make."""
    try:
        raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        direction, *values = raw
        if direction not in ("n", "p") or len(values) != width:
            raise ValueError
        return direction, values
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This page link is not valid any more. Start from the first page.") from None


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type
    try:
        if kind is datetime:
            return datetime.fromisoformat(value)
        if kind is date:
            return date.fromisoformat(value)
        return kind(value)
    except (ValueError, TypeError, AttributeError):
        raise Invalid("This page link is not valid any more. Start from the first page.") from None


def fetch(
    session: Session,
    query: AnySelect,
    key: Key,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    *,
    skip: int = 0,
) -> Page:
    """Run `query` (without ORDER BY) for one page. Raises Invalid for a broken cursor.

    `skip` leaves rows out before a first page: for callers that count, who bound it. It reads what it leaves out.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    backwards = False
    if cursor:
        direction, values = decode(cursor, len(key.columns))
        backwards = direction == "p"
        columns: tuple[Any, ...] = key.columns
        mark = tuple_(*[literal(_typed(c, v), c.type) for c, v in zip(columns, values, strict=True)])
        here = tuple_(*key.columns)
        query = query.where(here < mark if key.descending != backwards else here > mark)
    order = [c.desc() if key.descending != backwards else c.asc() for c in key.columns]
    query = query.offset(skip) if skip else query
    rows = list(session.execute(query.order_by(*order).limit(limit + 1)).all())
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()

    def edge(direction: str, row: Any) -> str:
        return encode(direction, [getattr(row, name) for name in key.names])

    has_next = more if not backwards else bool(rows)
    has_previous = (more if backwards else bool(cursor)) and bool(rows)
    return Page(
        rows,
        next_cursor=edge("n", rows[-1]) if rows and has_next else None,
        previous_cursor=edge("p", rows[0]) if has_previous else None,
    )


def capped_count(session: Session, query: AnySelect, cap: int = CAP) -> int:
    """Rows of `query`, counted no further than cap + 1: show "1,000+" beyond."""
    return int(session.execute(select(func.count()).select_from(query.limit(cap + 1).subquery())).scalar_one())
