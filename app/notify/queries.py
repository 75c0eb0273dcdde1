"""Reads of mail: for the sandbox's mailbox, and for the job that sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import paging
from app.notify import service
from app.notify.models import Mail, MailStatus


@dataclass(frozen=True, slots=True)
class Message:
    """One mail with everything its template needs, secrets opened."""

    id: UUID
    to_address: str
    subject: str
    template: str
    context: dict[str, Any]
    attachment: dict[str, Any] | None
    organization_id: UUID | None
    status: MailStatus
    created_at: datetime
    sent_at: datetime | None
    error: str | None


def mailbox(
    session: Session, to: str = "", cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, to_address, subject, status, created_at; newest first. `to`: of one address. Needs a platform scope."""
    query = select(Mail.id, Mail.to_address, Mail.subject, Mail.status, Mail.attachment, Mail.created_at)
    if to:
        query = query.where(Mail.to_address == to.strip().lower())
    key = paging.Key((Mail.created_at, Mail.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def message(session: Session, mail_id: UUID) -> Message:
    """Needs a platform scope. Raises NotFound."""
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("There is no such message.")
    return Message(
        mail.id, mail.to_address, mail.subject, mail.template, service.full_context(mail), mail.attachment,
        mail.organization_id, mail.status, mail.created_at, mail.sent_at, mail.error,
    )  # fmt: skip
