"""What a calendar told us becomes what we do: its number is linked to a consultation, moves are followed.

News may come late, twice and in any order: what names a booking we do not know yet waits until its number is linked.
One event at a time: the lock makes two workers see each other's numbers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations import booking, ending, rooms
from app.consultations.models import CalendarBooking, Consultation
from app.consultations.states import CancelledBy, ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Refusal
from app.core.scope import Actor
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.gateways import calcom
from app.gateways.calcom import Side, Trigger
from app.identity.models import Account
from app.webhooks import service as webhooks

WAITS = "waits for its booking"
NOT_OURS = "no consultation of ours has this number"
SUPERSEDED = "the booking was moved since"
GRACE = timedelta(hours=1)
LOOK_AFTER, LOOK_BACK = timedelta(minutes=10), timedelta(days=2)
_SIDES = {Side.HOST: CancelledBy.CONSULTANT, Side.GUEST: CancelledBy.CLIENT}


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
            well, told = _follow(session, actor, found, one)
            (webhooks.applied if well else webhooks.ignored)(session, [one_id], told)


def _link(session: Session, actor: Actor, event: dict[str, Any]) -> list[str]:
    """Numbers that are known since this event: of a new booking by what we gave along, of a moved one by its chain."""
    uid, previous = event["uid"], event["previous_uid"]
    if _consultation(session, uid) is not None:
        return []
    found = _consultation(session, previous) if previous else None
    if found is None and event["consultation_id"]:
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


def _follow(session: ScopedSession, actor: Actor, found: Consultation, event: dict[str, Any]) -> tuple[bool, str]:
    """What follows from news of the booking as it stands now, in words; False with the reason when it cannot."""
    try:
        with session.begin_nested():
            return True, _done(session, actor, found, event)
    except Refusal as refusal:
        return False, f"refused: {refusal.message}"


def _done(session: ScopedSession, actor: Actor, found: Consultation, event: dict[str, Any]) -> str:
    trigger, side = Trigger(event["trigger"]), Side(event["by"]) if event["by"] else _known(session, found, event)
    match trigger:
        case Trigger.CREATED | Trigger.REQUESTED | Trigger.PAID:
            return _met_at(session, actor, found, event)
        case Trigger.RESCHEDULED:
            return _moved(session, actor, found, event, side)
        case Trigger.CANCELLED | Trigger.REJECTED:
            by = _SIDES[side] if side else CancelledBy.PLATFORM  # nobody named: nobody's fault
            ending.cancel(session, actor, found.id, by, event["reason"])
            return f"cancelled by the {by.value}"
        case Trigger.HOST_NO_SHOW:
            return _absent(session, actor, found, CancelledBy.CONSULTANT)
        case Trigger.GUEST_NO_SHOW:
            return _absent(session, actor, found, CancelledBy.CLIENT)
        case Trigger.NO_SHOW:
            if event["absent"]:
                return _absent(session, actor, found, CancelledBy.CLIENT)
            there_after_all = event["absent"] is False and found.status is ConsultationStatus.NO_SHOW_CLIENT
            return _held(session, actor, found) if there_after_all else "nothing changed"
        case Trigger.ENDED:
            if event["host_absent"]:
                return _absent(session, actor, found, CancelledBy.CONSULTANT)
            return _held(session, actor, found) if found.status is ConsultationStatus.BOOKED else "nothing changed"
        case Trigger.STARTED:
            return "it began"


def _known(session: Session, found: Consultation, event: dict[str, Any]) -> Side | None:
    """Who it was by the address they have here, where the booking itself does not say it: the client, whoever signs in
    for the consultant, or nobody we know."""
    who = event.get("by_index")
    if not who:
        return None
    query = select(Account.id, Account.email).where(
        or_(Account.id == found.client_account_id, Account.payee_id == found.payee_id)
    )
    same = {account_id for account_id, email in session.execute(query) if calcom.index(email) == who}
    if not same:
        return None
    return Side.GUEST if found.client_account_id in same else Side.HOST


def _met_at(session: ScopedSession, actor: Actor, found: Consultation, event: dict[str, Any]) -> str:
    """The calendar's own room goes before ours."""
    if event["video_url"] and found.status in (ConsultationStatus.PENDING, ConsultationStatus.BOOKED):
        rooms.set_video(session, actor, found.id, event["video_url"])
    return "linked"


def _moved(
    session: ScopedSession, actor: Actor, found: Consultation, event: dict[str, Any], side: Side | None
) -> str:  # fmt: skip
    if not event["starts_at"]:
        return "linked; no new time was told"
    starts_at = datetime.fromisoformat(event["starts_at"])
    if starts_at != found.starts_at:
        booking.reschedule(session, actor, found.id, starts_at, by=_SIDES[side] if side else None)
    _met_at(session, actor, found, event)
    return "moved"


def _absent(session: ScopedSession, actor: Actor, found: Consultation, who: CancelledBy) -> str:
    ending.no_show(session, actor, found.id, who, "Told by the calendar.")
    return f"the {who.value} did not appear"


def _held(session: ScopedSession, actor: Actor, found: Consultation) -> str:
    return "held" if ending.complete(session, actor, [found.id]) else "nothing changed"


_OVER = (
    select(Consultation.id)
    .where(Consultation._status == ConsultationStatus.BOOKED)
    .order_by(Consultation.ends_at, Consultation.id)
)


def complete_over(session: ScopedSession, actor: Actor, limit: int = 200) -> int:
    """Consultations whose end is an hour past were held, as nobody said otherwise; how many. The end of a meeting may
    never be told. Needs a platform scope."""
    over = session.scalars(_OVER.where(Consultation.ends_at <= utc_now() - GRACE).limit(limit)).all()
    return ending.complete(session, actor, over) if over else 0


_UNTOLD = text(
    """SELECT DISTINCT ON (c.ends_at, c.id) b.uid FROM consultations c
    JOIN calendar_bookings b ON b.consultation_id = c.id
    WHERE c.status = 'booked' AND c.ends_at BETWEEN :since AND :until
        AND NOT EXISTS (SELECT FROM calendar_bookings n WHERE n.consultation_id = c.id AND n.previous_uid = b.uid)
    ORDER BY c.ends_at, c.id, b.id DESC LIMIT :most"""
)


def untold(session: Session, most: int = 100) -> list[str]:
    """Numbers of bookings that are over and of whose end nothing was told, for a look-up. Needs a platform scope."""
    now = utc_now()
    return list(session.scalars(_UNTOLD, {"since": now - LOOK_BACK, "until": now - LOOK_AFTER, "most": most}))
