"""The house: the organization that stands for the platform and engages the advisors, with the platform's price list."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.consultations import offerings
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.organizations import service as organizations
from app.organizations.models import Organization


@dataclass(frozen=True, slots=True)
class House:
    """`made`: it was not there before. `lengths`: how many of the platform's prices were missing and are there now."""

    organization_id: UUID
    made: bool
    lengths: int


def set_up(
    session: ScopedSession, actor: Actor, *, name: str = "Quittance", currency: str = "USD", time_zone: str = "UTC"
) -> House:
    """Make what is missing of it; twice is once, and what is there stays as it is. Needs a platform scope.

    Raises Forbidden, Invalid, Conflict.
    """
    actor.require(Permission.PLATFORM)
    locks.hold(session, "the house")
    found = session.scalar(select(Organization.id).where(Organization.is_house))
    house = found or organizations.create(
        session, actor, name=name, currency=currency, time_zone=time_zone, is_house=True
    ).id  # fmt: skip
    return House(house, found is None, offerings.seed_sessions(session))
