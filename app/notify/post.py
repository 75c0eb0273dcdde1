"""The mail queue as the platform's people look through it: to whom, which mail, what came of it. Not what it says."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox, paging
from app.db.types import begins_with, new_id
from app.identity.models import Account
from app.identity.states import Portal
from app.notify import choices
from app.notify.models import Mail, MailStatus
from app.notify.service import SEALED

QUOTING = frozenset({"messages_unread"})
_COLUMNS = (
    Mail.id, Mail.to_address, Mail.subject, Mail.template, Mail.status, Mail.tries, Mail.error, Mail.organization_id,
    Mail.created_at, Mail.sent_at, Mail.repeats_id, Mail.context.has_key(SEALED).label("sealed"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailFilter:
    """None and empty mean "any". `to` is how an address begins; `portal`: to those who sign in there."""

    status: MailStatus | None = None
    template: str = ""
    to: str = ""
    organization_id: UUID | None = None
    portal: Portal | None = None


def mails(
    session: Session, chosen: MailFilter, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, to_address, subject, template, status, tries, error, organization_id, created_at, sent_at, repeats_id,
    sealed; newest first. Needs a platform scope.
    """
    query: paging.AnySelect = select(*_COLUMNS)
    if chosen.status is not None:
        query = query.where(Mail.status == chosen.status)
    if chosen.template:
        query = query.where(Mail.template == chosen.template)
    if begins := chosen.to.strip().lower():
        query = query.where(begins_with(Mail.to_address, begins))
    if chosen.organization_id is not None:
        query = query.where(Mail.organization_id == chosen.organization_id)
    if chosen.portal is not None:
        query = query.where(Mail.to_address.in_(select(Account.email).where(Account.portal == chosen.portal)))
    return paging.fetch(session, query, paging.Key((Mail.created_at, Mail.id), ("created_at", "id")), cursor, limit)


def counts(session: Session, portal: Portal | None = None) -> dict[MailStatus, int]:
    """How many mails wait and how many failed, counted up to the cap; sent ones are not counted."""
    waiting = select(Mail.id)
    if portal is not None:
        waiting = waiting.where(Mail.to_address.in_(select(Account.email).where(Account.portal == portal)))
    return {
        status: paging.capped_count(session, waiting.where(Mail.status == status))
        for status in (MailStatus.QUEUED, MailStatus.FAILED)
    }


def mail(session: Session, mail_id: UUID) -> paging.AnyRow:
    """One line of the queue. Raises NotFound."""
    found = session.execute(select(*_COLUMNS).where(Mail.id == mail_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such mail.")
    return found


def subject_shown(row: paging.AnyRow) -> str:
    """The line that tells one mail from another; "" where it quotes what people wrote to each other."""
    return "" if row.template in QUOTING else row.subject


def why_not(row: paging.AnyRow, template: str) -> str:
    """Why a mail cannot be sent once more; "" when it can."""
    if row.status is MailStatus.QUEUED:
        return "It waits to be sent already."
    if row.sealed or template in choices.PERSONAL:
        return "It carries a personal link or code, which is used up or has expired: let them ask for a new one."
    return ""


def resend(session: Session, actor: Actor, mail_id: UUID) -> UUID:
    """Send a sent or failed mail once more, as a new one that names the old. Needs a platform scope.

    Raises Forbidden, NotFound, Conflict for one that waits, carries a personal link, was repeated within the last
    minute, or that its reader switched off.
    """
    actor.require(Permission.PLATFORM)
    row = session.get(Mail, mail_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such mail.")
    if refused := why_not(mail(session, mail_id), row.template):
        raise Conflict(refused)
    if choices.is_off(session, row.to_address, row.template):
        raise Conflict("Its reader wants no mails of this kind.")
    lately = session.scalar(
        select(func.max(Mail.created_at)).where(Mail.repeats_id == mail_id, Mail.to_address == row.to_address)
    )
    if lately is not None and (utc_now() - lately).total_seconds() < 60:
        raise Conflict("It was sent once more a moment ago.")
    made = new_id()
    session.execute(
        insert(Mail).values(
            id=made,
            created_at=utc_now(),
            to_address=row.to_address,
            subject=row.subject,
            template=row.template,
            context=row.context,
            attachment=row.attachment,
            organization_id=row.organization_id,
            status=MailStatus.QUEUED,
            repeats_id=mail_id,
        )
    )
    if row.attachment:
        outbox.emit(session, Topic.MAIL_WITH_DOCUMENT_QUEUED, mail_id=made)
    else:
        outbox.emit(session, Topic.MAIL_QUEUED, mail_id=made)
    audit.record(
        session, actor, "mail.resent", "mail", mail_id, organization_id=row.organization_id,
        template=row.template, as_mail=made,
    )  # fmt: skip
    return made
