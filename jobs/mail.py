"""Sending queued mail, once each as far as anybody can: the message id stays the same, so a repeat is recognised."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Scope
from app.core.settings import settings
from app.db.outbox import MAX_TRIES
from app.db.session import unit_of_work
from app.notify import choices, queries, rendering, service, smtp
from app.notify.models import MailStatus
from app.notify.smtp import MailRejected, MailUnavailable
from jobs import documents


def send(mail_id: str) -> None:
    """Raises MailUnavailable to be tried again; a final refusal is noted with the mail."""
    given = settings()
    with unit_of_work(Scope.platform("read a mail")) as session:
        mail = queries.message(session, UUID(mail_id))
    if mail.status is not MailStatus.QUEUED:
        return
    refusal = ""
    if given.smtp_url:
        body = rendering.render(mail.template, mail.context)
        attachments = [documents.make(mail.attachment)] if mail.attachment else []
        try:
            message = smtp.build(
                sender=given.mail_from,
                to=mail.to_address,
                subject=mail.subject,
                body=body,
                message_id=str(mail.id),
                at=mail.created_at,
                attachments=attachments,
                one_click_url=choices.one_click_url(mail.context["unsubscribe_url"]),
            )
            smtp.send(given.smtp_url, message)
        except MailRejected as error:
            refusal = str(error)
        except MailUnavailable as error:
            if _count(mail.id, str(error)) < MAX_TRIES:
                raise
            refusal = f"Given up after {MAX_TRIES} tries. {error}"
        else:
            _count(mail.id)
    elif not given.sandbox:
        raise MailUnavailable("SMTP_URL is not set")
    with unit_of_work(Scope.platform("note that a mail was sent")) as session:
        service.settle(session, mail.id, refusal=refusal, keep_secrets=given.sandbox)


def _count(mail_id: UUID, error: str = "") -> int:
    with unit_of_work(Scope.platform("count a try at a mail")) as session:
        return service.note_try(session, mail_id, error)
