"""Mail as rows, sent by a job and shown in the mailbox of the demo; notices beside them; who wants what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PlatformRecord, Record
from app.db.types import choice
from app.identity.states import Portal


class MailStatus(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Mail(PlatformRecord):
    """One message to one address. `context` feeds the template; `attachment` says which document the job makes.

    `tries` counts what the mail server was asked; `repeats_id` names the mail this one sends once more.
    """

    __tablename__ = "mails"
    __anyone_adds__ = True
    __table_args__ = (
        Index("ix_mails_newest", "created_at", "id"),
        Index("ix_mails_to", "to_address", "created_at"),
        Index("ix_mails_status", "status", "created_at", "id"),
    )

    to_address: Mapped[str]
    subject: Mapped[str]
    template: Mapped[str]
    context: Mapped[dict[str, Any]]
    attachment: Mapped[dict[str, Any] | None]
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    organization_id: Mapped[UUID | None]
    status: Mapped[MailStatus] = mapped_column(choice(MailStatus), default=MailStatus.QUEUED)
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    repeats_id: Mapped[UUID | None]


class Notice(PlatformRecord):
    """A line in somebody's portal that says what a mail says. `path` is the page it leads to."""

    __tablename__ = "notices"
    __anyone_adds__ = True
    __table_args__ = (
        Index("ix_notices_newest", "address_index", "portal", "created_at", "id"),
        Index("ix_notices_unread", "address_index", "portal", postgresql_where=text("read_at IS NULL")),
        Index("ix_notices_old", "created_at"),
    )

    address_index: Mapped[str]
    portal: Mapped[Portal] = mapped_column(choice(Portal))
    event: Mapped[str]
    subject: Mapped[str]
    path: Mapped[str]
    organization_id: Mapped[UUID | None]
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    read_at: Mapped[datetime | None]


class Channel(StrEnum):
    """Where people are told: by mail, or in their portal."""

    EMAIL = "email"
    PORTAL = "portal"


class NoticeOff(Record):
    """An address that wants nothing of an event on a channel. A row means off; no row means on."""

    __tablename__ = "notices_off"
    __global_reason__ = "asked in every scope before a mail is written; holds a keyed hash of the address only"
    __table_args__ = (UniqueConstraint("address_index", "event", "channel"),)

    address_index: Mapped[str]
    event: Mapped[str]
    channel: Mapped[Channel] = mapped_column(choice(Channel), default=Channel.EMAIL, server_default="email")
