"""Numbers of a calendar that a booking comes with: they count when the calendar itself told us of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.consultations import elsewhere
from app.consultations.models import CalendarBooking, Consultation
from app.consultations.profile_models import ConsultantProfile, Offering
from app.core.errors import Conflict, Invalid
from app.core.scope import SYSTEM, Actor
from app.db.session import ScopedSession
from app.db.types import new_id
from app.gateways import calcom
from app.webhooks import service as webhooks

NAME = "cal_booking_id"
_KNOWN = text(
    """SELECT event ->> 'starts_at' AS starts_at, event ->> 'ends_at' AS ends_at, event ->> 'host_index' AS host,
        event ->> 'trigger' AS trigger
    FROM webhook_events WHERE source = 'calendar.calcom' AND event ->> 'uid' = :uid
    ORDER BY event ->> 'happened_at' DESC, id DESC LIMIT 20"""
)
_WAITING = text(
    """SELECT id FROM webhook_events WHERE source = 'calendar.calcom' AND status = 'ignored'
    AND event ->> 'waits_for' = :uid ORDER BY event ->> 'happened_at', id"""
)


@dataclass(frozen=True, slots=True)
class Told:
    """A booking as its calendar told of it."""

    starts_at: datetime
    length: timedelta | None
    host_index: str | None


def told(session: ScopedSession, uid: str) -> Told | None:
    """What the calendar said of its booking; None while we have not heard of it.

    Raises Conflict for a number that belongs to a consultation already, and for a booking that was called off there.
    """
    with session.elevated("what a calendar told us"):
        taken = session.scalar(select(CalendarBooking.id).where(CalendarBooking.uid == uid))
        if taken is not None:
            raise _refused("This calendar booking has its consultation already.")
        rows = session.execute(_KNOWN, {"uid": uid}).all()
    if any(row.trigger in (calcom.Trigger.CANCELLED, calcom.Trigger.REJECTED) for row in rows):
        raise _refused("This booking was called off in the calendar.")
    found = next((row for row in rows if row.starts_at), None)
    if found is None:
        return None
    starts_at = datetime.fromisoformat(found.starts_at)
    ends_at = datetime.fromisoformat(found.ends_at) if found.ends_at else None
    return Told(starts_at, ends_at - starts_at if ends_at else None, found.host)


def check(session: ScopedSession, given: Told, payee_id: UUID, offering: Offering) -> None:
    """Raises Invalid when the booking is another consultant's, or not as long as what is paid for."""
    link = session.scalar(select(ConsultantProfile.calendar_link).where(ConsultantProfile.payee_id == payee_id))
    whose = calcom.index(elsewhere.handle(link)) if elsewhere.takes_bookings(link) else None
    if whose and given.host_index and whose != given.host_index:
        raise Invalid("This booking is another consultant’s.", fields={NAME: "Choose a time in this calendar."})
    if given.length is not None and given.length != timedelta(minutes=offering.duration_minutes):
        minutes = int(given.length.total_seconds()) // 60
        sentence = f"The booking there is {minutes} minutes long, this one {offering.duration_minutes}."
        raise Invalid(sentence, fields={NAME: sentence})


def link(session: ScopedSession, actor: Actor, made: Consultation, uid: str) -> None:
    """From now on news of this number are about the consultation; those that came before it are applied now."""
    with session.elevated("a calendar's number of a booking"):
        session.add(
            CalendarBooking(
                id=new_id(), organization_id=made.organization_id, payee_id=made.payee_id, consultation_id=made.id,
                uid=uid, previous_uid=None,
            )
        )  # fmt: skip
        session.flush()
        for webhook_id in session.scalars(_WAITING, {"uid": uid}).all():
            webhooks.run_again(session, SYSTEM, webhook_id)


def _refused(sentence: str) -> Conflict:
    return Conflict(sentence, fields={NAME: sentence})
