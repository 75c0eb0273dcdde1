"""The unit of work: one database transaction under one Scope. Only the web edge and the job runtime open one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session, SessionTransaction

from app.core import guards
from app.core.scope import Scope
from app.core.settings import settings

_STATE_SCOPE = text(
    "SELECT set_config('role', :role, true), set_config('app.organization', :organization, true),"
    " set_config('app.payee', :payee, true), set_config('app.client', :client, true)"
)


@cache
def engine_for(url: str) -> Engine:
    """One pool per URL and process. Prepared statements are off: they break behind a pooler in transaction mode."""
    return create_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        insertmanyvalues_page_size=1000,
        hide_parameters=True,  # an error's text may reach the log; names and amounts may not
        connect_args={"prepare_threshold": None, "application_name": "quittance"},
    )


def engine() -> Engine:
    return engine_for(settings().database_url)


class ScopedSession(Session):
    """A session that states database role and scope at the start of every transaction, even when unchanged."""

    def __init__(self, scope: Scope, **kwargs: Any) -> None:
        super().__init__(engine(), expire_on_commit=False, autoflush=True, **kwargs)
        self.scope = scope

    def narrow(self, scope: Scope) -> None:
        """Go on in the same transaction under another scope (e.g. once the signed-in account is known)."""
        self.scope = scope
        if self.in_transaction():
            state_scope(self.connection(), scope)

    @contextmanager
    def elevated(self, reason: str) -> Iterator[None]:
        """Act as the platform within the same transaction, after the permission check; the reason is for the reader."""
        before = self.scope
        self.flush()
        self.narrow(Scope.platform(reason))
        try:
            yield
            self.flush()
        finally:
            self.scope = before  # what the next transaction begins with, also when this one is lost
            if self.is_active and not self._aborted():
                self.narrow(before)

    def _aborted(self) -> bool:
        """PostgreSQL refuses every further statement of this transaction; asking would hide the first error."""
        driver = self.connection().connection.driver_connection
        return driver is not None and driver.info.transaction_status is TransactionStatus.INERROR


def state_scope(connection: Connection, scope: Scope) -> None:
    connection.execute(
        _STATE_SCOPE,
        {
            "role": scope.role,
            "organization": str(scope.organization_id or ""),
            "payee": str(scope.payee_id or ""),
            "client": str(scope.client_account_id or ""),
        },
    )


@event.listens_for(ScopedSession, "after_begin")
def _after_begin(session: ScopedSession, _transaction: SessionTransaction, connection: Connection) -> None:
    state_scope(connection, session.scope)


@contextmanager
def unit_of_work(scope: Scope) -> Iterator[ScopedSession]:
    """Commit at the end of the block, roll everything back on any exception."""
    with guards.transaction(), ScopedSession(scope) as session, session.begin():
        yield session
