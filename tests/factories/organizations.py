"""Organizations made through their service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.scope import operator
from app.db.session import unit_of_work
from app.organizations import own_payee, service
from app.organizations.states import OrganizationKind
from tests.factories.people import PLATFORM


def organization(slug: str = "oxford", *, currency: str = "GBP", time_zone: str = "Europe/London", **more: Any) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return service.create(
            session, operator(), name=slug.title(), slug=slug, currency=currency, time_zone=time_zone, **more
        ).id


def provides(organization_id: UUID) -> UUID:
    """Make it one that provides; returns its own payee."""
    with unit_of_work(PLATFORM) as session:
        service.get(session, organization_id).kind = OrganizationKind.PROVIDER
        session.flush()
        made = own_payee.ensure(session, operator(), organization_id)
        assert made is not None
        return made


def credit(organization_id: UUID, limit_minor: int, currency: str = "GBP") -> None:
    with unit_of_work(PLATFORM) as session:
        service.set_funds_policy(session, operator(), organization_id, currency, credit_limit_minor=limit_minor)
