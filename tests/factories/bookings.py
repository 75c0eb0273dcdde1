"""What consultants offer and what is booked with them, as rows: any price, any state, at any time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.charges.states import ChargeProvider
from app.consultations import money, pricing
from app.consultations.models import Consultation, ConsultationShare
from app.consultations.profile_models import Collaborator, Offering
from app.consultations.states import ConsultationStatus, OfferingKind, PaidBy, Practice
from app.core.clock import utc_now
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.db.types import new_id
from app.identity import service as identity
from app.identity.states import Portal
from tests.factories import consultations
from tests.factories.people import PLATFORM


def consultant(
    organization_id: UUID, practice: Practice = Practice.CONSULTANT, name: str = "Meera Iyer", currency: str = "USD"
) -> UUID:
    """One of any number of the same name, without an account; returns the payee's id."""
    return consultations.consultant(
        organization_id, practice, name, email=f"{new_id().hex[-12:]}@consultant.test", currency=currency, account=False
    )


def offering(
    organization_id: UUID, payee_id: UUID | None, price_minor: int, currency: str = "USD", minutes: int = 30
) -> Offering:
    """`payee_id` None: a length of the platform's."""
    with unit_of_work(PLATFORM) as session:
        made = Offering(
            id=new_id(), organization_id=organization_id, payee_id=payee_id,
            kind=OfferingKind.SESSION if payee_id is None else OfferingKind.CONSULTATION, title=f"{minutes} minutes",
            duration_minutes=minutes, price_minor=price_minor, currency=currency, version=1, capacity=1, active=True,
        )  # fmt: skip
        session.add(made)
        return made


def collaborators(offering_id: UUID, *weights: tuple[UUID, int]) -> None:
    with unit_of_work(PLATFORM) as session:
        for payee_id, weight in weights:
            session.add(Collaborator(id=new_id(), offering_id=offering_id, payee_id=payee_id, weight=weight))


def client_account(name: str = "Ada Lovelace", email: str = "ada@client.test") -> UUID:
    with unit_of_work(PLATFORM) as session:
        return identity.create_account(session, Portal.CLIENT, email, name)


def booked(
    what: Offering, payee_id: UUID, client: UUID, *, discount_minor: int = 0, hours: int = 48,
    paid_by: PaidBy = PaidBy.CARD, buyer: UUID | None = None, department: str | None = None,
) -> Consultation:  # fmt: skip
    """A consultation that waits for its payment, starting in `hours`, with the shares of its quote."""
    starts = utc_now() + timedelta(hours=hours)
    with unit_of_work(PLATFORM) as session:
        quote = pricing.quote(session, what, payee_id, discount_minor=discount_minor)
        made = Consultation(
            id=new_id(), organization_id=quote.organization_id, payee_id=payee_id, client_account_id=client,
            client_first_name="Ada", client_time_zone="UTC", locale="en", buyer_organization_id=buyer,
            department=department, offering_id=what.id, kind=what.kind, practice=Practice.CONSULTANT,
            title=what.title, starts_at=starts, ends_at=starts + timedelta(minutes=what.duration_minutes),
            clock_at=starts, paid_by=paid_by,
            currency=quote.list.currency, list_minor=quote.list.minor, price_minor=quote.price.minor,
            platform_minor=quote.platform.minor, organization_minor=quote.organization.minor,
            consultant_minor=quote.consultant.minor, pricing=quote.snapshot,
        )  # fmt: skip
        session.add(made)
        session.flush()
        for person, weight, part in quote.shares:
            session.add(
                ConsultationShare(
                    id=new_id(), organization_id=quote.organization_id, payee_id=person, consultation_id=made.id,
                    weight=weight, amount_minor=part.minor,
                )
            )  # fmt: skip
        return made


def advance(consultation_id: UUID, *steps: ConsultationStatus) -> None:
    with unit_of_work(PLATFORM) as session:
        found = session.get_one(Consultation, consultation_id)
        for step in steps:
            found.advance(step)
            if step is ConsultationStatus.CANCELLED:
                found.cancelled_at = utc_now()


def paid_session(
    organization_id: UUID, minor: int = 10_000_00, *, held: bool = True, payee_id: UUID | None = None, hours: int = 48
) -> Consultation:
    """A booking in rupees that its client paid by card; over and earned, unless not `held`. With a new consultant."""
    somebody = payee_id or consultant(organization_id, currency="INR")
    what = offering(organization_id, somebody, minor, "INR", 60)
    made = booked(what, somebody, client_account(email=f"{what.id.hex[-8:]}@client.test"), hours=hours)
    with unit_of_work(PLATFORM) as session:
        money.paid(session, SYSTEM, money.charge(session, SYSTEM, made, ChargeProvider.SIMULATED).id)
    advance(made.id, ConsultationStatus.BOOKED)
    if held:
        advance(made.id, ConsultationStatus.COMPLETED)
        with unit_of_work(PLATFORM) as session:
            money.release(session, SYSTEM, [made.id])
    return made
