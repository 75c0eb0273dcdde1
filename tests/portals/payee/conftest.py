"""Two vendors of one organization, each signed in: the second is who is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Actor
from app.identity.states import Portal
from app.payees.states import PayeeKind
from tests.factories import methods, organizations, payees, people
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


@dataclass(frozen=True)
class Vendor:
    """A payee with an account, as the service sees it (`actor`) and in front of the pages (`browser`)."""

    payee_id: UUID
    actor: Actor
    browser: Browser


@dataclass(frozen=True)
class World:
    organization_id: UUID
    sign_in: SignIn

    def vendor(self, name: str = "Lumen Print", *, method: bool = True, **more: Any) -> Vendor:
        """`more`: as `payees.service.create`, e.g. terms_days."""
        payee_id = payees.vendor(self.organization_id, name, **more)
        return self._with_account(payee_id, Portal.VENDOR, name, method)

    def payee(self, portal: Portal, name: str = "Tomas Rivera", *, method: bool = True, **more: Any) -> Vendor:
        payee_id = payees.vendor(self.organization_id, name, kind=PayeeKind(portal.value), **more)
        return self._with_account(payee_id, portal, name, method)

    def _with_account(self, payee_id: UUID, portal: Portal, name: str, method: bool) -> Vendor:
        email = f"{name.split()[0].lower()}@{portal.value}.test"
        actor = people.payee(payee_id, email, portal)
        if method:
            methods.simulated(payee_id)
        return Vendor(payee_id, actor, self.sign_in(portal, email))


@pytest.fixture
def world(sign_in: SignIn) -> World:
    return World(organizations.organization("oxford"), sign_in)


@pytest.fixture
def vendor(world: World) -> Vendor:
    return world.vendor()


@pytest.fixture
def stranger(world: World) -> Vendor:
    """Another vendor of the same organization."""
    return world.vendor("Other Works")
