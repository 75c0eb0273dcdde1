"""A clinic whose doctors are paid a flat rate for each appointment."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from app.consultations import appointments
from app.consultations.appointments import Held, Recorded
from app.consultations.states import AppointmentSource
from app.core import clock
from app.core.scope import Actor, operator
from app.db.session import unit_of_work
from app.payees import service as payees
from app.payees.states import PayeeKind
from tests.factories import payouts
from tests.factories.organizations import organization
from tests.factories.payouts import Shop
from tests.factories.people import PLATFORM

NAMES = ("Wanjiru Kamau", "Otieno Odhiambo", "Amina Hassan", "Njeri Mwangi", "Kiprono Koech")


def doctor(
    organization_id: UUID, number: int = 0, *, currency: str = "KES", rail: str | None = "simulated",
    rate_minor: int | None = None,
) -> UUID:  # fmt: skip
    """`rail` None: without a payout method."""
    with unit_of_work(PLATFORM) as session:
        made = payees.create(
            session, operator(), organization_id, kind=PayeeKind.CONSULTANT, name=NAMES[number % len(NAMES)],
            currency=currency, reference=f"D{number}", email=f"doctor{number}@clinic.test", terms_days=0,
        )  # fmt: skip
        session.flush()
        if rate_minor is not None:
            session.execute(
                text("UPDATE engagements SET flat_rate_minor = :rate WHERE payee_id = :id"),
                {"rate": rate_minor, "id": made.id},
            )
        if rail:
            with clock.at(datetime(2026, 1, 1, tzinfo=UTC)):
                payouts.method(session, made.id, rail)
        return made.id


def clinic(doctors: int = 2, *, slug: str = "clinic", time_zone: str = "Africa/Nairobi", currency: str = "KES") -> Shop:
    organization_id = organization(slug, currency=currency, time_zone=time_zone)
    return Shop(organization_id, [doctor(organization_id, number, currency=currency) for number in range(doctors)])


def on(day: int, hour: int = 9, month: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def held(place: Shop, *moments: datetime, doctor: int = 0, prefix: str = "A", by: Actor | None = None) -> Recorded:
    """Appointments of one doctor, numbered by doctor and moment."""
    told = [Held(f"{prefix}{doctor}-{at:%m%d%H%M}", place.payee_ids[doctor], at) for at in moments]
    with unit_of_work(PLATFORM) as session:
        return appointments.record(
            session, by or operator(), place.organization_id, AppointmentSource.API, told
        )  # fmt: skip
