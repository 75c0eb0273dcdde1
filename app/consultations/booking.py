"""Booking a consultation: the time is kept while it is paid, and nobody is booked twice.

One consultant's bookings are made one after the other (an advisory lock); the database's exclusion constraint holds
whoever comes another way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from app.billing import credits
from app.charges.states import ChargeProvider
from app.consultations import elsewhere, hours, letters, money, offerings, on_account, pricing, rooms
from app.consultations.cancellation import Decision, Why, clock_after_move
from app.consultations.ending import cancel, complete, give_back, is_paid_too_late, no_show, write_cancelled
from app.consultations.models import Consultation, ConsultationShare
from app.consultations.privacy import first_name
from app.consultations.profile_models import ConsultantProfile, Offering
from app.consultations.records import locked, note, side_of
from app.consultations.states import CancelledBy, ConsultationStatus, PaidBy, Practice
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import SYSTEM, Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import rules as identity_rules
from app.identity.models import Account
from app.organizations import queries as organizations

__all__ = [
    "book",
    "cancel",
    "check_movable_here",
    "complete",
    "confirm",
    "expire_unpaid",
    "no_show",
    "reschedule",
]

S = ConsultationStatus
MOST_UNPAID = 5  # of one client, at a time
_OUT_OF_TIME = "Somebody was faster: this time is taken. Choose another one."


def book(
    session: ScopedSession,
    actor: Actor,
    *,
    payee_id: UUID,
    offering_id: UUID,
    starts_at: datetime,
    client_time_zone: str,
    locale: str,
    paid_by: PaidBy = PaidBy.CARD,
    buyer_organization_id: UUID | None = None,
    by_calendar: bool = False,
    project_id: UUID | None = None,
) -> Consultation:
    """Keep a time for a client, who pays within 15 minutes; by a seat credit it is paid and booked at once.

    What is held for many has its own time. `project_id`: of an organization the client belongs to, which it names, too.
    `by_calendar`: the consultant's calendar elsewhere gave the time; it counts where they keep no hours here.

    Raises Forbidden, NotFound for what is not offered, Invalid, Conflict when it cannot be booked (any more).
    """
    actor.require(Permission.CONSULTATION_BOOK)
    if actor.account_id is None:
        raise Invalid("Sign in as a client to book.")
    _check_reader(client_time_zone, locale)
    locks.hold(session, "calendar of", payee_id)
    profile, offering = _offered(session, payee_id, offering_id)
    _expire(session, payee_id)
    begins = offering.starts_at or starts_at
    ends = begins + timedelta(minutes=offering.duration_minutes)
    if offering.kind.is_group:
        _check_seat(session, offering, actor.account_id)
    elif elsewhere.takes_bookings(profile.calendar_link):
        _check_elsewhere(profile, by_calendar, begins)
    elif not (by_calendar and _only_elsewhere(session, payee_id, begins)):
        _check_free(session, payee_id, offering.duration_minutes, begins)
    with session.elevated("write a booking down"):
        account = session.get_one(Account, actor.account_id)
        if project_id is not None:
            buyer_organization_id = _whose(session, account, project_id, buyer_organization_id)
            paid_by = PaidBy.TAG if paid_by is PaidBy.CARD else paid_by
        mine = on_account.check(session, account.email, paid_by, buyer_organization_id)
        _check_unpaid(session, account.id)
        credit = _credit(session, offering, paid_by, buyer_organization_id)
        quote = pricing.quote(session, offering, payee_id, prepaid=credit.value if credit else None)
        on_account.check_covered(session, paid_by, buyer_organization_id, quote.price)
        made = Consultation(
            id=new_id(), created_at=utc_now(), organization_id=quote.organization_id, payee_id=payee_id,
            client_account_id=account.id, client_first_name=first_name(account.name),
            client_time_zone=client_time_zone, locale=locale, buyer_organization_id=buyer_organization_id,
            project_id=project_id, department=mine.department if mine else None, offering_id=offering.id,
            kind=offering.kind, practice=profile.practice, title=offering.title, starts_at=begins, ends_at=ends,
            clock_at=begins, paid_by=paid_by, currency=quote.list.currency, list_minor=quote.list.minor,
            price_minor=quote.price.minor, platform_minor=quote.platform.minor, pricing=quote.snapshot, version=1,
            organization_minor=quote.organization.minor, consultant_minor=quote.consultant.minor, _status=S.PENDING,
        )  # fmt: skip
        _write(session, made)
        _write_shares(session, made, quote)
    note(session, actor, made, None, "Booked, to be paid.", action="booked")
    return _by_credit(session, actor, made, credit) if credit else made


def _credit(
    session: ScopedSession, offering: Offering, paid_by: PaidBy, buyer_id: UUID | None
) -> credits.Credit | None:
    if paid_by is not PaidBy.CREDIT or buyer_id is None:
        return None
    return credits.next_one(session, buyer_id, offering.id, offering.currency)


def _by_credit(session: ScopedSession, actor: Actor, made: Consultation, credit: credits.Credit) -> Consultation:
    """Nobody has to be asked for a credit, so nothing waits."""
    with session.elevated("a credit of the organization that buys"):
        credits.use(session, credit, made.id)
    money.charge(session, actor, made, ChargeProvider.CREDIT)
    return confirm(session, actor, made.id)


def confirm(session: ScopedSession, actor: Actor, consultation_id: UUID) -> Consultation:
    """It is paid: the time is the client's, and both are told. What was cancelled meanwhile, or whose time was given
    away, is refunded. Twice is once. Raises NotFound.
    """
    with session.elevated("a paid booking"):
        found = locked(session, consultation_id)
        before = found.status
        if before is S.CANCELLED:
            if is_paid_too_late(session, found):
                give_back(session, found, Decision(True, Why.TIME_LOST))
            return found
        if before not in (S.PENDING, S.EXPIRED):
            return found
        if before is S.EXPIRED:
            locks.hold(session, "calendar of", found.payee_id)
            _expire(session, found.payee_id)
        if not _taken(session, found):
            lost = Decision(True, Why.TIME_LOST)
            write_cancelled(found, CancelledBy.PLATFORM, lost.why.told)
            note(session, actor, found, before, lost.why.told, action="cancelled")
            give_back(session, found, lost)
            letters.cancelled(session, found, lost)
            return found
        if found.video_url is None:
            found.video_url = rooms.room(session, found)
        note(session, actor, found, before, "Paid: the time is booked.", action="confirmed")
        letters.booked(session, found)
    return found


def reschedule(
    session: ScopedSession, actor: Actor, consultation_id: UUID, starts_at: datetime, *, by: CancelledBy | None = None
) -> Consultation:
    """Move a booked consultation to another free time. `by`: who wants it, when the actor only passes it on (a
    calendar); without it a calendar's move counts as the client's, whose 24 hours it does not reset.

    Raises Forbidden, NotFound, Conflict for what has begun, is held for many, or when the time is not free.
    """
    found = locked(session, consultation_id)
    side = side_of(actor, found)
    side = by or (CancelledBy.CLIENT if actor is SYSTEM else side)
    now = utc_now()
    if found.status is not S.BOOKED or found.starts_at <= now:
        raise Conflict("Only what is booked and has not begun can be moved.")
    if found.kind.is_group:
        raise Conflict("This is held for several people at its own time. Cancel it instead.")
    length = found.ends_at - found.starts_at
    locks.hold(session, "calendar of", found.payee_id)
    _expire(session, found.payee_id)
    if actor is not SYSTEM:
        check_movable_here(session, found.payee_id)
        _check_free(session, found.payee_id, int(length.total_seconds() // 60), starts_at, but=found.id)
    old = found.starts_at
    if starts_at == old:
        return found
    found.clock_at = clock_after_move(side, now, found.clock_at, starts_at)
    found.starts_at, found.ends_at = starts_at, starts_at + length
    found.version += 1
    _write(session, found)
    text = f"Moved from {old:%Y-%m-%d %H:%M} to {starts_at:%Y-%m-%d %H:%M} UTC by the {side.value}."
    note(session, actor, found, found.status, text, action="moved")
    letters.moved(session, found)
    return found


def expire_unpaid(session: ScopedSession, limit: int = 500) -> int:
    """Give back the times nobody paid for in 15 minutes; how many. Needs a platform scope."""
    old = (
        select(Consultation.id)
        .where(Consultation._status == S.PENDING, Consultation.created_at <= utc_now() - hours.KEPT)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(
        update(Consultation)
        .where(Consultation.id.in_(old))
        .values({Consultation._status: S.EXPIRED, Consultation.version: Consultation.version + 1})
        .returning(Consultation.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())


def _expire(session: ScopedSession, payee_id: UUID) -> None:
    """So that what nobody paid for is no clash. The caller holds the consultant's calendar."""
    with session.elevated("times nobody paid for"):
        session.execute(
            update(Consultation)
            .where(
                Consultation.payee_id == payee_id,
                Consultation._status == S.PENDING,
                Consultation.created_at <= utc_now() - hours.KEPT,
            )
            .values({Consultation._status: S.EXPIRED, Consultation.version: Consultation.version + 1})
            .execution_options(synchronize_session=False)
        )


def _offered(session: ScopedSession, payee_id: UUID, offering_id: UUID) -> tuple[ConsultantProfile, Offering]:
    profile = session.scalar(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id))
    offering = session.scalar(select(Offering).where(Offering.id == offering_id, Offering.active).with_for_update())
    if profile is None or not profile.listed:
        raise NotFound("There is no such consultant.")
    shared = offering is not None and offering.payee_id is None and profile.practice is Practice.ADVISOR
    if offering is None or not (shared or offering.payee_id == payee_id):
        raise NotFound("This is not offered (any more).")
    if not profile.accepting:
        raise Conflict(f"{profile.name} takes no bookings at the moment.")
    return profile, offering


def _check_seat(session: ScopedSession, offering: Offering, account_id: UUID) -> None:
    """The offering's row is locked, so seats are counted one after the other."""
    if offering.starts_at is None or offering.starts_at <= utc_now():
        raise Conflict("This has begun already.")
    if offerings.seats_taken(session, offering.id) >= offering.capacity:
        raise Conflict("All places are taken.")
    with session.elevated("the client's own seat"):
        mine = select(Consultation.id).where(
            Consultation.offering_id == offering.id, Consultation.client_account_id == account_id,
            Consultation._status.in_((S.PENDING, S.BOOKED)),
        )  # fmt: skip
        if session.scalar(mine.limit(1)) is not None:
            raise Conflict("You have a place already.")


def _check_free(
    session: ScopedSession, payee_id: UUID, minutes: int, begins: datetime, *, but: UUID | None = None
) -> None:
    if begins not in hours.free(session, payee_id, minutes, earliest=begins, latest=begins, but=but):
        raise Conflict(_OUT_OF_TIME, fields={"starts_at": "Choose another time."})


def _check_elsewhere(profile: ConsultantProfile, by_calendar: bool, begins: datetime) -> None:
    """Whoever is booked in a calendar elsewhere has no times here."""
    if not by_calendar:
        sentence = f"{profile.name} is booked in their own calendar: choose a time there."
        raise Conflict(sentence, fields={"starts_at": sentence})
    if begins <= utc_now():
        raise Conflict(_OUT_OF_TIME, fields={"cal_booking_id": "This time has passed."})


def check_movable_here(session: ScopedSession, payee_id: UUID) -> None:
    """Raises Conflict where free times are known to a calendar elsewhere alone."""
    profile = session.scalars(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id)).one()
    if elsewhere.takes_bookings(profile.calendar_link):
        raise Conflict(f"This is in {profile.name}’s own calendar: move it there, and it moves here.")


def _only_elsewhere(session: ScopedSession, payee_id: UUID, begins: datetime) -> bool:
    kept = hours.read(session, payee_id)
    return not kept.weekly and not kept.days and begins > utc_now()


def _check_reader(zone: str, locale: str) -> None:
    if zone not in available_timezones():
        raise Invalid("Choose a time zone of the list.", fields={"client_timezone": "Choose one of the list."})
    if not identity_rules.is_locale(locale):
        raise Invalid("This language is not known.", fields={"locale": "For example en_US."})


_OWNER = text("SELECT organization_id FROM projects WHERE id = :id AND cancelled_at IS NULL")


def _whose(session: ScopedSession, account: Account, project_id: UUID, buyer_id: UUID | None) -> UUID:
    """The organization whose project it is. Raises Invalid unless the client belongs to it, and names no other one."""
    owner: UUID | None = session.scalar(_OWNER, {"id": project_id})
    mine = {one.organization_id for one in organizations.memberships_of_address(session, account.email)}
    if owner is None or owner not in mine or buyer_id not in (None, owner):
        sentence = "This is no project of an organization you belong to."
        raise Invalid(sentence, fields={"project_id": sentence})
    return owner


def _check_unpaid(session: ScopedSession, account_id: UUID) -> None:
    waiting = session.scalar(
        select(func.count()).where(
            Consultation.client_account_id == account_id,
            Consultation._status == S.PENDING,
            Consultation.created_at > utc_now() - hours.KEPT,
        )
    )
    if (waiting or 0) >= MOST_UNPAID:
        raise Conflict("You keep several times already. Pay for one of them, or wait until they are free again.")


def _write(session: ScopedSession, row: Consultation) -> None:
    """Raises Conflict when the database knows of a clash that nobody saw."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as clash:
        if "ex_consultations_time" not in str(clash.orig):
            raise
        raise Conflict(_OUT_OF_TIME, fields={"starts_at": "Choose another time."}) from clash


def _write_shares(session: ScopedSession, made: Consultation, quote: pricing.Quote) -> None:
    session.add_all(
        ConsultationShare(
            id=new_id(), organization_id=made.organization_id, payee_id=person, consultation_id=made.id, weight=weight,
            amount_minor=part.minor,
        )
        for person, weight, part in quote.shares
    )  # fmt: skip
    session.flush()


def _taken(session: ScopedSession, found: Consultation) -> bool:
    """Make it booked; False when its time or seat was given away since."""
    if found.status is S.EXPIRED and found.kind.is_group:
        offering = session.get_one(Offering, found.offering_id, with_for_update=True)
        if offerings.seats_taken(session, offering.id) >= offering.capacity:
            return False
    if found.ends_at <= utc_now():
        return False
    try:
        with session.begin_nested():
            found.advance(S.BOOKED)
            session.flush()
    except IntegrityError as clash:
        if "ex_consultations_time" not in str(clash.orig):
            raise
        session.refresh(found)
        return False
    return True
