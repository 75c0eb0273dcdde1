"""Rows that say whose a stored file is. The bytes are in the store before the row is written (`portals.web.uploads`).

Bytes without a row are harmless: nobody can ask for them, and `storage_key` belongs to one row only.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Forbidden, NotFound
from app.core.scope import Actor
from app.files.models import FilePurpose, StoredFile
from app.files.sniffing import Inspected


def add(
    session: Session,
    actor: Actor,
    inspected: Inspected,
    storage_key: str,
    *,
    organization_id: UUID,
    purpose: FilePurpose,
    payee_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> StoredFile:
    """Note a file whose bytes lie under `storage_key`. Raises Forbidden for another payee's or organization's."""
    actor.require_organization(organization_id)
    if actor.payee_id is not None and actor.payee_id != payee_id:
        raise Forbidden("This belongs to another payee.")
    row = StoredFile(
        organization_id=organization_id,
        payee_id=payee_id,
        purpose=purpose,
        subject_id=subject_id,
        name=inspected.name,
        content_type=inspected.content_type,
        size_bytes=inspected.size_bytes,
        content_sha256=inspected.sha256,
        storage_key=storage_key,
        uploaded_by=actor.label,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "file.added", "file", row.id, organization_id=organization_id,
        purpose=purpose.value, belongs_to=subject_id, size_bytes=row.size_bytes, sha256=row.content_sha256,
    )  # fmt: skip
    return row


def find(session: Session, file_id: UUID) -> StoredFile:
    """Raises NotFound outside the scope."""
    found = session.scalar(select(StoredFile).where(StoredFile.id == file_id))
    if found is None:
        raise NotFound("There is no such file.")
    return found


def remove(session: Session, actor: Actor, file_id: UUID) -> StoredFile:
    """Take a file off its subject; the caller has checked that the subject may still be changed. Raises NotFound."""
    row = find(session, file_id)
    if actor.payee_id is not None and actor.payee_id != row.payee_id:
        raise NotFound("There is no such file.")
    session.execute(delete(StoredFile).where(StoredFile.id == file_id))
    audit.record(
        session, actor, "file.removed", "file", file_id, organization_id=row.organization_id, name=row.name,
        sha256=row.content_sha256,
    )  # fmt: skip
    return row
