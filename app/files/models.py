"""Stored files: the bytes live in the object store, this row says whose they are."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Identified, Visibility
from app.db.types import choice


class FilePurpose(StrEnum):
    ATTACHMENT = "attachment"
    AVATAR = "avatar"
    BILLS = "bills"
    METHODS = "methods"
    ORDERS = "orders"
    PAYEES = "payees"
    RETURNS = "returns"


# Not in anybody's list of files: pictures of people, imported tables, sealed bank details, answers of banks.
SHOWN = frozenset(FilePurpose) - {
    FilePurpose.AVATAR,
    FilePurpose.BILLS,
    FilePurpose.METHODS,
    FilePurpose.ORDERS,
    FilePurpose.PAYEES,
    FilePurpose.RETURNS,
}


class StoredFile(Identified):
    """`payee_id` is None for files of the organization alone."""

    __tablename__ = "stored_files"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        CheckConstraint("size_bytes >= 0", name="size"),
        Index("ix_stored_files_subject", "subject_id"),
        Index("ix_stored_files_newest", "organization_id", "created_at", "id"),
        Index("ix_stored_files_payee", "payee_id", "created_at", "id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    payee_id: Mapped[UUID | None]
    purpose: Mapped[FilePurpose] = mapped_column(choice(FilePurpose))
    subject_id: Mapped[UUID | None]
    name: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    content_sha256: Mapped[str]
    storage_key: Mapped[str]
    uploaded_by: Mapped[str]
