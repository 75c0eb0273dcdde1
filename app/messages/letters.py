"""One mail for all that a reader has not seen in a thread, with the way back to answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.scope import ROLE_PERMISSIONS, Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import queries as accounts
from app.identity.states import AccountStatus
from app.messages import rules
from app.messages.models import Mark, Message, Thread
from app.messages.states import Side
from app.notify import service as notify
from app.organizations import queries as organizations
from app.organizations.models import Organization
from app.organizations.states import MemberStatus
from app.payees import queries as payees


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read a thread. What was written before `since` is no news to them."""

    account_id: UUID
    name: str
    email: str
    url: str
    sender: str
    since: datetime | None = None


def tell(session: ScopedSession, thread_id: UUID) -> int:
    """Mail everybody who has unread messages they were not told of; returns how many mails. Needs a platform scope.

    Whoever wrote in the thread is told; while nobody of the organization has, all who may read it are.
    """
    thread = session.scalars(select(Thread).where(Thread.id == thread_id).with_for_update()).one_or_none()
    if thread is None:
        return 0
    thread.mail_due_at = None
    marks = {mark.account_id: mark for mark in session.scalars(select(Mark).where(Mark.thread_id == thread_id))}
    messages = session.scalars(select(Message).where(Message.thread_id == thread_id).order_by(Message.number)).all()
    count = 0
    for reader in _readers(session, thread, messages):
        mark = marks.get(reader.account_id)
        known = max(mark.read_number, mark.mailed_number) if mark else 0
        fresh = [
            message
            for message in messages
            if message.number > known
            and message.author_account_id != reader.account_id
            and (reader.since is None or message.created_at >= reader.since)
        ]
        if fresh:
            count += _mail(session, thread, reader, fresh)
            _note(session, thread, reader.account_id)
    return count


def _readers(session: ScopedSession, thread: Thread, messages: Sequence[Message]) -> Iterator[Reader]:
    organization = session.get_one(Organization, thread.organization_id)
    payee_name = payees.card(session, thread.payee_id).name
    base = settings().base_url
    for card in accounts.accounts_of_payee(session, thread.payee_id):
        if card.status is AccountStatus.ACTIVE:
            url = f"{base}/{card.portal.value}/messages/{thread.id}#reply"
            yield Reader(card.id, card.name, card.email, url, organization.name)
    able = [
        member
        for member in organizations.members(session, thread.organization_id)
        if member.status is MemberStatus.ACTIVE and Permission.MESSAGE in ROLE_PERMISSIONS[member.role.value]
    ]
    wrote = {message.author_account_id for message in messages if message.side is Side.ORGANIZATION}
    for member in [m for m in able if m.account_id in wrote] or able:
        url = f"{base}/org/{organization.slug}/messages/{thread.id}#reply"
        yield Reader(member.account_id, member.name, member.email, url, payee_name, member.created_at)


def _mail(session: ScopedSession, thread: Thread, reader: Reader, fresh: Sequence[Message]) -> bool:
    quoted = fresh[-rules.MOST_QUOTED :]
    many = len(fresh)
    context: Mapping[str, Any] = {
        "name": reader.name,
        "sender": reader.sender,
        "subject": thread.subject,
        "count": many,
        "quotes": [{"author": message.author, "text": rules.quote(message.body)} for message in quoted],
        "url": reader.url,
    }
    what = "wrote" if many == 1 else f"wrote {many} messages"
    return notify.queue(
        session,
        reader.email,
        "messages_unread",
        subject=f"{reader.sender} {what}: {thread.subject}",
        context=context,
        dedupe_key=f"messages:{thread.id}:{reader.account_id}:{thread.message_count}",
        organization_id=thread.organization_id,
    )


def _note(session: ScopedSession, thread: Thread, account_id: UUID) -> None:
    made = insert(Mark).values(
        id=new_id(), organization_id=thread.organization_id, payee_id=thread.payee_id, thread_id=thread.id,
        account_id=account_id, mailed_number=thread.message_count,
    )  # fmt: skip
    session.execute(
        made.on_conflict_do_update(
            index_elements=[Mark.account_id, Mark.thread_id],
            set_={"mailed_number": func.greatest(Mark.mailed_number, made.excluded.mailed_number)},
        )
    )
