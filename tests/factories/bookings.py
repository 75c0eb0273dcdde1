"""Consultants who can be booked, with what they offer: rows as the profiles' and offerings' services leave them."""

from __future__ import annotations

from uuid import UUID

from app.consultations.profile_models import Collaborator, ConsultantProfile, Offering
from app.consultations.states import OfferingKind, Practice
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.payees import service as payees
from app.payees.states import PayeeKind
from tests.factories.people import PLATFORM


def consultant(
    organization_id: UUID, practice: Practice = Practice.CONSULTANT, name: str = "Meera Iyer", currency: str = "USD"
) -> UUID:
    """A consultant engaged by the organization, listed and accepting; returns the payee's id."""
    with unit_of_work(Scope.organization(organization_id)) as session:
        made = payees.create(
            session, operator(), organization_id, kind=PayeeKind.CONSULTANT, name=name, currency=currency, terms_days=0
        ).id
    with unit_of_work(PLATFORM) as session:
        session.add(
            ConsultantProfile(
                id=new_id(), payee_id=made, organization_id=organization_id, practice=practice,
                slug=f"consultant-{made.hex[-10:]}", name=name, bio="Advises.", skills=[], specialties=[],
                languages=["en"], portfolio_urls=[],
            )
        )  # fmt: skip
    return made


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
