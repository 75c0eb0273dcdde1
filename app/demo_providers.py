"""Organizations that provide, with what they earned: Lakeside was paid once and once not, an agency in India too, by
RazorpayX, and members of a university book the university's own consultant.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.billing import modes
from app.charges.states import ChargeProvider
from app.consultations import booking, hours, money, offerings
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import OfferingKind, PaidBy, Practice
from app.core import clock
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, operator
from app.db.outbox import OutboxRow
from app.db.session import ScopedSession
from app.demo_consultants import Person, offer, person_of
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import service as methods
from app.organizations import own_payee
from app.organizations import service as organizations
from app.organizations.models import Member, Organization
from app.organizations.states import BillingMode, OrganizationKind, Role
from app.payouts import batches
from app.rails import registry

OPERATOR = operator("demo")
ISHAAN = Person(
    "Ishaan Mehta", "ishaan@asha.test", Practice.CONSULTANT, "Pricing for software makers in India",
    "I ask what your customer did on the day before they bought. The price follows from that.",
    ("Pricing", "Sales"), ("Interviews",), ("en", "hi", "mr"), "IN", "Asia/Kolkata",
)  # fmt: skip
ELIN = Person(
    "Elin Sandberg", "elin@northfield.test", Practice.CONSULTANT, "Writing a thesis that ends",
    "Twelve years in the writing center. Bring the page you are stuck on.",
    ("Academic writing",), ("Editing",), ("en", "sv"), "GB", "Europe/London",
)  # fmt: skip


def load(session: ScopedSession, admin: Actor, checker: Actor) -> None:
    """After the demo's consultants and bookings: Lakeside and the demo's client are there."""
    noor = Actor(
        "Noor", "client", identity.create_account(session, Portal.CLIENT, "patient@lakeside.test", "Noor Were")
    )
    _lakeside(session, admin, checker, noor)
    _asha(session, admin, checker, noor)
    _northfield(session, admin)
    # What was promised in the past is promised now: nobody has run the demo's jobs in between.
    session.execute(update(OutboxRow).where(OutboxRow.due_at < utc_now()).values(due_at=utc_now()))


def _lakeside(session: ScopedSession, admin: Actor, checker: Actor, client: Actor) -> None:
    """The first account takes its payout, the one it is changed to is closed."""
    clinic = session.scalars(select(Organization).where(Organization.slug == "lakeside")).one()
    member = session.scalars(select(Member).where(Member.organization_id == clinic.id, Member.role == Role.OWNER)).one()
    owner = _owner(member)
    otieno = session.scalars(select(ConsultantProfile.payee_id).where(ConsultantProfile.slug == "otieno-ouma")).one()
    for days in (-75, -61, -33):
        _held(session, client, otieno, days)
    with clock.at(utc_now() - timedelta(days=25)):
        _account(session, owner, clinic.id, "Lakeside Health", "KE-LAKESIDE-4471")
        _paid_out(session, owner, admin, checker, clinic.id)
    with clock.at(utc_now() - timedelta(days=15)):
        _account(session, owner, clinic.id, "Lakeside Health Ltd", "KE-LAKESIDE-0000")
    for days in (-20, -12):
        _held(session, client, otieno, days)
    with clock.at(utc_now() - timedelta(days=2)):
        _paid_out(session, owner, admin, checker, clinic.id)
    _booked(session, client, otieno, 0)


def _asha(session: ScopedSession, admin: Actor, checker: Actor, client: Actor) -> None:
    """Ten thousand rupees a session: a thousand, five hundred and eight thousand five hundred.

    Paid by RazorpayX: the agency at its bank once, and once not since the account it was changed to is closed; its
    consultant by UPI.
    """
    agency = _organization(session, "Asha Advisory", "asha", OrganizationKind.PROVIDER, "INR", "IN", "Asia/Kolkata")
    owner = _own(session, agency, "owner@asha.test", "Asha Kulkarni")
    ishaan = person_of(session, agency.id, ISHAAN, "INR")
    offer(session, ishaan, OfferingKind.CONSULTATION, "Pricing workshop", 60, Money(10_000_00, "INR"))
    assert ishaan.payee_id is not None
    for days in (-75, -58, -40):
        _held(session, client, ishaan.payee_id, days)
    with clock.at(utc_now() - timedelta(days=25)):
        _indian_account(session, owner, agency.id, "Asha Advisory", "50200012345678")
        _paid_out(session, owner, admin, checker, agency.id)
    with clock.at(utc_now() - timedelta(days=15)):
        _indian_account(session, owner, agency.id, "Asha Advisory LLP", "50200012340000")
    _held(session, client, ishaan.payee_id, -18)
    with clock.at(utc_now() - timedelta(days=2)):
        _paid_out(session, owner, admin, checker, agency.id)
    batch = batches.create(session, admin, agency.id, title="Consultants")
    batches.plan(session, admin, batch.id)
    batches.submit(session, admin, batch.id)
    batches.approve(session, checker, batch.id)
    batches.run(session, admin, batch.id)
    _booked(session, client, ishaan.payee_id, 0)


def _northfield(session: ScopedSession, admin: Actor) -> None:
    """Buys and provides: its learner books its own consultant, which both sides show."""
    place = _organization(
        session, "Northfield University", "northfield", OrganizationKind.HYBRID, "GBP", "GB", "Europe/London"
    )
    _own(session, place, "owner@northfield.test", "Harriet Cole")
    modes.set_mode(session, admin, place.id, BillingMode.INVOICED_MONTHLY)
    for currency in ("GBP", "USD"):  # its own consultants, and the advisors of the platform
        organizations.set_funds_policy(session, admin, place.id, currency, credit_limit_minor=2_000_00)
    elin = person_of(session, place.id, ELIN, "GBP")
    offer(session, elin, OfferingKind.CONSULTATION, "An hour with your thesis", 60, Money(60_00, "GBP"))
    assert elin.payee_id is not None
    account_id = identity.create_account(session, Portal.ORG, "student@northfield.test", "Tom Abara")
    organizations.add_member(
        session, OPERATOR, place.id, account_id=account_id, name="Tom Abara", email="student@northfield.test",
        role=Role.LEARNER,
    )  # fmt: skip
    student = Actor(
        "Tom", "client", identity.create_account(session, Portal.CLIENT, "student@northfield.test", "Tom Abara")
    )
    _held(session, student, elin.payee_id, -30, PaidBy.TAG, place.id)
    dean = Actor(
        "Harriet", "client", identity.create_account(session, Portal.CLIENT, "owner@northfield.test", "Harriet Cole")
    )
    _held(session, dean, elin.payee_id, -11, PaidBy.INVOICE, place.id)
    stranger = Actor(
        "Ruth", "client", identity.create_account(session, Portal.CLIENT, "ruth@client.test", "Ruth Meyer")
    )
    _held(session, stranger, elin.payee_id, -15)


def _organization(
    session: ScopedSession, name: str, slug: str, kind: OrganizationKind, currency: str, country: str, zone: str
) -> Organization:
    return organizations.create(
        session, OPERATOR, name=name, slug=slug, currency=currency, kind=kind, time_zone=zone, country=country,
        billing_email=f"accounts@{slug}.test",
    )  # fmt: skip


def _own(session: ScopedSession, of: Organization, email: str, name: str) -> Actor:
    account_id = identity.create_account(session, Portal.ORG, email, name, time_zone=of.time_zone)
    return _owner(
        organizations.add_member(
            session, OPERATOR, of.id, account_id=account_id, name=name, email=email, role=Role.OWNER
        )
    )


def _owner(member: Member) -> Actor:
    return Actor(member.name, Role.OWNER.value, member.account_id, member.organization_id, rank=Role.OWNER.rank)


def _account(session: ScopedSession, owner: Actor, organization_id: UUID, holder: str, number: str) -> None:
    payee_id = own_payee.find(session, organization_id)
    assert payee_id is not None
    fields = {"account_holder": holder, "account_number": number}
    methods.add(session, owner, payee_id, rail="simulated", fields=fields)


def _indian_account(session: ScopedSession, owner: Actor, organization_id: UUID, holder: str, number: str) -> None:
    if all(one.name != "razorpayx" for one in registry.available("INR", "IN")):
        _account(session, owner, organization_id, holder, number)
        return
    payee_id = own_payee.find(session, organization_id)
    assert payee_id is not None
    fields = {"kind": "bank_account", "account_holder": holder, "account_number": number, "ifsc": "HDFC0000060"}
    methods.add(session, owner, payee_id, rail="razorpayx", fields=fields)


def _paid_out(session: ScopedSession, owner: Actor, admin: Actor, checker: Actor, organization_id: UUID) -> None:
    """Asked for and approved; it goes out as soon as workers run."""
    batch = batches.ask_own(session, owner, organization_id)
    batches.approve(session, checker, batch.id)
    batches.run(session, admin, batch.id)


def _held(
    session: ScopedSession, client: Actor, payee_id: UUID, days: int, paid_by: PaidBy = PaidBy.CARD,
    buyer_id: UUID | None = None,
) -> None:  # fmt: skip
    held = _booked(session, client, payee_id, days, paid_by, buyer_id)
    with clock.at(held.ends_at + timedelta(minutes=5)):
        booking.complete(session, SYSTEM, [held.id])


def _booked(
    session: ScopedSession, client: Actor, payee_id: UUID, days: int, paid_by: PaidBy = PaidBy.CARD,
    buyer_id: UUID | None = None,
) -> Consultation:  # fmt: skip
    """Booked and paid `days` from now, for the first free time after two more days."""
    with clock.at(utc_now() + timedelta(days=days)):
        now, what = utc_now(), offerings.own(session, payee_id)[0]
        times = hours.free(
            session, payee_id, what.duration_minutes, earliest=now + timedelta(days=2), latest=now + timedelta(days=6)
        )
        made = booking.book(
            session, client, payee_id=payee_id, offering_id=what.id, starts_at=times[0], client_time_zone="UTC",
            locale="en_US", paid_by=paid_by, buyer_organization_id=buyer_id,
        )  # fmt: skip
        if paid_by is PaidBy.INVOICE:
            money.charge(session, SYSTEM, made, ChargeProvider.FUNDS)
        else:
            money.paid(session, SYSTEM, money.charge(session, SYSTEM, made, ChargeProvider.SIMULATED).id)
        return booking.confirm(session, SYSTEM, made.id)
