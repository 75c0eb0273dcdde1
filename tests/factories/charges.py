"""Money in, announced and confirmed by two people."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from app.charges import service
from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import unit_of_work
from tests.factories.people import PLATFORM


def funds(organization_id: UUID, minor: int, currency: str = "GBP", reference: str = "Top-up") -> UUID:
    """A confirmed deposit."""
    with unit_of_work(PLATFORM) as session:
        deposit_id = announced(organization_id, minor, currency, reference)
        return service.confirm(session, Actor("Second", "operator"), deposit_id).id


def announced(
    organization_id: UUID, minor: int, currency: str = "GBP", reference: str = "Top-up", sent_on: date | None = None
) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return service.announce(
            session,
            Actor("First", "operator"),
            organization_id,
            amount=Money(minor, currency),
            reference=reference,
            sent_on=sent_on or today(),
        ).id
