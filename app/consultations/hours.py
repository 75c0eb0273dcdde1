"""A consultant's hours as they are kept, and the free times that follow from them and from what is booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.consultations import availability
from app.consultations.availability import Hours, Range, Span
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile, DayHours, Offering, WeeklyHours
from app.consultations.states import TAKES_TIME, ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import new_id

NOTICE = timedelta(hours=1)  # nobody is booked without it
HORIZON = timedelta(days=90)
KEPT = timedelta(minutes=15)  # how long an unpaid booking keeps its time
MOST_DAYS = 366  # that are not as every week
LONGEST_NOTE = 200


def set_week(
    session: ScopedSession, actor: Actor, payee_id: UUID, weekly: Mapping[int, Sequence[Range]], time_zone: str
) -> None:
    """The hours of every week in the consultant's zone. Raises Forbidden, NotFound, Invalid naming the weekday."""
    profile = _mine(session, actor, payee_id)
    wrong: dict[str, str] = {}
    kept: list[tuple[int, Range]] = []
    for weekday, ranges in weekly.items():
        try:
            kept += [(weekday, one) for one in availability.checked(ranges)]
        except Invalid as refusal:
            wrong[f"day_{weekday}"] = refusal.message
    if time_zone not in available_timezones():
        wrong["time_zone"] = "Choose one of the list."
    if wrong:
        raise Invalid(" ".join(dict.fromkeys(wrong.values())), fields=wrong)
    profile.time_zone = time_zone
    session.execute(delete(WeeklyHours).where(WeeklyHours.payee_id == payee_id))
    if kept:
        session.execute(
            insert(WeeklyHours).values(
                [
                    {
                        "id": new_id(),
                        "payee_id": payee_id,
                        "weekday": day,
                        "starts_minute": one[0],
                        "ends_minute": one[1],
                    }
                    for day, one in kept
                ]
            )
        )
    audit.record(session, actor, "hours.changed", "payee", payee_id, time_zone=time_zone, ranges=len(kept))


def set_day(
    session: ScopedSession, actor: Actor, payee_id: UUID, day: date, ranges: Sequence[Range], note: str = ""
) -> None:
    """What holds on one day instead of the week's hours; no ranges: away. Raises Forbidden, NotFound, Invalid."""
    profile = _mine(session, actor, payee_id)
    here = utc_now().astimezone(ZoneInfo(profile.time_zone)).date()
    if not here <= day <= here + timedelta(days=2 * 366):
        raise Invalid("Choose a day from today on.", fields={"day": "Choose a day from today on."})
    try:
        kept = availability.checked(ranges)
    except Invalid as refusal:
        raise Invalid(refusal.message, fields={"hours": refusal.message}) from refusal
    known = session.scalars(select(DayHours.day).where(DayHours.payee_id == payee_id, DayHours.day >= here)).all()
    if day not in known and len(known) >= MOST_DAYS:
        raise Invalid(f"There are {MOST_DAYS} such days already.", fields={"day": "Remove another day first."})
    values = {"hours": [list(one) for one in kept], "note": note.strip()[:LONGEST_NOTE]}
    session.execute(
        insert(DayHours)
        .values(id=new_id(), payee_id=payee_id, day=day, **values)
        .on_conflict_do_update(index_elements=["payee_id", "day"], set_=values)
    )
    audit.record(session, actor, "hours.day_changed", "payee", payee_id, day=day.isoformat(), ranges=len(kept))


def forget_day(session: ScopedSession, actor: Actor, payee_id: UUID, day: date) -> None:
    """The day is as every week again. Raises Forbidden, NotFound."""
    _mine(session, actor, payee_id)
    session.execute(delete(DayHours).where(DayHours.payee_id == payee_id, DayHours.day == day))
    audit.record(session, actor, "hours.day_changed", "payee", payee_id, day=day.isoformat())


def read(session: ScopedSession, payee_id: UUID) -> Hours:
    """Raises NotFound without a profile. Anybody may know when a consultant has time."""
    zone = session.scalar(select(ConsultantProfile.time_zone).where(ConsultantProfile.payee_id == payee_id))
    if zone is None:
        raise NotFound("There is no such consultant.")
    weekly: dict[int, list[Range]] = {}
    with session.elevated("a consultant's hours"):
        for row in session.execute(
            select(WeeklyHours.weekday, WeeklyHours.starts_minute, WeeklyHours.ends_minute)
            .where(WeeklyHours.payee_id == payee_id)
            .order_by(WeeklyHours.weekday, WeeklyHours.starts_minute)
        ):
            weekly.setdefault(row.weekday, []).append((row.starts_minute, row.ends_minute))
        days = {
            row.day: [(one[0], one[1]) for one in row.hours]
            for row in session.execute(select(DayHours.day, DayHours.hours).where(DayHours.payee_id == payee_id))
        }
    return Hours(ZoneInfo(zone), weekly, days)


def days(session: ScopedSession, payee_id: UUID, first: date) -> Sequence[DayHours]:
    """Days that are not as every week, from `first` on."""
    query = select(DayHours).where(DayHours.payee_id == payee_id, DayHours.day >= first)
    return session.scalars(query.order_by(DayHours.day).limit(MOST_DAYS)).all()


def busy(
    session: ScopedSession, payee_id: UUID, earliest: datetime, latest: datetime, *, but: UUID | None = None
) -> list[Span]:
    """What takes the consultant's time: consultations, unpaid ones for a while, and what is held for many."""
    taking = (Consultation._status != ConsultationStatus.PENDING) | (Consultation.created_at > utc_now() - KEPT)
    query = select(Consultation.starts_at, Consultation.ends_at).where(
        Consultation.payee_id == payee_id,
        Consultation._status.in_(TAKES_TIME),
        taking,
        Consultation.ends_at > earliest,
        Consultation.starts_at < latest,
    )
    if but is not None:
        query = query.where(Consultation.id != but)
    with session.elevated("what takes a consultant's time"):
        found = [(row.starts_at, row.ends_at) for row in session.execute(query)]
    groups = select(Offering.starts_at, Offering.duration_minutes).where(
        Offering.payee_id == payee_id, Offering.active, Offering.starts_at.between(earliest - timedelta(days=1), latest)
    )
    found += [
        (row.starts_at, row.starts_at + timedelta(minutes=row.duration_minutes)) for row in session.execute(groups)
    ]
    return found


def free(
    session: ScopedSession,
    payee_id: UUID,
    minutes: int,
    *,
    earliest: datetime,
    latest: datetime,
    but: UUID | None = None,
) -> list[datetime]:
    """Starts at which `minutes` can be booked, in UTC; never without notice, never beyond the horizon.

    `but`: a consultation whose own time counts as free, as it is to be moved.
    """
    now, length = utc_now(), timedelta(minutes=minutes)
    earliest, latest = max(earliest, now + NOTICE), min(latest, now + HORIZON)
    if earliest > latest:
        return []
    return availability.slots(
        read(session, payee_id),
        earliest=earliest,
        latest=latest,
        length=length,
        step=min(length, timedelta(minutes=30)),
        busy=busy(session, payee_id, earliest, latest + length, but=but),
    )


def _mine(session: ScopedSession, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    actor.require(Permission.CONSULTATION_OWN)
    if actor.payee_id is not None and actor.payee_id != payee_id:
        raise Forbidden("This belongs to another consultant.")
    found = session.scalar(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id).with_for_update())
    if found is None:
        raise NotFound("There is no consultant's profile yet.")
    return found
