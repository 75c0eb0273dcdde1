"""Numbers of a calendar that a booking comes with: they count when the calendar itself told us of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from app.consultations.models import CalendarBooking, Consultation
from app.core.errors import Conflict
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.db.types import new_id

_KNOWN = text(
    """SELECT event ->> 'starts_at' FROM webhook_events WHERE source = 'calendar.calcom' AND event ->> 'uid' = :uid
    AND event ->> 'starts_at' IS NOT NULL ORDER BY event ->> 'happened_at' DESC, id DESC LIMIT 1"""
)


def start_of(session: ScopedSession, uid: str, payee_id: UUID) -> datetime | None:
    """When the calendar says its booking starts; None while we have not heard of it.

    Raises Conflict for a number that belongs to a consultation already.
    """
    with session.elevated("what a calendar told us"):
        taken = session.scalar(select(CalendarBooking.id).where(CalendarBooking.uid == uid))
        if taken is not None:
            raise Conflict("This calendar booking has its consultation already.")
        found = session.scalar(_KNOWN, {"uid": uid})
    return datetime.fromisoformat(found) if found else None


def link(session: ScopedSession, actor: Actor, made: Consultation, uid: str) -> None:
    """From now on news of this number are about the consultation."""
    with session.elevated("a calendar's number of a booking"):
        session.add(
            CalendarBooking(
                id=new_id(), organization_id=made.organization_id, payee_id=made.payee_id, consultation_id=made.id,
                uid=uid, previous_uid=None,
            )
        )  # fmt: skip
        session.flush()
