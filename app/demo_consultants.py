"""The demo's consultants: an advisor and a consultant of the house, Priya at Fernhill, a clinic with two doctors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.consultations import appointments, hours, offerings, profiles
from app.consultations.appointments import Held
from app.consultations.offerings import OfferingForm
from app.consultations.states import AppointmentSource, OfferingKind, Practice
from app.core.clock import today, utc_now
from app.core.money import Money
from app.core.scope import Actor, operator
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import service as methods
from app.organizations import service as organizations
from app.organizations.models import Organization
from app.organizations.states import OrganizationKind, Role
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.rails import registry

OPERATOR = operator("demo")
_OFFICE = {day: [(9 * 60, 12 * 60), (13 * 60, 17 * 60)] for day in range(5)}


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    practice: Practice
    headline: str
    bio: str
    specialties: tuple[str, ...]
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    country: str
    time_zone: str


NALEDI = Person(
    "Naledi Dube", "advisor@quittance.test", Practice.ADVISOR, "First steps abroad for small studios",
    "I have opened four markets for design studios, and closed one. Bring the offer you want to send, and we take it "
    "apart together.\nHalf an hour is enough for one question; take the whole hour for a plan.",
    ("Market entry", "Pricing", "Contracts"), ("Negotiation", "Cash flow"), ("en", "zu", "af"), "ZA",
    "Africa/Johannesburg",
)  # fmt: skip
MARCO = Person(
    "Marco Silva", "consultant@quittance.test", Practice.CONSULTANT, "Tax for people who work across borders",
    "Accountant in Lisbon for eleven years. I read your contracts and say where you owe what, in plain words.",
    ("Tax law", "Freelance tax"), ("VAT", "Double taxation treaties"), ("pt", "en", "es"), "PT", "Europe/Lisbon",
)  # fmt: skip
PRIYA = Person(
    "Priya Raghavan", "consultant@fernhill.test", Practice.CONSULTANT, "Supply chains of small makers",
    "From the first sample to the tenth container. I look for the step that costs you the most and nobody sees.",
    ("Supply chain", "Pricing"), ("Forecasting", "Supplier audits"), ("en", "ta", "hi"), "US", "America/New_York",
)  # fmt: skip
WANJIRU = Person(
    "Dr. Wanjiru Kamau", "doctor@lakeside.test", Practice.DOCTOR, "General practice, by video",
    "Family doctor with Lakeside Health since 2015.",
    ("General practice", "Diabetes"), ("Video consultation",), ("en", "sw"), "KE", "Africa/Nairobi",
)  # fmt: skip
OTIENO = Person(
    "Otieno Ouma", "nutrition@lakeside.test", Practice.CONSULTANT, "Food and training after an illness",
    "Dietitian. We start with what you eat on an ordinary Tuesday.",
    ("Nutrition", "Diabetes"), ("Meal plans",), ("en", "sw", "luo"), "KE", "Africa/Nairobi",
)  # fmt: skip


def load(session: ScopedSession, admin: Actor, fernhill_id: UUID, priya: Actor) -> None:
    """`admin`: of the platform. `priya`: Fernhill's consultant, who is engaged already."""
    house = session.execute(select(Organization.id).where(Organization.is_house)).scalar_one()
    naledi = person_of(session, house, NALEDI, "USD")
    profiles.grant_premium(session, admin, _id(naledi), today() + timedelta(days=200))
    marco = person_of(session, house, MARCO, "EUR")
    offer(session, marco, OfferingKind.CONSULTATION, "Where do I owe tax?", 45, Money(75_00, "EUR"))
    _publish(session, fernhill_id, priya, PRIYA)
    offer(session, priya, OfferingKind.CONSULTATION, "Supply chain review", 60, Money(140_00, "USD"))
    _lakeside(session, admin)


def _lakeside(session: ScopedSession, admin: Actor) -> None:
    """A provider: it engages the people whom clients book, and keeps its part."""
    clinic = organizations.create(
        session, OPERATOR, name="Lakeside Health", slug="lakeside", currency="KES", kind=OrganizationKind.PROVIDER,
        time_zone="Africa/Nairobi", country="KE", billing_email="accounts@lakeside.test",
    )  # fmt: skip
    account_id = identity.create_account(
        session, Portal.ORG, "owner@lakeside.test", "Achieng Were", time_zone="Africa/Nairobi"
    )
    organizations.add_member(
        session, OPERATOR, clinic.id, account_id=account_id, name="Achieng Were", email="owner@lakeside.test",
        role=Role.OWNER,
    )  # fmt: skip
    _held(session, clinic.id, _id(person_of(session, clinic.id, WANJIRU, "KES")))
    otieno = person_of(session, clinic.id, OTIENO, "KES")
    offer(session, otieno, OfferingKind.CONSULTATION, "First meeting with a meal plan", 50, Money(3_500_00, "KES"))
    gone = Person(
        "Dr. Baraka Njoroge", "baraka@lakeside.test", Practice.DOCTOR, "Dermatology", "Skin, hair and nails.",
        ("Dermatology",), (), ("en", "sw"), "KE", "Africa/Nairobi",
    )  # fmt: skip
    baraka = person_of(session, clinic.id, gone, "KES")
    profiles.suspend(session, admin, _id(baraka), "The licence of the medical board has expired.")


def _held(session: ScopedSession, organization_id: UUID, doctor_id: UUID) -> None:
    """What a doctor held last month, to be calculated, and in the days of this one, to see it grow."""
    first = utc_now().replace(day=1, hour=7, minute=0, second=0, microsecond=0)
    last_month = (first - timedelta(days=1)).replace(day=1)
    moments = [last_month + timedelta(days=day, hours=day % 5) for day in range(0, 26, 2)]
    moments += [first + timedelta(days=day, hours=day % 3) for day in range(0, 28, 3)]
    told = [
        Held(f"LH-{moment:%y%m}-{number:03d}", doctor_id, moment, "Video consultation" if number % 3 else "Check-up")
        for number, moment in enumerate(moments, start=1)
        if moment < utc_now()
    ]
    appointments.record(session, OPERATOR, organization_id, AppointmentSource.API, told)


def person_of(session: ScopedSession, organization_id: UUID, person: Person, currency: str) -> Actor:
    """Engaged, with a login, a method and a profile."""
    made = payees.create(
        session, OPERATOR, organization_id, kind=PayeeKind.CONSULTANT, name=person.name, currency=currency,
        email=person.email, country=person.country, terms_days=0,
    )  # fmt: skip
    account_id = identity.create_account(
        session, Portal.CONSULTANT, person.email, person.name, payee_id=made.id, time_zone=person.time_zone
    )
    actor = Actor(label=person.name, role="payee", account_id=account_id, payee_id=made.id)
    number = f"{person.country}-{person.email[:3].upper()}-{person.email.encode().hex()[:8]}"
    rail, fields = "simulated", {"account_holder": person.name, "account_number": number}
    if person.country == "IN" and any(one.name == "razorpayx" for one in registry.available(currency, "IN")):
        rail, fields = "razorpayx", {"kind": "vpa", "vpa": f"{person.name.lower().replace(' ', '.')}@okhdfcbank"}
    methods.add(session, actor, made.id, rail=rail, fields=fields)
    _publish(session, organization_id, actor, person)
    return actor


def _publish(session: ScopedSession, organization_id: UUID, actor: Actor, person: Person) -> None:
    profiles.create(
        session, OPERATOR, payee_id=_id(actor), organization_id=organization_id, practice=person.practice,
        name=person.name, headline=person.headline, bio=person.bio, skills=person.skills,
        specialties=person.specialties, languages=person.languages, country=person.country,
        time_zone=person.time_zone,
    )  # fmt: skip
    hours.set_week(session, actor, _id(actor), _OFFICE, person.time_zone)


def offer(
    session: ScopedSession, actor: Actor, kind: OfferingKind, title: str, minutes: int, price: Money
) -> None:  # fmt: skip
    offerings.create(session, actor, _id(actor), OfferingForm(kind, title, minutes, price))


def _id(actor: Actor) -> UUID:
    assert actor.payee_id is not None
    return actor.payee_id
