"""The connection a run holds while it lasts: its lock, and what is noted about its row.

Each statement is a transaction of its own, and the role is set once for the connection, so a run costs four round trips
besides its work.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable

from app.core.settings import settings
from app.db.locks import lock_key
from app.db.rls import PLATFORM_ROLE

_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:key)")


@cache
def engine_for(url: str) -> Engine:
    """A small pool of its own: these connections act as the platform from their first statement to their last."""
    made = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=2,
        max_overflow=8,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "application_name": "quittance-run"},
    )

    @event.listens_for(made, "connect")
    def _as_platform(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET ROLE {PLATFORM_ROLE}")

    return made


def row_lock(row_id: UUID) -> int:
    """The advisory lock a running row holds."""
    return lock_key("outbox", row_id)


class Hold:
    """`with Hold(row_id) as hold:` — `hold.alone` says whether nobody else is at the row.

    The lock belongs to the connection, not to a transaction: it lasts as long as the run and dies with its process.
    """

    def __init__(self, row_id: UUID) -> None:
        self._key = {"key": row_lock(row_id)}
        self._connection: Connection | None = None
        self.alone = False

    def __enter__(self) -> Self:
        self.alone = bool(self._first(_TAKE, self._key).scalar_one())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._connection is not None
        if self.alone:
            try:
                self._connection.execute(_GIVE_BACK, self._key)
            except DBAPIError:  # the server went away meanwhile, and the lock with it
                self._connection.invalidate()
        self._connection.close()

    def note(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement. If the connection was lost during the run, a new one notes what became of it."""
        assert self._connection is not None
        try:
            return self._connection.execute(statement)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._connection.close()
            return self._first(statement)

    def _first(self, statement: Executable, values: dict[str, Any] | None = None) -> CursorResult[Any]:
        """The first statement of a connection; one that went stale in the pool is replaced."""
        for last in (False, True):
            self._connection = engine_for(settings().database_url).connect()
            try:
                return self._connection.execute(statement, values or {})
            except DBAPIError as error:
                self._connection.close()
                if last or not error.connection_invalidated:
                    raise
        raise AssertionError
