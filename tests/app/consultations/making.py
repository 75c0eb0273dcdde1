"""Rows that tests of the rules begin with: consultants with a profile, and consultations in any state."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.consultations.models import Consultation, ConsultationShare
from app.consultations.profile_models import ConsultantProfile, Offering
from app.consultations.states import ConsultationStatus, OfferingKind, PaidBy, Practice
from app.core.scope import Actor
from app.db.session import ScopedSession, unit_of_work
from app.db.types import new_id
from app.identity.states import Portal
from tests.factories import consultations, people
from tests.factories.people import PLATFORM

NOON = datetime(2026, 12, 7, 12, tzinfo=UTC)  # a Monday


def consultant(
    organization_id: UUID, name: str = "Leila Haddad", practice: Practice = Practice.CONSULTANT, zone: str = "UTC"
) -> UUID:
    return consultations.consultant(
        organization_id, practice, name, email=f"{new_id().hex[-12:]}@consultant.test", time_zone=zone, account=False
    )


def actor_of(payee_id: UUID) -> Actor:
    return Actor("Leila", "payee", payee_id=payee_id)


def premium(payee_id: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        profile = session.scalars(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id)).one()
        profile.premium_until = date(2030, 1, 1)


def people_of(payee_id: UUID, email: str) -> UUID:
    """Somebody who signs in for the consultant."""
    return people.account(Portal.CONSULTANT, email, payee_id)


def client(email: str = "noor@client.test") -> Actor:
    """Somebody signed in as a client."""
    return Actor(email.split("@")[0].title(), "client", people.account(Portal.CLIENT, email))


def consultation(
    payee_id: UUID, who: Actor, status: ConsultationStatus, starts_at: datetime = NOON, **more: Any
) -> UUID:
    """A consultation of 100 USD, split 80/20, written down as it is."""
    with unit_of_work(PLATFORM) as session:
        return write_consultation(session, payee_id, who, status, starts_at, **more)


def write_consultation(
    session: ScopedSession, payee_id: UUID, who: Actor, status: ConsultationStatus, starts_at: datetime, **more: Any
) -> UUID:
    """The same in a transaction of the caller's."""
    made = new_id()
    organization_id = session.scalar(
        select(ConsultantProfile.organization_id).where(ConsultantProfile.payee_id == payee_id)
    )
    offering_id = new_id()
    session.execute(
        insert(Offering).values(
            id=offering_id, organization_id=organization_id, payee_id=payee_id, kind=OfferingKind.CONSULTATION,
            title="Review of a menu", duration_minutes=60, price_minor=100_00, currency="USD",
        )
    )  # fmt: skip
    values = {
        "id": made, "organization_id": organization_id, "payee_id": payee_id, "client_account_id": who.account_id,
        "client_first_name": who.label.split()[0], "client_time_zone": "Europe/Berlin", "locale": "en_US",
        "offering_id": offering_id, "kind": OfferingKind.CONSULTATION, "practice": Practice.CONSULTANT,
        "title": "Review of a menu", "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1),
        "clock_at": starts_at, "paid_by": PaidBy.CARD, "currency": "USD", "list_minor": 100_00,
        "price_minor": 100_00, "platform_minor": 20_00, "organization_minor": 0, "consultant_minor": 80_00,
        "pricing": {}, "_status": status,
    }  # fmt: skip
    session.execute(insert(Consultation).values({**values, **more}))
    session.execute(
        insert(ConsultationShare).values(
            organization_id=organization_id, payee_id=payee_id, consultation_id=made, weight=1, amount_minor=80_00
        )
    )
    return made
