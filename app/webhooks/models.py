"""Events received from outside: stored raw first, applied by a job."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PlatformRecord
from app.db.types import choice


class EventStatus(StrEnum):
    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"


class WebhookEvent(PlatformRecord):
    """One event of a rail. `event` is what the rail read from it (`queries.rail_event` gives the value back); `body` is
    the raw delivery, kept with the first of its events only.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        Index("ix_webhook_events_newest", "created_at", "id"),
        Index("ix_webhook_events_status", "status", "created_at", "id"),
        Index(
            "ix_webhook_events_waiting",
            text("(event ->> 'waits_for')"),
            postgresql_where=text("source = 'calendar.calcom' AND status = 'ignored'"),
        ),
    )

    source: Mapped[str]
    event_id: Mapped[str]
    event: Mapped[dict[str, Any]]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[EventStatus] = mapped_column(choice(EventStatus), default=EventStatus.RECEIVED)
    applied_at: Mapped[datetime | None]
    result: Mapped[str | None]
