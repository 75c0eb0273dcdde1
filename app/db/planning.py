"""Telling the planner what it cannot know: how many rows a statement is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

_MEMORY = text("SET LOCAL work_mem = '256MB'")
_JOIN_ROW_BY_ROW = text("SELECT set_config('enable_nestloop', :value, true)")


def room(session: Session) -> None:
    """Rows handed from one part of a statement to the next stay in memory, until the transaction ends."""
    session.execute(_MEMORY)


@contextmanager
def many_rows(session: Session) -> Iterator[None]:
    """Statements in the block join by hash. For statements that join what they have just written themselves:

    such rows are in no statistics, the planner takes them for one and would compare every pair of a hundred thousand.
    After an error the setting stays until the transaction ends, which changes speed only.
    """
    session.execute(_JOIN_ROW_BY_ROW, {"value": "off"})
    yield
    session.execute(_JOIN_ROW_BY_ROW, {"value": "on"})
