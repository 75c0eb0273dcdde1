"""Consultants made through their services: payee, engagement, profile and account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.consultations import profiles
from app.consultations.house import set_up
from app.consultations.profile_rules import slug_of
from app.consultations.states import Practice
from app.core.scope import Actor, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees import service as payees
from app.payees.states import PayeeKind
from tests.factories import people
from tests.factories.people import PLATFORM


def house() -> UUID:
    """The organization that stands for the platform, made once a test."""
    with unit_of_work(PLATFORM) as session:
        return set_up(session, operator()).organization_id


def consultant(
    organization_id: UUID | None = None,
    practice: Practice = Practice.CONSULTANT,
    name: str = "Priya Raghavan",
    *,
    email: str = "",
    currency: str = "USD",
    account: bool = True,
    **more: Any,
) -> UUID:
    """The payee's id. Without an organization: of the house. `more`: as `profiles.create`.

    The address is made from the name unless it is given: priya@consultant.test.
    """
    organization_id = organization_id or house()
    email = email or f"{slug_of(name).split('-')[0]}@consultant.test"
    more = {"bio": f"{name} helps.", "specialties": ["Pricing"], "languages": ["en"], **more}
    with unit_of_work(PLATFORM) as session:
        made = payees.create(
            session, operator(), organization_id, kind=PayeeKind.CONSULTANT, name=name, currency=currency, email=email,
            terms_days=0,
        )  # fmt: skip
        profiles.create(
            session, operator(), payee_id=made.id, organization_id=organization_id, practice=practice, name=name,
            **more,
        )  # fmt: skip
        payee_id = made.id
    if account:
        people.account(Portal.CONSULTANT, email, payee_id)
    return payee_id


def signed(payee_id: UUID, name: str = "Priya Raghavan") -> Actor:
    """The consultant as they act; without an account of its own in the trail."""
    return Actor(name, "payee", payee_id=payee_id)
