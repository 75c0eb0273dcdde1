"""Fernhill's seat credits: a pack bought by card, two credits used, one that came back, and the rest to book with."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.billing import modes, packs
from app.charges.states import ChargeProvider
from app.consultations import booking, credits, hours, offerings
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile, Offering
from app.consultations.states import CancelledBy, PaidBy
from app.core import clock
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor
from app.db.outbox import OutboxRow
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.models import Account
from app.identity.states import Portal
from app.organizations import service as organizations
from app.organizations.states import BillingMode, Role

SIZE, BOUGHT = 10, timedelta(days=16)


def load(session: ScopedSession, admin: Actor, owner: Actor, advisor_slug: str) -> None:
    """`owner`: of Fernhill, who buys. The demo's client learns there and books with the advisor."""
    advisor = session.execute(
        select(ConsultantProfile.payee_id).where(ConsultantProfile.slug == advisor_slug)
    ).scalar_one()
    fernhill_id = owner.organization_id
    assert fernhill_id is not None
    modes.set_mode(session, admin, fernhill_id, BillingMode.SEAT_PACK)
    noor = session.scalars(
        select(Account).where(Account.email == "client@fernhill.test", Account.portal == Portal.CLIENT)
    ).one()
    organizations.add_member(
        session, owner, fernhill_id, name=noor.name, email=noor.email, role=Role.LEARNER,
        account_id=identity.create_account(session, Portal.ORG, noor.email, noor.name, time_zone=noor.time_zone),
    )  # fmt: skip
    half_hour = next(one for one in offerings.sessions(session) if one.duration_minutes == 30)
    with clock.at(utc_now() - BOUGHT):
        sold = credits.sold(session, half_hour.id)
        _pack, charge = packs.buy(session, owner, fernhill_id, sold, SIZE, ChargeProvider.SIMULATED)
        packs.paid(session, SYSTEM, charge.id)
    client = Actor("Noor", "client", noor.id)
    held = _booked(session, client, fernhill_id, advisor, half_hour, -10)
    with clock.at(held.ends_at + timedelta(minutes=5)):
        booking.complete(session, SYSTEM, [held.id])
    called_off = _booked(session, client, fernhill_id, advisor, half_hour, -1)
    booking.cancel(session, SYSTEM, called_off.id, CancelledBy.CLIENT, "Something came up.")
    _booked(session, client, fernhill_id, advisor, half_hour, 0)
    session.execute(update(OutboxRow).where(OutboxRow.due_at < utc_now()).values(due_at=utc_now()))


def _booked(
    session: ScopedSession, client: Actor, buyer_id: UUID, payee_id: UUID, what: Offering, days: int
) -> Consultation:
    """By credit, `days` from now, for the last free time of the days that follow."""
    with clock.at(utc_now() + timedelta(days=days)):
        now = utc_now()
        times = hours.free(session, payee_id, 30, earliest=now + timedelta(days=2), latest=now + timedelta(days=6))
        return booking.book(
            session, client, payee_id=payee_id, offering_id=what.id, starts_at=times[-1],
            client_time_zone="Europe/Berlin", locale="en_US", paid_by=PaidBy.CREDIT, buyer_organization_id=buyer_id,
        )  # fmt: skip
