"""Two admins with browsers of their own, an organization with money, and people who have no business here."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from app.audit import queries as trail
from app.consultations.models import Consultation
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payouts import service
from tests.factories import bookings, client_money, people
from tests.factories import payouts as make
from tests.factories.organizations import organization
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
ADMIN, CHECKER = "admin@quittance.test", "checker@quittance.test"


@pytest.fixture
def admin(app: Flask) -> Actor:
    return people.admin(ADMIN)


@pytest.fixture
def checker(app: Flask) -> Actor:
    return people.admin(CHECKER)


@pytest.fixture
def browser(admin: Actor, sign_in: SignIn) -> Browser:
    """The first admin's."""
    return sign_in(Portal.ADMIN, ADMIN)


@pytest.fixture
def second(checker: Actor, sign_in: SignIn) -> Browser:
    """The second admin's."""
    return sign_in(Portal.ADMIN, CHECKER)


@pytest.fixture
def place(app: Flask) -> Shop:
    """Four vendors paid by the simulated rail, and £10,000.00 of funds."""
    return make.shop(4)


@pytest.fixture
def strangers(place: Shop, sign_in: SignIn) -> list[Browser]:
    """A vendor, and the owner of the organization: signed in, and not here."""
    people.payee(place.payee_ids[0], "vendor@example.test")
    people.member(place.organization_id, Role.OWNER, "owner@example.test")
    return [sign_in(Portal.VENDOR, "vendor@example.test"), sign_in(Portal.ORG, "owner@example.test")]


@pytest.fixture
def held(database_url: str) -> Consultation:
    """Ada Lovelace pays Meera Iyer $100.00 for half an hour of Fernhill; the platform has 10 %, Fernhill 5 %."""
    fernhill = organization("fernhill", currency="USD")
    meera = bookings.consultant(fernhill)
    made = bookings.booked(bookings.offering(fernhill, meera, 100_00), meera, bookings.client_account())
    client_money.paid(made)
    return made


def told_of(consultation_id: UUID) -> list[str]:
    """The notes of its timeline."""
    with unit_of_work(PLATFORM) as session:
        return [row.note for row in trail.timeline(session, consultation_id)]


def withdrawn(
    place: Shop, minor: int = 100_00, payee: int = 0, actor: Actor | None = None, currency: str = "GBP"
) -> UUID:
    """A payout that waits for approval; `actor` asked for it (default: the payee)."""
    make.earn(place, minor, payee=payee, currency=currency)
    asker = actor or make.payee_actor(place.payee_ids[payee])
    asker = Actor(asker.label, "payee", asker.account_id, payee_id=place.payee_ids[payee])
    with unit_of_work(PLATFORM) as session:
        return service.withdraw(session, asker, organization_id=place.organization_id, currency=currency).id


def approved(place: Shop, approver: Actor, minor: int = 100_00, payee: int = 0, currency: str = "GBP") -> UUID:
    payout_id = withdrawn(place, minor, payee, currency=currency)
    with unit_of_work(PLATFORM) as session:
        assert not service.approve(session, approver, [payout_id])[0].refused
    return payout_id


def status(payout_id: UUID) -> str:
    with unit_of_work(PLATFORM) as session:
        return service.get(session, payout_id).status.value
