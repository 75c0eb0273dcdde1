"""Writing to the other side, and noting what was read. Nothing that was written is changed or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.types import new_id
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import Inspected
from app.messages import rules
from app.messages.models import Mark, Message, Thread
from app.messages.states import AboutKind, Side
from app.payees import queries as payees


@dataclass(frozen=True, slots=True)
class About:
    """The bill or project a thread belongs to; the caller has read its row under the actor's scope."""

    kind: AboutKind
    id: UUID
    label: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file whose bytes lie in the store under `key`."""

    inspected: Inspected
    key: str


def start(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    *,
    subject: str,
    body: str,
    about: About | None = None,
    attached: Sequence[Attached] = (),
) -> Message:
    """Open a thread with its first message. Raises Invalid, Forbidden, NotFound where nobody is engaged.

    Raises Conflict when there is a thread about this thing already: see `queries.thread_about`.
    """
    _may_write(actor, organization_id, payee_id)
    payees.detail(session, organization_id, payee_id)
    subject, body = rules.subject_of(subject), rules.body_of(body)
    thread_id = session.scalar(
        insert(Thread)
        .values(
            id=new_id(),
            organization_id=organization_id,
            payee_id=payee_id,
            subject=subject,
            about_kind=about.kind if about else None,
            about_id=about.id if about else None,
            about_label=about.label if about else None,
            last_at=utc_now(),
            last_author=actor.label,
            last_side=_side(actor),
            last_excerpt="",
        )
        .on_conflict_do_nothing()
        .returning(Thread.id)
    )
    if thread_id is None:
        raise Conflict("There are messages about this already. Write there.")
    audit.record(
        session, actor, "thread.started", "message_thread", thread_id, organization_id=organization_id,
        payee_id=payee_id, about=about.kind.value if about else None,
    )  # fmt: skip
    return post(session, actor, thread_id, body, attached)


def post(
    session: Session, actor: Actor, thread_id: UUID, body: str, attached: Sequence[Attached] = ()
) -> Message:  # fmt: skip
    """Add a message to a thread. Raises Invalid, Forbidden, NotFound outside the scope."""
    found = session.execute(select(Thread.organization_id, Thread.payee_id).where(Thread.id == thread_id)).one_or_none()
    if found is None:
        raise NotFound("There are no such messages.")
    _may_write(actor, found.organization_id, found.payee_id)
    body = rules.body_of(body)
    if len(attached) > rules.MOST_FILES:
        said = f"Send at most {rules.MOST_FILES} files."
        raise Invalid(said, fields={"files": said})
    number = _next_number(session, actor, thread_id, body)
    assert actor.account_id is not None
    message = Message(
        organization_id=found.organization_id,
        payee_id=found.payee_id,
        thread_id=thread_id,
        number=number,
        side=_side(actor),
        author=actor.label,
        author_account_id=actor.account_id,
        body=body,
    )
    session.add(message)
    session.flush()
    for file in attached:
        files.add(
            session, actor, file.inspected, file.key, organization_id=found.organization_id,
            payee_id=found.payee_id, purpose=FilePurpose.ATTACHMENT, subject_id=message.id,
        )  # fmt: skip
    if number == 1 or _read_number(session, actor.account_id, thread_id) == number - 1:
        _mark(session, message, actor.account_id, number)  # one's own words are no news
    _promise_mail(session, thread_id)
    return message


def read(session: Session, actor: Actor, thread_id: UUID, number: int) -> None:
    """Note that the actor has seen the messages up to `number`; never less than before. Raises NotFound."""
    found = session.execute(
        select(Thread.organization_id, Thread.payee_id, Thread.message_count).where(Thread.id == thread_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There are no such messages.")
    if actor.account_id is not None:
        seen = min(number, found.message_count)
        if _read_number(session, actor.account_id, thread_id) < seen:
            _write_mark(session, found.organization_id, found.payee_id, thread_id, actor.account_id, seen)


def _may_write(actor: Actor, organization_id: UUID, payee_id: UUID) -> None:
    actor.require(Permission.MESSAGE)
    actor.require_organization(organization_id)
    if actor.payee_id is not None and actor.payee_id != payee_id:
        raise Forbidden("This belongs to another payee.")
    if actor.account_id is None or (actor.payee_id is None and actor.organization_id is None):
        raise Forbidden("Messages are between a payee and an organization.")


def _side(actor: Actor) -> Side:
    return Side.PAYEE if actor.payee_id is not None else Side.ORGANIZATION


def _next_number(session: Session, actor: Actor, thread_id: UUID, body: str) -> int:
    """Locks the thread until the end of the unit of work: numbers have no gaps and no doubles."""
    return session.execute(
        update(Thread)
        .where(Thread.id == thread_id)
        .values(
            message_count=Thread.message_count + 1,
            last_at=utc_now(),
            last_author=actor.label,
            last_side=_side(actor),
            last_excerpt=rules.excerpt(body),
        )
        .returning(Thread.message_count)
        .execution_options(synchronize_session=False)
    ).scalar_one()


def _read_number(session: Session, account_id: UUID, thread_id: UUID) -> int:
    query = select(Mark.read_number).where(Mark.account_id == account_id, Mark.thread_id == thread_id)
    return session.scalar(query) or 0


def _mark(session: Session, message: Message, account_id: UUID, number: int) -> None:
    _write_mark(session, message.organization_id, message.payee_id, message.thread_id, account_id, number)


def _write_mark(
    session: Session, organization_id: UUID, payee_id: UUID, thread_id: UUID, account_id: UUID, number: int
) -> None:
    made = insert(Mark).values(
        id=new_id(), organization_id=organization_id, payee_id=payee_id, thread_id=thread_id, account_id=account_id,
        read_number=number,
    )  # fmt: skip
    session.execute(
        made.on_conflict_do_update(
            index_elements=[Mark.account_id, Mark.thread_id],
            set_={"read_number": func.greatest(Mark.read_number, made.excluded.read_number)},
        )
    )


def _promise_mail(session: Session, thread_id: UUID) -> None:
    """One notice at a time: what is written before it goes out comes with it."""
    promised = session.scalar(
        update(Thread)
        .where(Thread.id == thread_id, Thread.mail_due_at.is_(None))
        .values(mail_due_at=utc_now() + rules.MAIL_AFTER)
        .returning(Thread.id)
        .execution_options(synchronize_session=False)
    )
    if promised:
        delay = rules.MAIL_AFTER.total_seconds()
        outbox.emit(session, Topic.MESSAGES_UNREAD, delay_seconds=delay, thread_id=thread_id)
