"""Reads of threads: the list with what is unread first, one thread, its messages. The scope says whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal_column, select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import NotFound
from app.db import paging
from app.files import queries as files
from app.messages.models import Mark, Message, Thread
from app.messages.states import AboutKind
from app.organizations.models import Member, Organization
from app.payees.models import Payee

PAGE = 30
MESSAGES = 50
MOST_NEWS = 100
_FOUND = 200
COUNTED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ThreadFilter:
    """`search` looks into subjects and messages, by words and the beginning of the last one."""

    organization_id: UUID | None = None
    payee_id: UUID | None = None
    unread: bool = False
    search: str = ""


def _unread(account_id: UUID) -> ColumnElement[int]:
    """Messages of a thread this reader has not seen. What was before a member joined is no news to them."""
    joined = (
        select(Member.created_at)
        .where(Member.account_id == account_id, Member.organization_id == Thread.organization_id)
        .scalar_subquery()
    )
    before = case((Thread.last_at < joined, Thread.message_count), else_=0)
    return Thread.message_count - func.coalesce(Mark.read_number, before)


def threads(
    session: Session, account_id: UUID, wanted: ThreadFilter, cursor: str | None = None, limit: int = PAGE
) -> paging.Page:
    """What has unread messages first, each part newest first.

    id, subject, organization_id, organization_name, payee_id, payee_name, about_kind, about_id, about_label,
    message_count, unread, is_unread, last_at, last_author, last_side, last_excerpt.
    """
    unread = _unread(account_id)
    is_unread = unread > 0
    query = (
        select(
            Thread.id, Thread.subject, Thread.organization_id, Organization.name.label("organization_name"),
            Thread.payee_id, Payee.name.label("payee_name"), Thread.about_kind, Thread.about_id, Thread.about_label,
            Thread.message_count, unread.label("unread"), is_unread.label("is_unread"), Thread.last_at,
            Thread.last_author, Thread.last_side, Thread.last_excerpt,
        )
        .join(Organization, Organization.id == Thread.organization_id)
        .join(Payee, Payee.id == Thread.payee_id)
        .outerjoin(Mark, and_(Mark.thread_id == Thread.id, Mark.account_id == account_id))
    )  # fmt: skip
    if wanted.organization_id is not None:
        query = query.where(Thread.organization_id == wanted.organization_id)
    if wanted.payee_id is not None:
        query = query.where(Thread.payee_id == wanted.payee_id)
    if wanted.unread:
        query = query.where(is_unread)
    if wanted.search:
        found = select(func.search_messages(wanted.search, _FOUND, type_=Thread.id.type).column_valued("found"))
        query = query.where(Thread.id.in_(found))
    key = paging.Key((is_unread, Thread.last_at, Thread.id), ("is_unread", "last_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def unread_count(session: Session, account_id: UUID, organization_id: UUID | None = None, cap: int = 99) -> int:
    """Threads of the last 90 days with something this reader has not seen, counted no further than `cap`.

    Every page asks: what is older is in the list, and is not gone through each time.
    """
    query: paging.AnySelect = (
        select(literal_column("1"))
        .select_from(Thread)
        .outerjoin(Mark, and_(Mark.thread_id == Thread.id, Mark.account_id == account_id))
        .where(Thread.last_at > utc_now() - COUNTED, _unread(account_id) > 0)
    )
    if organization_id is not None:
        query = query.where(Thread.organization_id == organization_id)
    return min(paging.capped_count(session, query, cap), cap)


def thread(session: Session, thread_id: UUID) -> paging.AnyRow:
    """One thread. Raises NotFound outside the scope.

    id, subject, organization_id, organization_name, payee_id, payee_name, about_kind, about_id, about_label,
    message_count, created_at.
    """
    found = session.execute(
        select(
            Thread.id, Thread.subject, Thread.organization_id, Organization.name.label("organization_name"),
            Thread.payee_id, Payee.name.label("payee_name"), Thread.about_kind, Thread.about_id, Thread.about_label,
            Thread.message_count, Thread.created_at,
        )
        .join(Organization, Organization.id == Thread.organization_id)
        .join(Payee, Payee.id == Thread.payee_id)
        .where(Thread.id == thread_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There are no such messages.")
    return found


def thread_about(
    session: Session, organization_id: UUID, payee_id: UUID, kind: AboutKind, about_id: UUID
) -> UUID | None:
    """The thread about a bill or project, if somebody wrote one."""
    return session.scalar(
        select(Thread.id).where(
            Thread.organization_id == organization_id,
            Thread.payee_id == payee_id,
            Thread.about_kind == kind,
            Thread.about_id == about_id,
        )
    )


_MESSAGE = (
    Message.id, Message.number, Message.side, Message.author, Message.author_account_id, Message.body,
    Message.created_at,
)  # fmt: skip


def messages(session: Session, thread_id: UUID, cursor: str | None = None, limit: int = MESSAGES) -> paging.Page:
    """The newest messages, newest first: id, number, side, author, author_account_id, body, created_at."""
    key = paging.Key((Message.number,), ("number",))
    return paging.fetch(session, select(*_MESSAGE).where(Message.thread_id == thread_id), key, cursor, limit)


def news(session: Session, thread_id: UUID, after: int) -> Sequence[paging.AnyRow]:
    """Messages beyond number `after`, oldest first, a hundred at most; columns as in `messages`."""
    return session.execute(
        select(*_MESSAGE)
        .where(Message.thread_id == thread_id, Message.number > after)
        .order_by(Message.number)
        .limit(MOST_NEWS)
    ).all()


def attached(session: Session, message_ids: Sequence[UUID]) -> dict[UUID, list[paging.AnyRow]]:
    """Files by message: id, name, content_type, size_bytes."""
    return files.of_subjects(session, message_ids)


def message_of_file(session: Session, thread_id: UUID, file_subject_id: UUID | None) -> bool:
    """Whether a file's subject is a message of this thread."""
    query = select(Message.id).where(Message.thread_id == thread_id, Message.id == file_subject_id)
    return session.scalar(query) is not None
