"""Events received from outside: stored raw first, applied by a job."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PlatformRecord
from app.db.types import Sealed, SealedText, choice


class EventStatus(StrEnum):
    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"


class WebhookEvent(PlatformRecord):
    """One event. `event` is what was read from it: ids, states, amounts, nobody's name or destination
    (`queries.rail_event` gives a rail's value back). `body_sha256` and `body_bytes` tell of the delivery it came in.

    The raw delivery is sealed (`bodies`) and kept with the first of its events only; those of shops and calendars are
    not kept at all. `body` is what an earlier version kept unsealed, until a job has sealed it.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        Index("ix_webhook_events_newest", "created_at", "id"),
        Index("ix_webhook_events_status", "status", "created_at", "id"),
        Index("ix_webhook_events_unsealed", "id", postgresql_where=text("body IS NOT NULL")),
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
    body_sealed: Mapped[SealedText | None] = mapped_column(Sealed)
    body_sha256: Mapped[str | None]
    body_bytes: Mapped[int | None]
    status: Mapped[EventStatus] = mapped_column(choice(EventStatus), default=EventStatus.RECEIVED)
    applied_at: Mapped[datetime | None]
    result: Mapped[str | None]
