"""Many rows in one short statement. A VALUES list is compiled anew for every length and row; this is compiled once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause


@cache
def _statement(table: Table, names: tuple[str, ...]) -> TextClause:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = ", ".join(names)
    typed = ", ".join(f"{name} {table.c[name].type.compile(dialect=dialect)}" for name in names)
    return text(
        f"INSERT INTO {table.name} ({columns})"
        f" SELECT {columns} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x ({typed})"
    )


def add(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which name the same columns each; UUIDs and moments become text, what is not named its default.

    No RETURNING: a scope may add rows that it may not read.
    """
    if rows:
        content = json.dumps([dict(row) for row in rows], default=str)
        session.execute(_statement(table, tuple(rows[0])), {"rows": content})
