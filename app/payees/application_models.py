"""Applications: people who ask to be taken on as payees, before there is an account or a payee of theirs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord
from app.db.types import choice
from app.payees.states import ApplicationStatus, PayeeKind


class PayeeApplication(OrganizationRecord):
    """Somebody asks one organization (the house: no organization in particular) to work with it.

    It is nobody's business before the address is proved: unconfirmed ones are in no queue. `reviewed_reason` is what
    the applicant was written.
    """

    __tablename__ = "payee_applications"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("(status IN ('approved', 'declined')) = (reviewed_at IS NOT NULL)", name="reviewed"),
        CheckConstraint("(status = 'approved') = (payee_id IS NOT NULL)", name="payee"),
        Index("ix_payee_applications_queue", "organization_id", "status", "created_at", "id"),
        Index("ix_payee_applications_newest", "status", "created_at", "id"),
        Index("ix_payee_applications_address", "email", "created_at"),
    )

    kind: Mapped[PayeeKind] = mapped_column(choice(PayeeKind))
    status: Mapped[ApplicationStatus] = mapped_column(
        choice(ApplicationStatus), default=ApplicationStatus.UNCONFIRMED, server_default="unconfirmed"
    )
    name: Mapped[str]
    email: Mapped[str]
    work: Mapped[str]
    country: Mapped[str | None]
    links: Mapped[list[str]] = mapped_column(ARRAY(Text))
    message: Mapped[str] = mapped_column(default="", server_default="")
    token_sha256: Mapped[str | None]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    reviewed_reason: Mapped[str | None]
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("payees.id"))
