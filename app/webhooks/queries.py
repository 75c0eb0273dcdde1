"""Reads of received events, for the job that applies them and the pages that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.db.types import begins_with
from app.rails.base import Blame, Outcome, RailEvent, Result
from app.webhooks.models import EventStatus, WebhookEvent


@dataclass(frozen=True, slots=True)
class Received:
    """One stored event with the value the rail read from it."""

    id: UUID
    source: str
    event: RailEvent


def unapplied(session: Session, ids: Sequence[UUID]) -> list[Received]:
    """Those of `ids` still to be applied, in the order they came in; their rows stay locked. Needs a platform scope."""
    rows = session.execute(
        select(WebhookEvent.id, WebhookEvent.source, WebhookEvent.event)
        .where(WebhookEvent.id.in_(ids), WebhookEvent.status == EventStatus.RECEIVED)
        .order_by(WebhookEvent.id)
        .with_for_update()
    ).all()
    return [Received(row.id, row.source, rail_event(row.event)) for row in rows]


def unapplied_events(session: Session, ids: Sequence[UUID]) -> Sequence[paging.AnyRow]:
    """id, event of those of `ids` still to be applied, as `unapplied`: what `service.receive_order` or
    `receive_calendar` was given."""
    return session.execute(
        select(WebhookEvent.id, WebhookEvent.event)
        .where(WebhookEvent.id.in_(ids), WebhookEvent.status == EventStatus.RECEIVED)
        .order_by(WebhookEvent.id)
        .with_for_update()
    ).all()


def rail_event(kept: dict[str, Any]) -> RailEvent:
    """The value `service.receive` was given."""
    result = _result(kept["result"]) if kept["result"] else None
    return RailEvent(
        kept["event_id"], result, kept["evidence"], kept.get("about", ""), bool(kept.get("look_up", False))
    )


def _result(kept: dict[str, Any]) -> Result:
    known = dict(kept)
    blame, outcome = known.pop("blame"), Outcome(known.pop("outcome"))
    fee = known.pop("fee", None)
    return Result(
        outcome=outcome, blame=Blame(blame) if blame else None, fee=Money(**fee) if fee else None, **known
    )  # fmt: skip


def events(
    session: Session,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
    *,
    status: EventStatus | None = None,
    sources: Sequence[str] = (),
    named: str = "",
) -> paging.Page:
    """id, source, event_id, status, result, created_at, applied_at; newest first. Needs a platform scope.

    `named`: how the event's id at its source begins; found by the index of both, so give `sources` along.
    """
    query: paging.AnySelect = select(
        WebhookEvent.id, WebhookEvent.source, WebhookEvent.event_id, WebhookEvent.status, WebhookEvent.result,
        WebhookEvent.created_at, WebhookEvent.applied_at,
    )  # fmt: skip
    if status is not None:
        query = query.where(WebhookEvent.status == status)
    if sources:
        query = query.where(WebhookEvent.source.in_(sources))
    if named:
        query = query.where(begins_with(WebhookEvent.event_id, named))
    key = paging.Key((WebhookEvent.created_at, WebhookEvent.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def counts(session: Session) -> dict[EventStatus, int]:
    """How many events of each status, counted to 1,001 at most. Needs a platform scope."""
    parts = []
    for status in EventStatus:
        found = select(WebhookEvent.id).where(WebhookEvent.status == status).limit(paging.CAP + 1).subquery()
        parts.append(select(func.count()).select_from(found).scalar_subquery().label(status.value))
    row = session.execute(select(*parts)).one()
    return {status: getattr(row, status.value) for status in EventStatus}


def event(session: Session, event_id: UUID) -> paging.AnyRow:
    """The columns of the list with `event` and what tells of the delivery. Raises NotFound. Needs a platform scope."""
    found = session.execute(
        select(
            WebhookEvent.id, WebhookEvent.source, WebhookEvent.event_id, WebhookEvent.status, WebhookEvent.result,
            WebhookEvent.created_at, WebhookEvent.applied_at, WebhookEvent.event, WebhookEvent.body_sealed,
            WebhookEvent.body_sha256, WebhookEvent.body_bytes,
        ).where(WebhookEvent.id == event_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There is no such event.")
    return found


def amiss(
    session: Session, sources: Sequence[str], prefix: str, unread: str, since: datetime
) -> Sequence[paging.AnyRow]:
    """source, calls, last_at, status, result of the last, by source: events since `since` whose id begins with `prefix`
    that failed, or were ignored for a reason that begins with `unread`. Needs a platform scope.
    """
    values = {"sources": list(sources), "prefix": f"{prefix}%", "unread": f"{unread}%", "since": since}
    return session.execute(_AMISS, values).all()


_AMISS = text(
    """SELECT source, count(*) AS calls, max(created_at) AS last_at,
        (array_agg(status ORDER BY created_at DESC, id DESC))[1] AS status,
        (array_agg(result ORDER BY created_at DESC, id DESC))[1] AS result
    FROM webhook_events
    WHERE source = ANY(:sources) AND event_id LIKE :prefix AND created_at > :since
        AND (status = 'failed' OR (status = 'ignored' AND result LIKE :unread))
    GROUP BY source"""
)
