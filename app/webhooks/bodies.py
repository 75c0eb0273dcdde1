"""Raw deliveries: sealed as payout destinations are, opened for people of the platform.

Nothing is applied from them: what a job needs was read before the delivery was stored.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.crypto import open_bytes, seal_bytes
from app.core.errors import Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.types import SealedText
from app.webhooks.models import WebhookEvent


def _context(event_id: UUID) -> str:
    return f"webhook_events.body:{event_id}"


def sealed(event_id: UUID, body: bytes) -> SealedText:
    """What stands for a delivery; it opens in the row of its event only."""
    return SealedText(seal_bytes(body, _context(event_id)))


def facts(body: bytes) -> dict[str, Any]:
    """The columns that tell of a delivery without telling what it says; empty for no delivery."""
    return {"body_sha256": hashlib.sha256(body).hexdigest(), "body_bytes": len(body)} if body else {}


def opened(event_id: UUID, body_sealed: SealedText) -> bytes:
    """For showing it masked. Raises CannotOpen when the key is gone."""
    return open_bytes(body_sealed, _context(event_id))


def open_as_received(session: Session, actor: Actor, event_id: UUID, reason: str) -> bytes:
    """The delivery as it came, for a person of the platform. Every open is on the audit trail with its reason.

    Raises Forbidden, NotFound where none is kept, Invalid without a reason, CannotOpen when the key is gone.
    """
    actor.require(Permission.PLATFORM)
    if not reason.strip():
        raise Invalid("Say why you need what was received.", fields={"reason": "Give a reason."})
    found = session.execute(
        select(WebhookEvent.source, WebhookEvent.event_id, WebhookEvent.body_sealed).where(WebhookEvent.id == event_id)
    ).one_or_none()
    if found is None or found.body_sealed is None:
        raise NotFound("There is no delivery kept here.")
    audit.record(
        session, actor, "webhook.opened", "webhook_event", event_id, source=found.source, event=found.event_id,
        reason=reason.strip(),
    )  # fmt: skip
    return opened(event_id, found.body_sealed)


def seal_earlier(session: Session, limit: int) -> int:
    """Seal deliveries an earlier version of this application kept as they came; returns how many. Needs a platform
    scope.

    A job does it, because it needs the key, which migrations do without, and because web processes of that version
    may go on writing them while this one is rolled out.
    """
    found = session.execute(
        select(WebhookEvent.id, WebhookEvent.body)
        .where(WebhookEvent.body.is_not(None))
        .order_by(WebhookEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in found:
        columns = {"body": None, "body_sealed": sealed(row.id, row.body), **facts(row.body)}
        session.execute(update(WebhookEvent).where(WebhookEvent.id == row.id).values(columns))
    return len(found)
