"""Who did what (audit) and what happened to a thing (timeline). Both only grow."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Appended, Identified, Visibility
from app.db.types import choice


class AuditRecord(Identified):
    """One act of one person. `organization_id` is None for platform-wide acts; `detail` holds no secrets.

    No foreign key: what was done stays on record when a draft of an organization is removed.
    """

    __tablename__ = "audit_records"
    __anyone_adds__ = True
    __visibility__ = Visibility.ORGANIZATION
    __append_only__ = True
    __table_args__ = (
        Index("ix_audit_records_organization", "organization_id", "created_at", "id"),
        Index("ix_audit_records_newest", "created_at", "id"),
        Index("ix_audit_records_subject", "subject_id"),
        Index("ix_audit_records_actor", "account_id", "created_at"),
    )

    organization_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    actor: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    detail: Mapped[dict[str, Any]]


class Audience(StrEnum):
    """Who may read a line of the timeline."""

    EVERYONE = "everyone"
    STAFF = "staff"  # organization and platform
    PLATFORM = "platform"


class TimelineEvent(Appended):
    """One step in the life of a request, payout, batch or deposit; the same text for everyone who may see it."""

    __tablename__ = "timeline_events"
    __visibility__ = Visibility.PAYEE
    __append_only__ = True
    __table_args__ = (Index("ix_timeline_events_subject", "subject_id", "at", "id"),)

    organization_id: Mapped[UUID | None]  # known: checked once a statement
    payee_id: Mapped[UUID | None]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    note: Mapped[str | None]
    audience: Mapped[Audience] = mapped_column(choice(Audience), default=Audience.EVERYONE, server_default="everyone")
    evidence: Mapped[dict[str, Any] | None]
