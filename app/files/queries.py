"""Reads of files' rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.paging import AnyRow
from app.files.models import FilePurpose, StoredFile


def of_subject(session: Session, subject_id: UUID, purpose: FilePurpose = FilePurpose.ATTACHMENT) -> Sequence[AnyRow]:
    """id, name, content_type, size_bytes, uploaded_by, created_at of the files of one thing, oldest first."""
    return session.execute(
        select(
            StoredFile.id, StoredFile.name, StoredFile.content_type, StoredFile.size_bytes, StoredFile.uploaded_by,
            StoredFile.created_at,
        )
        .where(StoredFile.subject_id == subject_id, StoredFile.purpose == purpose)
        .order_by(StoredFile.created_at, StoredFile.id)
    ).all()  # fmt: skip


def of_subjects(session: Session, subject_ids: Sequence[UUID]) -> dict[UUID, list[AnyRow]]:
    """Attachments of several things at once: subject_id, id, name, content_type, size_bytes; oldest first."""
    found: dict[UUID, list[AnyRow]] = {}
    if not subject_ids:
        return found
    rows = session.execute(
        select(StoredFile.subject_id, StoredFile.id, StoredFile.name, StoredFile.content_type, StoredFile.size_bytes)
        .where(StoredFile.subject_id.in_(subject_ids), StoredFile.purpose == FilePurpose.ATTACHMENT)
        .order_by(StoredFile.created_at, StoredFile.id)
    ).all()
    for row in rows:
        found.setdefault(row.subject_id, []).append(row)
    return found
