"""Threads between a payee and an organization. Messages only grow; what a reader has seen is a row of their own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PayeeRecord
from app.db.types import choice
from app.messages.states import AboutKind, Side


def _words(name: str, column: str) -> Index:
    """For `search_messages`: words as they are, in whatever language."""
    return Index(name, text(f"to_tsvector('simple'\\:\\:regconfig, {column})"), postgresql_using="gin")


class Thread(PayeeRecord):
    """`message_count` numbers the messages without gaps, so what is unread is a subtraction.

    `about_id` with `about_kind` names the bill or project it is about; there is one such thread at most.
    `mail_due_at` is set while a notice is promised: ten messages in a minute are one mail.
    """

    __tablename__ = "message_threads"
    __table_args__ = (
        UniqueConstraint("id", "organization_id", "payee_id"),
        CheckConstraint("(about_kind IS NULL) = (about_id IS NULL)", name="about"),
        Index("ix_message_threads_newest", "organization_id", "last_at", "id"),
        Index("ix_message_threads_payee", "payee_id", "last_at", "id"),
        Index("uq_message_threads_about", "organization_id", "payee_id", "about_kind", "about_id", unique=True,
              postgresql_where=text("about_id IS NOT NULL")),
        _words("ix_message_threads_words", "subject"),
    )  # fmt: skip

    subject: Mapped[str]
    about_kind: Mapped[AboutKind | None] = mapped_column(choice(AboutKind))
    about_id: Mapped[UUID | None]
    about_label: Mapped[str | None]
    message_count: Mapped[int] = mapped_column(default=0, server_default="0")
    last_at: Mapped[datetime]
    last_author: Mapped[str]
    last_side: Mapped[Side] = mapped_column(choice(Side))
    last_excerpt: Mapped[str]
    mail_due_at: Mapped[datetime | None]


def _of_thread() -> ForeignKeyConstraint:
    """A row belongs to the tenants of its thread: foreign keys see past policies."""
    return ForeignKeyConstraint(
        ["thread_id", "organization_id", "payee_id"],
        ["message_threads.id", "message_threads.organization_id", "message_threads.payee_id"],
    )


class Message(PayeeRecord):
    """`number` counts within the thread from 1. Files are `stored_files` with this row as their subject."""

    __tablename__ = "messages"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("thread_id", "number"),
        _words("ix_messages_words", "body"),
        _of_thread(),
    )

    thread_id: Mapped[UUID]
    number: Mapped[int]
    side: Mapped[Side] = mapped_column(choice(Side))
    author: Mapped[str]
    author_account_id: Mapped[UUID]
    body: Mapped[str]


class Mark(PayeeRecord):
    """How far one reader has read a thread, and how far they were told of it by mail."""

    __tablename__ = "message_marks"
    __table_args__ = (UniqueConstraint("account_id", "thread_id"), _of_thread())

    thread_id: Mapped[UUID]
    account_id: Mapped[UUID]
    read_number: Mapped[int] = mapped_column(default=0, server_default="0")
    mailed_number: Mapped[int] = mapped_column(default=0, server_default="0")
