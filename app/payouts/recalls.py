"""Calling back what a payee has not claimed: asked for by a person, done at the rail by a job, told by the rail."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.payouts.states import PayoutStatus
from app.rails import registry
from app.rails.base import Cancels

NOTE_MOST = 500


@dataclass(frozen=True, slots=True)
class Recall:
    """The attempt to call back, as its rail knows it."""

    rail: str
    key: str
    reference: str


def possible(rail: str, status: PayoutStatus, waiting_message: str | None) -> bool:
    """Whether a payout like this may be called back: it waits for its payee at a rail that gives such back."""
    return status is PayoutStatus.PROCESSING and bool(waiting_message) and isinstance(registry.RAILS.get(rail), Cancels)


_PAYOUT = text(
    """SELECT rail, status, waiting_message, organization_id, payee_id FROM payouts WHERE id = :id FOR UPDATE"""
)


def ask(session: Session, actor: Actor, payout_id: UUID, note: str) -> None:
    """Ask the rail to give it back; whether it does is news of its own, until then nothing moves.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict when it does not wait for the payee.
    """
    actor.require(Permission.PLATFORM)
    reason = note.strip()
    if not reason or len(reason) > NOTE_MOST:
        raise Invalid("Say why it is called back.", fields={"note": "Say why, in up to 500 characters."})
    row = session.execute(_PAYOUT, {"id": payout_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such payout.")
    if not possible(row.rail, PayoutStatus(row.status), row.waiting_message):
        raise Conflict("It does not wait for the payee, so it cannot be called back.")
    audit.record(
        session, actor, "payout.recalled", "payout", payout_id, organization_id=row.organization_id, reason=reason
    )
    audit.timeline(
        session, actor, "payout", payout_id, PayoutStatus.PROCESSING.value,
        from_state=PayoutStatus.PROCESSING.value, note=f"Called back: {reason}",
        organization_id=row.organization_id, payee_id=row.payee_id,
    )  # fmt: skip
    outbox.emit(session, Topic.PAYOUT_RECALLED, payout_id=payout_id)


_ATTEMPT = text(
    """SELECT rail, key, coalesce(rail_reference, '') AS reference FROM payout_attempts
    WHERE payout_id = :id AND status = 'accepted' ORDER BY number DESC LIMIT 1"""
)


def attempt(session: Session, payout_id: UUID) -> Recall | None:
    """None when it came to its end meanwhile."""
    row = session.execute(_ATTEMPT, {"id": payout_id}).one_or_none()
    return None if row is None else Recall(row.rail, row.key, row.reference)
