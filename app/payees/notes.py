"""Remarks about payees, for the organization only. They are added, never changed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db import paging
from app.payees.directory_models import EngagementNote
from app.payees.models import Engagement

LONGEST_NOTE = 4_000


def add(session: Session, actor: Actor, organization_id: UUID, payee_id: UUID, written: str) -> EngagementNote:
    """Raises Forbidden, NotFound, Invalid for an empty or too long note."""
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    engaged = session.scalar(
        select(Engagement.id).where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
    )
    if engaged is None:
        raise NotFound("There is no such payee.")
    written = written.replace("\r\n", "\n").strip()
    if not written:
        raise Invalid("Write the note first.", fields={"text": "Write the note first."})
    if len(written) > LONGEST_NOTE:
        raise Invalid("The note is too long.", fields={"text": f"At most {LONGEST_NOTE:,} letters."})
    made = EngagementNote(
        organization_id=organization_id,
        payee_id=payee_id,
        author=actor.label,
        author_account_id=actor.account_id,
        text=written,
    )
    session.add(made)
    session.flush()
    audit.record(session, actor, "payee.noted", "payee", payee_id, organization_id=organization_id)
    return made


def notes(
    session: Session, organization_id: UUID, payee_id: UUID, cursor: str | None = None, limit: int = 10
) -> paging.Page:
    """id, author, text, created_at; newest first."""
    query: paging.AnySelect = select(
        EngagementNote.id, EngagementNote.author, EngagementNote.text, EngagementNote.created_at
    ).where(EngagementNote.organization_id == organization_id, EngagementNote.payee_id == payee_id)
    key = paging.Key((EngagementNote.created_at, EngagementNote.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)
