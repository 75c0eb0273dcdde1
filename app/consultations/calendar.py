"""What a calendar told us becomes what we do: its number is linked to a consultation, moves are followed.

News may come late, twice and in any order: what names a booking we do not know yet waits until its number is linked.
One event at a time: the lock makes two workers see each other's numbers.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations.models import CalendarBooking, Consultation
from app.core.scope import Actor
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.gateways.calcom import Trigger
from app.webhooks import service as webhooks

WAITS = "waits for its booking"
NOT_OURS = "no consultation of ours has this number"
SUPERSEDED = "the booking was moved since"


def apply(session: ScopedSession, actor: Actor, webhook_id: UUID, event: dict[str, Any]) -> None:
    """One stored event, with all that waited for it. Applying it again changes nothing. Needs a platform scope."""
    locks.hold(session, "calendar")
    todo = [(webhook_id, event)]
    while todo:
        one_id, one = todo.pop(0)
        linked = _link(session, actor, one)
        todo += _waiting(session, linked, but=one_id)
        found = _consultation(session, one["uid"])
        if found is None:
            webhooks.ignored(session, [one_id], WAITS if one["consultation_id"] is None else NOT_OURS)
        elif _newest(session, found) != one["uid"]:
            webhooks.applied(session, [one_id], SUPERSEDED)
        else:
            webhooks.applied(session, [one_id], _follow(session, actor, found, one))


def _link(session: Session, actor: Actor, event: dict[str, Any]) -> list[str]:
    """Numbers that are known since this event: of a new booking by what we gave along, of a moved one by its chain."""
    uid, previous = event["uid"], event["previous_uid"]
    if _consultation(session, uid) is not None:
        return []
    found = _consultation(session, previous) if previous else None
    if found is None and event["consultation_id"] and not previous:
        found = session.scalar(select(Consultation).where(Consultation.id == UUID(event["consultation_id"])))
    if found is None:
        return []
    session.add(
        CalendarBooking(
            id=new_id(), organization_id=found.organization_id, payee_id=found.payee_id, consultation_id=found.id,
            uid=uid, previous_uid=previous,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, actor, "calendar.linked", "consultation", found.id, organization_id=found.organization_id, uid=uid
    )
    return [uid]


def _consultation(session: Session, uid: str) -> Consultation | None:
    query = select(Consultation).join(CalendarBooking, CalendarBooking.consultation_id == Consultation.id)
    return session.scalar(query.where(CalendarBooking.uid == uid))


def _newest(session: Session, found: Consultation) -> str | None:
    """The number that no other one has replaced."""
    later = select(CalendarBooking.previous_uid).where(
        CalendarBooking.consultation_id == found.id, CalendarBooking.previous_uid.is_not(None)
    )
    query = select(CalendarBooking.uid).where(
        CalendarBooking.consultation_id == found.id, CalendarBooking.uid.not_in(later)
    )
    return session.scalars(query.order_by(CalendarBooking.id.desc())).first()


_WAITING = text(
    """SELECT id, event FROM webhook_events WHERE source = 'calendar.calcom' AND status = 'ignored'
    AND event ->> 'waits_for' = ANY(:uids) AND result = :waits AND id <> :but ORDER BY event ->> 'happened_at', id"""
)


def _waiting(session: Session, uids: list[str], *, but: UUID) -> list[tuple[UUID, dict[str, Any]]]:
    if not uids:
        return []
    rows = session.execute(_WAITING, {"uids": uids, "waits": WAITS, "but": but})
    return [(row.id, row.event) for row in rows]


def _follow(session: ScopedSession, actor: Actor, found: Consultation, event: dict[str, Any]) -> str:
    """What follows from news of the booking as it stands now; in words."""
    trigger = Trigger(event["trigger"])
    if trigger in (Trigger.CREATED, Trigger.REQUESTED, Trigger.PAID):
        return "linked"
    return "noted"
