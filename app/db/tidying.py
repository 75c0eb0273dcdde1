"""Removing rows that have served their time, a slice at a time so that no lock is held for long."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select

from app.db.base import PlatformRecord
from app.db.session import ScopedSession


def remove(session: ScopedSession, table: type[PlatformRecord], old: ColumnElement[bool], limit: int) -> int:
    """Delete at most `limit` rows of `table` that are `old`; returns how many."""
    chosen = select(table.id).where(old).limit(limit).with_for_update(skip_locked=True)
    with session.elevated("remove what has served its time"):
        gone: Any = session.execute(
            delete(table).where(table.id.in_(chosen)), execution_options={"synchronize_session": False}
        )
        return int(gone.rowcount)
