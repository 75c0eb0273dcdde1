"""Uploads of bills before and after their import: one with what is known of it, and giving one up."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict, NotFound
from app.core.scope import Actor, Permission
from app.files import service as files
from app.payables.importing import Supplier
from app.payables.models import BillImport
from app.payables.states import ImportStatus


def find(session: Session, organization_id: UUID, import_id: UUID) -> BillImport:
    """Raises NotFound."""
    found = session.scalar(
        select(BillImport).where(BillImport.id == import_id, BillImport.organization_id == organization_id)
    )
    if found is None:
        raise NotFound("There is no such import.")
    return found


_KNOWN = text(
    """SELECT count(DISTINCT lower(e.reference)) FROM unnest(CAST(:references AS text[])) AS u (reference)
    JOIN engagements e ON e.organization_id = :organization_id AND lower(e.reference) = lower(u.reference)"""
)


def known_suppliers(session: Session, organization_id: UUID, suppliers: Sequence[Supplier]) -> int:
    """How many suppliers of a file are payees already; the others would be added."""
    references = [supplier.reference or supplier.key for supplier in suppliers]
    found = session.execute(_KNOWN, {"organization_id": organization_id, "references": references})
    return int(found.scalar_one())


def discard(session: Session, actor: Actor, organization_id: UUID, import_id: UUID) -> None:
    """Give up an upload nothing was imported from. Raises Forbidden, NotFound, Conflict."""
    actor.require(Permission.BILLS_IMPORT)
    actor.require_organization(organization_id)
    record = session.scalar(
        select(BillImport)
        .where(BillImport.id == import_id, BillImport.organization_id == organization_id)
        .with_for_update()
    )
    if record is None:
        raise NotFound("There is no such import.")
    if record.status not in (ImportStatus.UPLOADED, ImportStatus.FAILED):
        raise Conflict("This file is being imported or is imported already.")
    session.execute(delete(BillImport).where(BillImport.id == import_id))
    if record.file_id is not None:
        files.remove(session, actor, record.file_id)
    audit.record(
        session, actor, "bills.upload_discarded", "bill_import", import_id, organization_id=organization_id,
        file=record.file_name,
    )  # fmt: skip
