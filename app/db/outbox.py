"""Transactional outbox: what happened is written with the change and handed to the job runner after commit.

A row is done only when its job said so. A lost Redis, relay or worker loses nothing: undone rows are offered again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Index, Table, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.clock import utc_now
from app.core.topics import Topic
from app.db import bulk
from app.db.base import PlatformRecord
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import new_id

MAX_TRIES = 12
KEPT = timedelta(days=14)


class OutboxRow(PlatformRecord):
    __tablename__ = "outbox"
    __anyone_adds__ = True
    __table_args__ = (Index("ix_outbox_due", "due_at", postgresql_where=text("done_at IS NULL AND failed_at IS NULL")),)

    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]


_TABLE = cast(Table, OutboxRow.__table__)


def emit(session: Session, topic: Topic, *, delay_seconds: float = 0, **payload: Any) -> None:
    """Promise a job in this transaction. Payload values must be JSON; UUIDs become text."""
    session.flush()
    due_at = utc_now() + timedelta(seconds=delay_seconds)
    plain = {name: _plain(value) for name, value in payload.items()}
    # inline: no RETURNING, every scope may add a row that only the platform role may read
    session.execute(insert(_TABLE).inline().values(id=new_id(), topic=topic.value, payload=plain, due_at=due_at))


def emit_many(session: Session, topic: Topic, payloads: Sequence[Mapping[str, Any]]) -> None:
    """Promise a job for each payload, in one statement."""
    session.flush()
    due_at = utc_now()
    rows = [
        {"id": new_id(), "topic": topic.value, "payload": dict(payload), "due_at": due_at, "tries": 0}
        for payload in payloads
    ]
    bulk.add(session, _TABLE, rows)


def forget_done(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` rows done two weeks ago; returns how many. What was given up stays for a person."""
    return remove(session, OutboxRow, OutboxRow.done_at < utc_now() - KEPT, limit)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
