"""Getting money back from a rail: what its payee has not claimed, and what was paid where the rail can undo that.

Asked for by a person, done at the rail by a job, told by the rail.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.models import Audience
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.types import new_id
from app.payouts.states import PayoutStatus
from app.rails import registry
from app.rails.base import Cancels, TakesBack

NOTE_MOST = 500


@dataclass(frozen=True, slots=True)
class Recall:
    """The attempt whose money is wanted back, as its rail knows it. `paid`: it was, so it is taken back."""

    rail: str
    key: str
    reference: str
    paid: bool


def possible(rail: str, status: PayoutStatus, waiting_message: str | None) -> bool:
    """Whether the money of a payout like this can be asked for: it waits for its payee at a rail that gives such
    back, or was paid by one that can take it back."""
    of = registry.RAILS.get(rail)
    if status is PayoutStatus.PAID:
        return isinstance(of, TakesBack)
    return status is PayoutStatus.PROCESSING and bool(waiting_message) and isinstance(of, Cancels)


_PAYOUT = text(
    """SELECT rail, status, waiting_message, organization_id, payee_id FROM payouts WHERE id = :id FOR UPDATE"""
)


def ask(session: Session, actor: Actor, payout_id: UUID, note: str) -> None:
    """Ask the rail to give it back; whether it does is news of its own, until then nothing moves.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict when there is nothing to ask for.
    """
    actor.require(Permission.PLATFORM)
    reason = note.strip()
    if not reason or len(reason) > NOTE_MOST:
        raise Invalid("Say why it is called back.", fields={"note": "Say why, in up to 500 characters."})
    row = session.execute(_PAYOUT, {"id": payout_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such payout.")
    if not possible(row.rail, PayoutStatus(row.status), row.waiting_message):
        raise Conflict("It does not wait for the payee, and its rail takes nothing back, so it cannot be called back.")
    audit.record(
        session, actor, "payout.recalled", "payout", payout_id, organization_id=row.organization_id, reason=reason
    )
    audit.timeline(
        session, actor, "payout", payout_id, row.status, from_state=row.status, note=f"Called back: {reason}",
        organization_id=row.organization_id, payee_id=row.payee_id,
    )  # fmt: skip
    outbox.emit(session, Topic.PAYOUT_RECALLED, payout_id=payout_id, recall=new_id().hex[-12:])


_ATTEMPT = text(
    """SELECT rail, key, coalesce(rail_reference, '') AS reference, status = 'succeeded' AS paid FROM payout_attempts
    WHERE payout_id = :id AND status IN ('accepted', 'succeeded') ORDER BY number DESC LIMIT 1"""
)


def attempt(session: Session, payout_id: UUID) -> Recall | None:
    """None when it came to its end meanwhile."""
    row = session.execute(_ATTEMPT, {"id": payout_id}).one_or_none()
    return None if row is None else Recall(row.rail, row.key, row.reference, row.paid)


_ABOUT = text("SELECT status, organization_id, payee_id FROM payouts WHERE id = :id")


def refused(session: Session, actor: Actor, payout_id: UUID, says: str) -> None:
    """The rail gave nothing back: staff read why, nothing moved."""
    row = session.execute(_ABOUT, {"id": payout_id}).one()
    audit.timeline(
        session, actor, "payout", payout_id, row.status, from_state=row.status, note=f"Not given back: {says}",
        organization_id=row.organization_id, payee_id=row.payee_id, audience=Audience.STAFF,
    )  # fmt: skip
