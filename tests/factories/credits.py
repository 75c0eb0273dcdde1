"""Organizations that pay by seat credits, and packs they bought and paid."""

from __future__ import annotations

from uuid import UUID

from app.billing import packs
from app.billing.models import SeatPack
from app.billing.rules import Sold
from app.charges.states import ChargeProvider
from app.consultations.profile_models import Offering
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.organizations.states import BillingMode, Role
from tests.factories import organizations, people
from tests.factories.people import PLATFORM


def buyer(slug: str = "fernhill", **more: object) -> UUID:
    more = {"currency": "USD", "time_zone": "UTC", "billing_mode": BillingMode.SEAT_PACK, **more}
    return organizations.organization(slug, **more)  # type: ignore[arg-type]


def owner(organization_id: UUID) -> Actor:
    return people.member(organization_id, Role.OWNER, f"boss@{organization_id.hex[-8:]}.test")


def sold(what: Offering) -> Sold:
    return Sold(what.id, what.title, what.price)


def asked(who: Actor, what: Offering, number: int = 5, provider: ChargeProvider = ChargeProvider.SIMULATED) -> UUID:
    """A pack whose charge waits; the charge's id."""
    assert who.organization_id is not None
    with unit_of_work(Scope.organization(who.organization_id)) as session:
        return packs.buy(session, who, who.organization_id, sold(what), number, provider)[1].id


def pack(who: Actor, what: Offering, number: int = 5, provider: ChargeProvider = ChargeProvider.SIMULATED) -> SeatPack:
    """Bought and paid."""
    charge_id = asked(who, what, number, provider)
    with unit_of_work(PLATFORM) as session:
        packs.paid(session, SYSTEM, charge_id)
        return packs.locked(session, packs.client.locked(session, charge_id).subject_id)
