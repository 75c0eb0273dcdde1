"""Telling people: mail and notice are written with the change they tell of, a job sends the mail after commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.notify import choices, notices
from app.notify.models import Channel, Mail, MailStatus

SEALED = "sealed"
AT_ONCE = 500


def queue(
    session: Session,
    to: str,
    template: str,
    *,
    subject: str,
    context: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    attachment: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
    organization_id: UUID | None = None,
) -> bool:
    """Promise one mail; False when one with this `dedupe_key` was promised before, or the reader wants none.

    A notice in the reader's portal says the same, unless they want none there.

    `context` feeds `templates/mail/<template>` and is JSON; `secrets` too, but it is kept sealed (links that sign
    somebody in). `attachment` names a document the job makes, e.g. {"document": "remittance", "payout_id": "…"}.
    """
    unwanted = choices.unwanted(session, [(to, template)])
    session.flush()
    notice = notices.notice_of(to, template, subject, context or {}, dedupe_key, organization_id)
    if notice and (to, template, Channel.PORTAL) not in unwanted:
        notices.add_many(session, [notice])
    if (to, template, Channel.EMAIL) in unwanted:
        return False
    mail_id = new_id()
    kept = _kept(mail_id, context or {}, secrets)
    # No RETURNING and no conflict target: every scope may add a mail, only the platform may read one.
    made = session.execute(
        insert(Mail)
        .inline()
        .values(
            id=mail_id,
            created_at=utc_now(),
            to_address=to,
            subject=subject,
            template=template,
            context=kept,
            attachment={name: _plain(value) for name, value in attachment.items()} if attachment else None,
            dedupe_key=dedupe_key,
            organization_id=organization_id,
            status=MailStatus.QUEUED,
        )
        .on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    )
    if made.rowcount == 0:  # type: ignore[attr-defined]
        return False
    # A document takes long to make: a sign-in link must not wait behind a thousand remittance advices.
    if attachment:
        outbox.emit(session, Topic.MAIL_WITH_DOCUMENT_QUEUED, mail_id=mail_id)
    else:
        outbox.emit(session, Topic.MAIL_QUEUED, mail_id=mail_id)
    return True


@dataclass(frozen=True, slots=True)
class Letter:
    """One of many mails, as `queue` takes it."""

    to: str
    template: str
    subject: str
    context: Mapping[str, Any]
    attachment: Mapping[str, Any] | None = None
    dedupe_key: str | None = None
    organization_id: UUID | None = None
    secrets: Mapping[str, str] | None = field(default=None, repr=False)


def queue_many(session: ScopedSession, letters: Sequence[Letter]) -> int:
    """Promise many mails in a handful of statements for each `AT_ONCE` of them; how many were new and wanted."""
    count = 0
    for start in range(0, len(letters), AT_ONCE):
        count += _queue_part(session, letters[start : start + AT_ONCE])
    return count


def _queue_part(session: ScopedSession, letters: Sequence[Letter]) -> int:
    unwanted = choices.unwanted(session, {(letter.to, letter.template) for letter in letters})
    now = utc_now()
    rows = [
        {
            "id": mail_id,
            "created_at": now,
            "to_address": letter.to,
            "subject": letter.subject,
            "template": letter.template,
            "context": _kept(mail_id, letter.context, letter.secrets),
            "attachment": {name: _plain(value) for name, value in (letter.attachment or {}).items()} or None,
            "dedupe_key": letter.dedupe_key,
            "organization_id": letter.organization_id,
            "status": MailStatus.QUEUED,
        }
        for letter, mail_id in ((letter, new_id()) for letter in letters)
        if (letter.to, letter.template, Channel.EMAIL) not in unwanted
    ]
    _add_notices(session, [one for one in letters if (one.to, one.template, Channel.PORTAL) not in unwanted])
    if not rows:
        return 0
    with session.elevated("which mails are new is for the platform to read"):
        made = set(session.scalars(insert(Mail).values(rows).on_conflict_do_nothing().returning(Mail.id)))
    for topic, documented in ((Topic.MAIL_WITH_DOCUMENT_QUEUED, True), (Topic.MAIL_QUEUED, False)):
        of_topic = [row for row in rows if row["id"] in made and bool(row["attachment"]) is documented]
        outbox.emit_many(session, topic, [{"mail_id": row["id"]} for row in of_topic])
    return len(made)


def _add_notices(session: ScopedSession, letters: Sequence[Letter]) -> None:
    found = (
        notices.notice_of(one.to, one.template, one.subject, one.context, one.dedupe_key, one.organization_id)
        for one in letters
    )
    session.flush()
    notices.add_many(session, [row for row in found if row])


def full_context(mail: Mail) -> dict[str, Any]:
    """What the template is filled with, secrets opened."""
    plain = {name: value for name, value in mail.context.items() if name != SEALED}
    sealed = mail.context.get(SEALED)
    plain["unsubscribe_url"] = choices.unsubscribe_url(mail.to_address, mail.template)
    return plain | (open_sealed(sealed, _context_of(mail.id)) if sealed else {})


def note_try(session: Session, mail_id: UUID, error: str = "") -> int:
    """Count one more try at sending, with what the mail server said when it failed; how many there were. Platform."""
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    mail.tries += 1
    mail.error = error[:500] or None
    return mail.tries


def settle(session: Session, mail_id: UUID, *, refusal: str = "", keep_secrets: bool) -> None:
    """Note what became of a mail: sent, or refused for good. Links are forgotten unless the sandbox shows its mailbox.

    Needs a platform scope.
    """
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    mail.status = MailStatus.FAILED if refusal else MailStatus.SENT
    mail.sent_at, mail.error = None if refusal else utc_now(), refusal or None
    if not keep_secrets:
        mail.context = {name: value for name, value in mail.context.items() if name != SEALED}


def _context_of(mail_id: UUID) -> str:
    return f"mails:context:{mail_id}"


def _kept(mail_id: UUID, context: Mapping[str, Any], secrets: Mapping[str, str] | None) -> dict[str, Any]:
    """A context as it is stored: JSON, its secrets sealed for this one mail."""
    kept: dict[str, Any] = {name: _plain(value) for name, value in context.items()}
    if secrets:
        kept[SEALED] = seal(dict(secrets), _context_of(mail_id))
    return kept


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
