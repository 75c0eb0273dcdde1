"""Statements become lines, and lines that explain themselves are matched."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files import service as files
from app.files.storage import storage
from app.reconciliation import matching, statements
from app.reconciliation.states import StatementStatus

_PLATFORM = Scope.platform("reconciliation")


def import_statement(statement_id: str) -> None:
    """A confirmed file, some lines a transaction: killed between two, it goes on where it was."""
    chosen = UUID(statement_id)
    with unit_of_work(_PLATFORM) as session:
        record = statements.find(session, chosen)
        if record.status is not StatementStatus.RUNNING or record.file_id is None:
            return
        key = files.find(session, record.file_id).storage_key
    try:
        bookings = statements.read(record, storage().get(key))
        keys, more = bookings.keys(), True
        while more:
            with unit_of_work(_PLATFORM) as session:
                record = statements.find(session, chosen, lock=True)
                if record.status is not StatementStatus.RUNNING:
                    return
                more = statements.take(session, record, bookings, keys)
        with unit_of_work(_PLATFORM) as session:
            record = statements.find(session, chosen, lock=True)
            if record.status is StatementStatus.RUNNING:
                matched = matching.run(session, statements.actor_of(record)).total()
                statements.finish(session, record, matched)
    except Refusal as refusal:
        with unit_of_work(_PLATFORM) as session:
            statements.fail(session, statements.find(session, chosen, lock=True), refusal.message)
