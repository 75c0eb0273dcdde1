"""Organizations that buy: Hartwell is invoiced monthly and has invoices in every state, Lumière pays European VAT, and
Oxford's people pay by their own cards. The platform issues from France by now (`demo_india`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.billing import closing, invoice_cards, modes, profiles, settling
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceOrigin
from app.billing.profiles import Details, Issuing
from app.charges import kept
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import booking, hours, money, offerings
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import PaidBy
from app.core import clock
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, operator
from app.db.outbox import OutboxRow
from app.db.session import ScopedSession
from app.gateways.cards import CardFacts
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations import service as organizations
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role

ISSUER = Details("Quittance SAS", "FR", "18 rue de la Paix", "Paris", "75002", "", "FR11123456782")
ISSUING = Issuing("QT", "", 2000, False, "Banque Exemple", "EXEMFRPP", "FR7630006000011234567890189")
LEARNERS = (
    ("Ines Duarte", "Nursing", (1, 2, 3)),
    ("Theo Brandt", "Business", (2, 3)),
    ("Grace Omondi", "Engineering", (1,)),
)
KEPT = CardFacts("sim_cus_demo", "sim_pm_demo_success", "visa", "4242", 12, 2034)
HARTWELL = Details("Hartwell College", "US", "22 College Avenue", "Boston", "02110", "MA")
LUMIERE = Details("Atelier Lumière SARL", "FR", "2 rue Mercière", "Lyon", "69001", "", "FR40303265045")


@dataclass(frozen=True, slots=True)
class Buyer:
    """`owner` acts in the organization's portal, `client` books."""

    id: UUID
    owner: Actor
    client: Actor
    zone: str


def load(session: ScopedSession, admin: Actor, advisor_slug: str) -> Buyer:
    """`advisor_slug`: who is booked. Months are closed as the scheduler would have. Returns who is invoiced monthly."""
    advisor = _advisor(session, advisor_slug)
    profiles.save_issuer(session, admin, ISSUER, email="billing@quittance.test", reference="", issuing=ISSUING)
    hartwell = _buyer(
        session, admin, "Hartwell College", "hartwell", "Marcus Osei", "America/New_York", HARTWELL, 2_500_00
    )
    lumiere = _buyer(session, admin, "Atelier Lumière", "lumiere", "Claire Fontaine", "Europe/Paris", LUMIERE, 1_000_00)
    months = _months()
    kept: dict[int, list[Consultation]] = {}
    for back in range(4, 0, -1):
        begins, ends = months[back], months[back - 1]
        kept[back] = [_booked(session, hartwell, advisor, begins + timedelta(days=day)) for day in (2, 9, 16)]
        if back == 1:
            _booked(session, lumiere, advisor, begins + timedelta(days=12))
            _booked(session, lumiere, advisor, begins + timedelta(days=19))
        with clock.at(ends):
            closing.close(session, SYSTEM, [hartwell.id, lumiere.id], before=ends)
        _since(session, admin, hartwell, back, kept[back], ends)
    return hartwell


def recent(session: ScopedSession, buyer: Buyer, advisor_slug: str) -> None:
    """What was booked this month, after everything else that has a number."""
    advisor = _advisor(session, advisor_slug)
    _credited(session, buyer, advisor)
    for day in (1, 2):
        _booked(session, buyer, advisor, utc_now() - timedelta(days=day), held=False)
    for person, department, days in LEARNERS:
        learner = _learner(session, buyer, person, department)
        for day in days:
            _booked(session, learner, advisor, utc_now() - timedelta(days=day), held=False)
    _tagged(session, advisor)
    # What was promised in the past is promised now: nobody has run the demo's jobs in between.
    session.execute(update(OutboxRow).where(OutboxRow.due_at < utc_now()).values(due_at=utc_now()))


def _advisor(session: ScopedSession, slug: str) -> UUID:
    return session.execute(select(ConsultantProfile.payee_id).where(ConsultantProfile.slug == slug)).scalar_one()


def _months() -> list[datetime]:
    """The first moment of this month, and of the four before it."""
    found = [closing.month_start(utc_now())]
    while len(found) < 5:
        found.append(closing.month_start(found[-1] - timedelta(days=1)))
    return found


def _since(
    session: ScopedSession, admin: Actor, buyer: Buyer, back: int, held: list[Consultation], issued: datetime
) -> None:
    """What became of the invoice of a month: paid by transfer, paid by card with a refund later, overdue and part
    paid, open with a credit note."""
    invoice = session.scalars(
        select(Invoice)
        .where(Invoice.organization_id == buyer.id, Invoice.kind == DocumentKind.INVOICE)
        .order_by(Invoice.period_start.desc())
        .limit(1)
    ).one()
    with clock.at(issued + timedelta(days=6)):
        if back == 4:
            settling.transferred(
                session, admin, invoice.id, amount=invoice.open, reference=f"HC WIRE {invoice.number}",
                received_on=utc_now().date(),
            )  # fmt: skip
        elif back == 3:
            charge = invoice_cards.begin(session, buyer.owner, invoice.id, ChargeProvider.SIMULATED, keep=True)
            invoice_cards.paid(session, SYSTEM, charge.id)
            kept.kept(session, charge.id, KEPT)
            _refund(session, held[0], None)
        elif back == 2:
            settling.transferred(
                session, admin, invoice.id, amount=Money(20_00, "USD"), reference=f"HC PART {invoice.number}",
                received_on=utc_now().date(),
            )  # fmt: skip
        else:
            _refund(session, held[1], Money(15_00, "USD"))


def _learner(session: ScopedSession, buyer: Buyer, person: str, department: str) -> Buyer:
    """A member of a department who books at the organization's expense."""
    email = f"{person.split()[0].lower()}@hartwell.test"
    account_id = identity.create_account(session, Portal.ORG, email, person, time_zone=buyer.zone)
    organizations.add_member(
        session, buyer.owner, buyer.id, account_id=account_id, name=person, email=email, role=Role.LEARNER,
        department=department,
    )  # fmt: skip
    client = identity.create_account(session, Portal.CLIENT, email, person, time_zone=buyer.zone)
    return replace(buyer, client=Actor(person.split()[0], "client", client))


def _refund(session: ScopedSession, held: Consultation, amount: Money | None) -> None:
    money.give_back(
        session, SYSTEM, held.id, amount=amount, kind=ReturnKind.REFUND, reason="The session did not help."
    )  # fmt: skip


def _credited(session: ScopedSession, buyer: Buyer, advisor: UUID) -> None:
    """Billed before the month was over, and refunded whole."""
    held = _booked(session, buyer, advisor, utc_now() - timedelta(days=5))
    with clock.at(utc_now() - timedelta(days=1)):
        closing.bill_one(session, buyer.owner, buyer.id, origin=InvoiceOrigin.REQUEST)
        _refund(session, held, None)


def _tagged(session: ScopedSession, advisor: UUID) -> None:
    """Oxford pays for nothing: its manager books in its name, with a card of his own."""
    oxford = session.scalars(select(Organization).where(Organization.slug == "oxford")).one()
    dev = Actor(
        "Dev", "client",
        identity.create_account(
            session, Portal.CLIENT, "manager@oxford.test", "Dev Patel", time_zone="Europe/London"
        ),
    )  # fmt: skip
    buyer = Buyer(oxford.id, dev, dev, "Europe/London")
    for days in (50, 20, 1):
        _booked(session, buyer, advisor, utc_now() - timedelta(days=days), paid_by=PaidBy.TAG, held=days > 1)


def _buyer(
    session: ScopedSession, admin: Actor, name: str, slug: str, person: str, zone: str, details: Details, limit: int
) -> Buyer:
    made = organizations.create(
        session, operator(), name=name, slug=slug, currency="USD", time_zone=zone, country=details.country,
        billing_email=f"ap@{slug}.test",
    )  # fmt: skip
    email = f"owner@{slug}.test"
    account_id = identity.create_account(session, Portal.ORG, email, person, time_zone=zone)
    organizations.add_member(
        session, operator(), made.id, account_id=account_id, name=person, email=email, role=Role.OWNER
    )
    owner = Actor(person, Role.OWNER.value, account_id, made.id, rank=Role.OWNER.rank)
    organizations.set_funds_policy(session, admin, made.id, "USD", credit_limit_minor=limit)
    modes.set_mode(session, admin, made.id, BillingMode.INVOICED_MONTHLY)
    profiles.save(session, owner, made.id, details)
    profiles.set_contact(session, owner, made.id, email=f"ap@{slug}.test", reference="PO-2026-77")
    client = Actor(
        person.split()[0], "client", identity.create_account(session, Portal.CLIENT, email, person, time_zone=zone)
    )
    return Buyer(made.id, owner, client, zone)


def _booked(
    session: ScopedSession, buyer: Buyer, payee_id: UUID, moment: datetime, *, paid_by: PaidBy = PaidBy.INVOICE,
    held: bool = True,
) -> Consultation:  # fmt: skip
    """An hour, booked at a moment for the last free time of the days that follow; by now it was held."""
    hour = next(one.id for one in offerings.sessions(session) if one.duration_minutes == 60)
    with clock.at(moment):
        times = hours.free(
            session, payee_id, 60, earliest=moment + timedelta(days=1), latest=moment + timedelta(days=4)
        )  # fmt: skip
        made = booking.book(
            session, buyer.client, payee_id=payee_id, offering_id=hour, starts_at=times[-1],
            client_time_zone=buyer.zone, locale="en_US", paid_by=paid_by, buyer_organization_id=buyer.id,
        )  # fmt: skip
        by_card = ChargeProvider.SIMULATED if paid_by is PaidBy.TAG else ChargeProvider.FUNDS
        charge: Charge = money.charge(session, SYSTEM, made, by_card)
        if paid_by is PaidBy.TAG:
            money.paid(session, SYSTEM, charge.id)
        made = booking.confirm(session, SYSTEM, made.id)
    if held and made.ends_at < utc_now():
        with clock.at(made.ends_at + timedelta(minutes=5)):
            booking.complete(session, SYSTEM, [made.id])
    return made
