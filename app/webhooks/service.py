"""Events from outside: stored the moment they come in, applied by a job. The same event twice is stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.types import new_id
from app.rails.base import RailEvent
from app.webhooks.models import EventStatus, WebhookEvent

AT_ONCE = 100  # events a job applies
_LATE = timedelta(minutes=10)
_LATE_ONES = """e.status = 'received' AND e.created_at < :before AND NOT EXISTS (
    SELECT FROM outbox o WHERE o.topic = :topic AND o.done_at IS NULL AND o.failed_at IS NULL
    AND o.payload -> 'webhook_ids' ? e.id::text)"""
_UNAPPLIED = text(f"SELECT e.id FROM webhook_events e WHERE {_LATE_ONES} ORDER BY e.created_at, e.id LIMIT 1000")
_GIVEN_UP = text(
    f"""UPDATE webhook_events e SET status = 'failed', result = left(j.last_error, 500) FROM outbox j
    WHERE {_LATE_ONES} AND j.topic = :topic AND j.failed_at IS NOT NULL
    AND j.payload -> 'webhook_ids' = jsonb_build_array(e.id::text)"""
)


def receive(session: Session, source: str, events: Sequence[RailEvent], body: bytes) -> int:
    """Store a verified delivery and promise its new events to a job; returns how many were new.

    Needs a platform scope. The job gets `webhook_ids`; `queries.unapplied` gives the values back.
    """
    if not events:
        return 0
    once = {event.event_id: event for event in events}
    # The order of ids is the order of the delivery; those made within a millisecond have none by themselves.
    ids = sorted(new_id() for _event in once)
    rows = [
        {
            "id": ids[position],
            "source": source,
            "event_id": event.event_id,
            "event": asdict(event),
            "body": body if position == 0 else None,
            "status": EventStatus.RECEIVED,
        }
        for position, event in enumerate(once.values())
    ]
    made = session.scalars(
        insert(WebhookEvent).on_conflict_do_nothing(index_elements=["source", "event_id"]).returning(WebhookEvent.id),
        rows,
    ).all()
    _promise(session, made)
    return len(made)


def promise_again(session: Session) -> int:
    """Promise late events whose job was given up or lost; returns how many. Needs a platform scope.

    Each gets a job of its own, so that one that cannot be applied holds up no other; when that one gives up as well,
    the event is FAILED and waits for people.
    """
    late = {"before": utc_now() - _LATE, "topic": Topic.WEBHOOK_RECEIVED.value}
    session.execute(_GIVEN_UP, late)
    ids = session.scalars(_UNAPPLIED, late).all()
    _promise(session, ids, at_once=1)
    return len(ids)


def run_again(session: Session, actor: Actor, event_id: UUID) -> None:
    """Promise one event to the job once more, whatever became of it: news applied twice changes nothing.

    Raises Forbidden, NotFound. Needs a platform scope.
    """
    actor.require(Permission.PLATFORM)
    again = update(WebhookEvent).where(WebhookEvent.id == event_id).returning(WebhookEvent.event_id)
    name = session.scalar(again.values(status=EventStatus.RECEIVED, result=None, applied_at=None))
    if name is None:
        raise NotFound("There is no such event.")
    _promise(session, [event_id])
    audit.record(session, actor, "webhook.run_again", "webhook_event", event_id, event=name)


def _promise(session: Session, ids: Sequence[UUID], at_once: int = AT_ONCE) -> None:
    for start in range(0, len(ids), at_once):
        outbox.emit(session, Topic.WEBHOOK_RECEIVED, webhook_ids=list(ids[start : start + at_once]))


def applied(session: Session, ids: Sequence[UUID], result: str) -> None:
    """Mark events whose news is in the books now. Needs a platform scope."""
    _finish(session, ids, EventStatus.APPLIED, result)


def ignored(session: Session, ids: Sequence[UUID], result: str) -> None:
    """Mark events that concern nothing of ours; they stay for people to look at. Needs a platform scope."""
    _finish(session, ids, EventStatus.IGNORED, result)


def _finish(session: Session, ids: Sequence[UUID], status: EventStatus, result: str) -> None:
    if ids:
        done = update(WebhookEvent).where(WebhookEvent.id.in_(ids))
        session.execute(done.values(status=status, result=result, applied_at=utc_now()))
