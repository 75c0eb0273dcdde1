"""Drafts of organizations, as the wizard makes them."""

from __future__ import annotations

from uuid import UUID

from app.billing import profiles
from app.billing.profiles import Details
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations import drafts
from app.organizations.drafts import Identity
from app.organizations.states import Role
from tests.factories import people

OWNER = "nora@northgate.test"


def identity(slug: str = "northgate", **other: str) -> Identity:
    said = {
        "name": "Northgate Coaching", "slug": slug, "legal_name": "Northgate Coaching Ltd", "country": "GB",
        "currency": "GBP", "time_zone": "Europe/London", **other,
    }  # fmt: skip
    return Identity(**said)


def founder(email: str = OWNER) -> Actor:
    """Somebody with an account and no organization."""
    return Actor("Nora", "account", people.account(Portal.ORG, email))


def started(who: Actor, slug: str = "northgate", email: str = OWNER) -> UUID:
    """A draft with its billing details."""
    with unit_of_work(Scope.public()) as session:
        made = drafts.start(session, who, owner=who.label, email=email, identity=identity(slug)).id
    with unit_of_work(Scope.organization(made)) as session:
        profiles.save(session, owner(who, made), made, Details("Northgate Coaching Ltd", "GB", city="York"))
    return made


def owner(who: Actor, organization_id: UUID) -> Actor:
    """The same person inside their draft."""
    return Actor(who.label, Role.OWNER.value, who.account_id, organization_id, rank=Role.OWNER.rank)
