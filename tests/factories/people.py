"""Who acts in tests, with accounts of their own where maker and checker must differ."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations import service as organizations
from app.organizations.states import Role

PLATFORM = Scope.platform("tests")


def account(portal: Portal, email: str, payee_id: UUID | None = None) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return identity.create_account(session, portal, email, email.split("@")[0].title(), payee_id=payee_id)


def admin(email: str = "admin@quittance.test") -> Actor:
    """A platform admin."""
    return Actor(email.split("@")[0].title(), "platform_admin", account(Portal.ADMIN, email))


def member(organization_id: UUID, role: Role = Role.ADMIN, email: str = "") -> Actor:
    """A member of an organization, ready to act."""
    email = email or f"{role.label.lower()}@{organization_id.hex[-8:]}.test"
    account_id = account(Portal.ORG, email)
    name = email.split("@")[0].title()
    with unit_of_work(PLATFORM) as session:
        organizations.add_member(
            session,
            Actor("Tests", "operator"),
            organization_id,
            account_id=account_id,
            name=name,
            email=email,
            role=role,
        )
    return Actor(name, role.value, account_id, organization_id=organization_id, rank=role.rank)


def payee(payee_id: UUID, email: str = "", portal: Portal = Portal.VENDOR) -> Actor:
    """Somebody signed in for a payee."""
    email = email or f"{payee_id.hex[-8:]}@payee.test"
    return Actor(email.split("@")[0], "payee", account(portal, email, payee_id), payee_id=payee_id)
