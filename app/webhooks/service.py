"""Events from outside: stored the moment they come in, applied by a job. The same event twice is stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, text, update
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
from app.webhooks import bodies
from app.webhooks.models import EventStatus, WebhookEvent

_EVENTS = cast(Table, WebhookEvent.__table__)
AT_ONCE = 100  # events a job applies
ORDERS = "orders."  # sources of shops begin with it
CALENDAR = "calendar."  # those of calendars with this
CARDS = "cards."  # and those of card payments with this; all others are rails
_LATE = timedelta(minutes=10)
_LATE_ONES = f"""e.status = 'received' AND e.created_at < :before
    AND CASE WHEN e.source LIKE '{ORDERS}%' THEN '{Topic.ORDERS_RECEIVED.value}'
        WHEN e.source LIKE '{CALENDAR}%' THEN '{Topic.CALENDAR_RECEIVED.value}'
        WHEN e.source LIKE '{CARDS}%' THEN '{Topic.CHARGES_HEARD.value}'
        ELSE '{Topic.WEBHOOK_RECEIVED.value}' END = :topic
    AND NOT EXISTS (
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
            "body_sealed": bodies.sealed(ids[position], body) if position == 0 and body else None,
            "status": EventStatus.RECEIVED,
            **bodies.facts(body),
        }
        for position, event in enumerate(once.values())
    ]
    made = _insert(session, rows)
    _promise(session, Topic.WEBHOOK_RECEIVED, made)
    return len(made)


def receive_order(session: Session, shop: str, event_id: str, event: dict[str, Any], body: bytes = b"") -> bool:
    """Store a shop's verified call and promise it to a job; False for one that came before.

    `event` is what the job needs, without the buyer; the body is not kept, it is full of them. Needs a platform scope.
    """
    return _keep(session, f"{ORDERS}{shop}", event_id, event, bodies.facts(body))


def receive_calendar(session: Session, calendar: str, event_id: str, event: dict[str, Any], body: bytes = b"") -> bool:
    """As `receive_order`, of a calendar's event: without anybody's name and address, and without the body."""
    return _keep(session, f"{CALENDAR}{calendar}", event_id, event, bodies.facts(body))


def receive_cards(session: Session, provider: str, event_id: str, event: dict[str, Any], body: bytes = b"") -> bool:
    """As `receive_order`, of a provider of card payments: what changed there, as it is looked up anyway. The body is
    kept sealed."""
    return _keep(session, f"{CARDS}{provider}", event_id, event, bodies.facts(body), body)


def _keep(
    session: Session, source: str, event_id: str, event: dict[str, Any], facts: dict[str, Any], body: bytes = b""
) -> bool:
    key = new_id()
    row = {"id": key, "source": source, "event_id": event_id, "event": event, "status": EventStatus.RECEIVED, **facts}
    if body:
        row["body_sealed"] = bodies.sealed(key, body)
    made = _insert(session, [row])
    _promise(session, _topic_of(source), made)
    return bool(made)


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> Sequence[UUID]:
    """The ids of those that were not there yet, in the order given. By the table: the answer waits for it."""
    session.flush()
    once = insert(_EVENTS).on_conflict_do_nothing(index_elements=["source", "event_id"]).returning(_EVENTS.c.id)
    made = set(session.scalars(once, rows[0] if len(rows) == 1 else rows))
    return [row["id"] for row in rows if row["id"] in made]


def _topic_of(source: str) -> Topic:
    if source.startswith(CALENDAR):
        return Topic.CALENDAR_RECEIVED
    if source.startswith(CARDS):
        return Topic.CHARGES_HEARD
    return Topic.ORDERS_RECEIVED if source.startswith(ORDERS) else Topic.WEBHOOK_RECEIVED


def promise_again(session: Session) -> int:
    """Promise late events whose job was given up or lost; returns how many. Needs a platform scope.

    Each gets a job of its own, so that one that cannot be applied holds up no other; when that one gives up as well,
    the event is FAILED and waits for people.
    """
    count = 0
    for topic in (Topic.WEBHOOK_RECEIVED, Topic.ORDERS_RECEIVED, Topic.CALENDAR_RECEIVED, Topic.CHARGES_HEARD):
        late = {"before": utc_now() - _LATE, "topic": topic.value}
        session.execute(_GIVEN_UP, late)
        ids = session.scalars(_UNAPPLIED, late).all()
        _promise(session, topic, ids, at_once=1)
        count += len(ids)
    return count


def run_again(session: Session, actor: Actor, event_id: UUID) -> None:
    """Promise one event to the job once more, whatever became of it: news applied twice changes nothing.

    Raises Forbidden, NotFound. Needs a platform scope.
    """
    actor.require(Permission.PLATFORM)
    again = update(WebhookEvent).where(WebhookEvent.id == event_id)
    found = session.execute(
        again.values(status=EventStatus.RECEIVED, result=None, applied_at=None).returning(
            WebhookEvent.event_id, WebhookEvent.source
        )
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such event.")
    _promise(session, _topic_of(found.source), [event_id])
    audit.record(session, actor, "webhook.run_again", "webhook_event", event_id, event=found.event_id)


def _promise(session: Session, topic: Topic, ids: Sequence[UUID], at_once: int = AT_ONCE) -> None:
    for start in range(0, len(ids), at_once):
        some = list(ids[start : start + at_once])
        if topic is Topic.ORDERS_RECEIVED:
            outbox.emit(session, Topic.ORDERS_RECEIVED, webhook_ids=some)
        elif topic is Topic.CALENDAR_RECEIVED:
            outbox.emit(session, Topic.CALENDAR_RECEIVED, webhook_ids=some)
        elif topic is Topic.CHARGES_HEARD:
            outbox.emit(session, Topic.CHARGES_HEARD, webhook_ids=some)
        else:
            outbox.emit(session, Topic.WEBHOOK_RECEIVED, webhook_ids=some)


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
