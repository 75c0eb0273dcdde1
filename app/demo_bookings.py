"""Bookings of the demo's client: some months of them held and reviewed, and two to come."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.charges.states import ChargeProvider
from app.consultations import booking, hours, money, offerings, reviews
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile
from app.consultations.reviews import Verdict
from app.core import clock
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor
from app.db.outbox import OutboxRow
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal


def load(session: ScopedSession, advisor_slug: str, consultant_slug: str) -> None:
    """`advisor_slug`, `consultant_slug`: of profiles with hours; the consultant offers something of their own."""
    advisor, consultant = _payee(session, advisor_slug), _payee(session, consultant_slug)
    noor = Actor(
        "Noor", "client",
        identity.create_account(
            session, Portal.CLIENT, "client@fernhill.test", "Noor Rahimi", time_zone="Europe/Berlin"
        ),
    )  # fmt: skip
    half_hour = next(one.id for one in offerings.sessions(session) if one.duration_minutes == 30)
    review = offerings.own(session, consultant)[0].id
    hour = next(one.id for one in offerings.sessions(session) if one.duration_minutes == 60)
    for what, days, verdict in (
        (hour, -130, Verdict(4, "A plan I can follow.", 4, 5, 4)),
        (half_hour, -98, Verdict(5)),
        (hour, -70, Verdict(3, "Good advice; I had hoped for a template.", 4, 3, 3)),
        (half_hour, -41, Verdict(5, "We said no to the wrong market.", 5, 5, 5)),
        (half_hour, -12, Verdict(5, "Clear, kind, and to the point.", 5, 5, 4)),
    ):
        held = _booked(session, noor, advisor, what, days)
        with clock.at(held.ends_at + timedelta(minutes=5)):
            booking.complete(session, SYSTEM, [held.id])
            reviews.write(session, noor, held.id, verdict)
    held = _booked(session, noor, consultant, review, -9)
    with clock.at(held.ends_at + timedelta(minutes=5)):
        booking.complete(session, SYSTEM, [held.id])
    _booked(session, noor, consultant, review, 0)
    _booked(session, noor, advisor, half_hour, 0)
    # What was promised in the past is promised now: nobody has run the demo's jobs in between.
    session.execute(update(OutboxRow).where(OutboxRow.due_at < utc_now()).values(due_at=utc_now()))


def _payee(session: ScopedSession, slug: str) -> UUID:
    return session.execute(select(ConsultantProfile.payee_id).where(ConsultantProfile.slug == slug)).scalar_one()


def _booked(session: ScopedSession, client: Actor, payee_id: UUID, offering_id: UUID, days: int) -> Consultation:
    """Booked and paid `days` from now, for the first free time after two more days."""
    with clock.at(utc_now() + timedelta(days=days)):
        now = utc_now()
        times = hours.free(session, payee_id, 60, earliest=now + timedelta(days=2), latest=now + timedelta(days=6))
        made = booking.book(
            session, client, payee_id=payee_id, offering_id=offering_id, starts_at=times[0],
            client_time_zone="Europe/Berlin", locale="en_US",
        )  # fmt: skip
        money.paid(session, SYSTEM, money.charge(session, SYSTEM, made, ChargeProvider.SIMULATED).id)
        return booking.confirm(session, SYSTEM, made.id)
