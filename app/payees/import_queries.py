"""Reads of files of payees: the list, one of them, its rows."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import paging
from app.payees.directory_models import PayeeImport, PayeeImportRow
from app.payees.importing import Fault
from app.payees.states import RowOutcome


def find(session: Session, organization_id: UUID, import_id: UUID) -> PayeeImport:
    """Raises NotFound."""
    found = session.scalar(
        select(PayeeImport).where(PayeeImport.id == import_id, PayeeImport.organization_id == organization_id)
    )
    if found is None:
        raise NotFound("There is no such import.")
    return found


def imports(session: Session, organization_id: UUID, *, cursor: str | None = None, limit: int = 25) -> paging.Page:
    """id, kind, invites, file_name, status, summary, imported_by, created_at, finished_at; newest first."""
    query: paging.AnySelect = select(
        PayeeImport.id, PayeeImport.kind, PayeeImport.invites, PayeeImport.file_name, PayeeImport.status,
        PayeeImport.summary, PayeeImport.imported_by, PayeeImport.created_at, PayeeImport.finished_at,
    ).where(PayeeImport.organization_id == organization_id)  # fmt: skip
    key = paging.Key((PayeeImport.created_at, PayeeImport.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def rows(
    session: Session,
    import_id: UUID,
    *,
    outcome: RowOutcome | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """line, email, name, reference, outcome, reason, payee_id; in the order of the file."""
    query: paging.AnySelect = select(
        PayeeImportRow.id, PayeeImportRow.line, PayeeImportRow.email, PayeeImportRow.name, PayeeImportRow.reference,
        PayeeImportRow.outcome, PayeeImportRow.reason, PayeeImportRow.payee_id,
    ).where(PayeeImportRow.import_id == import_id)  # fmt: skip
    if outcome is not None:
        query = query.where(PayeeImportRow.outcome == outcome)
    key = paging.Key((PayeeImportRow.line, PayeeImportRow.id), ("line", "id"), descending=False)
    return paging.fetch(session, query, key, cursor, limit)


def refused(session: Session, import_id: UUID) -> list[Fault]:
    """Every row that was not added, with why, in the order of the file."""
    found = session.execute(
        select(PayeeImportRow.line, PayeeImportRow.reason)
        .where(PayeeImportRow.import_id == import_id, PayeeImportRow.outcome == RowOutcome.REFUSED)
        .order_by(PayeeImportRow.line)
    )
    return [Fault(row.line, "", row.reason or "") for row in found]
