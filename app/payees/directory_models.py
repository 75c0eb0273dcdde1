"""What an organization keeps about its payees for itself, and files of payees. The payee sees none of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord, engagement_key
from app.db.types import choice
from app.payees.states import PayeeImportStatus, PayeeKind, RowOutcome


class EngagementTag(OrganizationRecord):
    """One word an organization sorts a payee by."""

    __tablename__ = "engagement_tags"
    __table_args__ = (
        UniqueConstraint("organization_id", "payee_id", "tag"),
        Index("ix_engagement_tags_tag", "organization_id", "tag", "payee_id"),
        CheckConstraint("tag = lower(tag) AND tag = btrim(tag) AND tag <> ''", name="plain"),
    )

    payee_id: Mapped[UUID] = mapped_column(sort_order=-8)
    tag: Mapped[str]

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        engagement_key(table)


class EngagementNote(OrganizationRecord):
    """A remark of one member about a payee, for the organization only. It is never changed."""

    __tablename__ = "engagement_notes"
    __append_only__ = True
    __table_args__ = (Index("ix_engagement_notes_newest", "organization_id", "payee_id", "created_at", "id"),)

    payee_id: Mapped[UUID] = mapped_column(sort_order=-8)
    author: Mapped[str]
    author_account_id: Mapped[UUID | None]
    text: Mapped[str]

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        engagement_key(table)


class PayeeImport(OrganizationRecord):
    """One file of payees. `mapping` and `options` are what the person chose, `summary` what came of it.

    Once confirmed, each row that can be taken is a `PayeeImportRow`: the job works through those that wait.
    """

    __tablename__ = "payee_imports"
    __table_args__ = (Index("ix_payee_imports_newest", "organization_id", "created_at", "id"),)

    kind: Mapped[PayeeKind] = mapped_column(choice(PayeeKind))
    invites: Mapped[bool]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    status: Mapped[PayeeImportStatus] = mapped_column(choice(PayeeImportStatus), default=PayeeImportStatus.UPLOADED)
    summary: Mapped[dict[str, Any] | None]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]


class PayeeImportRow(OrganizationRecord):
    """One row of a confirmed file with what became of it; `line` is where it starts in the file."""

    __tablename__ = "payee_import_rows"
    __table_args__ = (
        UniqueConstraint("import_id", "line"),
        Index("ix_payee_import_rows_waiting", "import_id", "line", postgresql_where=text("outcome = 'waiting'")),
    )

    import_id: Mapped[UUID] = mapped_column(ForeignKey("payee_imports.id"))
    line: Mapped[int]
    email: Mapped[str | None]
    name: Mapped[str]
    reference: Mapped[str | None]
    currency: Mapped[str]
    terms_days: Mapped[int]
    commission_bps: Mapped[int]
    tags: Mapped[list[Any]]
    outcome: Mapped[RowOutcome] = mapped_column(choice(RowOutcome), default=RowOutcome.WAITING)
    reason: Mapped[str | None]
    payee_id: Mapped[UUID | None]
