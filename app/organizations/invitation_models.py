"""People asked to join an organization, one by one or from a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord
from app.db.types import choice
from app.organizations.states import InvitationStatus, InviteeOutcome, MemberImportStatus, Role


class MemberInvitation(OrganizationRecord):
    """One address asked to join with a role. The link's token is in the mail only; here is its hash.

    An address has at most one open invitation of an organization: sending again gives it a new token and time, so
    that the link of before is dead.
    """

    __tablename__ = "member_invitations"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("char_length(department) BETWEEN 1 AND 60", name="department"),
        Index(
            "uq_member_invitations_open",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index("ix_member_invitations_newest", "organization_id", "created_at", "id"),
    )

    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(choice(Role))
    department: Mapped[str | None]
    status: Mapped[InvitationStatus] = mapped_column(choice(InvitationStatus), default=InvitationStatus.PENDING)
    token_sha256: Mapped[str]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime]
    invited_by: Mapped[str]
    invited_by_account_id: Mapped[UUID | None]
    answered_at: Mapped[datetime | None]
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))


class MemberImport(OrganizationRecord):
    """One file of people to invite. Its rows are kept as they were read; the job works through those that wait."""

    __tablename__ = "member_imports"
    __table_args__ = (Index("ix_member_imports_newest", "organization_id", "created_at", "id"),)

    file_name: Mapped[str]
    file_sha256: Mapped[str]
    status: Mapped[MemberImportStatus] = mapped_column(choice(MemberImportStatus), default=MemberImportStatus.UPLOADED)
    summary: Mapped[dict[str, Any] | None]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]


class MemberImportRow(OrganizationRecord):
    """One line of such a file with what became of it. Of a refused one, role and department are as in the file."""

    __tablename__ = "member_import_rows"
    __table_args__ = (
        UniqueConstraint("import_id", "line"),
        Index("ix_member_import_rows_waiting", "import_id", "line", postgresql_where=text("outcome = 'waiting'")),
    )

    import_id: Mapped[UUID] = mapped_column(ForeignKey("member_imports.id", ondelete="CASCADE"))
    line: Mapped[int]
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    department: Mapped[str | None]
    outcome: Mapped[InviteeOutcome] = mapped_column(choice(InviteeOutcome), default=InviteeOutcome.WAITING)
    reason: Mapped[str | None]
