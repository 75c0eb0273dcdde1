"""An organization with an owner and a manager, some bills to decide on, and people who have no business here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from app.core.scope import Actor, Scope
from app.db.session import engine, unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payables import queries
from app.payables.queries import RequestFilter
from app.payees import queries as payee_queries
from tests.factories import organizations, payables, payees, people
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
BILLS = payables.csv(
    "T1,S-1,SMS Connections Ltd,198.35,01/08/2017",
    "T2,S-2,Acorn Trees,6203.92,18/07/2017",
    "T3,S-1,SMS Connections Ltd,-50.00,19/07/2017",
)


@dataclass(frozen=True)
class House:
    """The organization and those who work in it."""

    organization_id: UUID
    owner: Actor
    browser: Browser
    sign_in: SignIn

    def member(self, role: Role) -> Browser:
        email = f"{role.label.lower()}@oxford.test"
        people.member(self.organization_id, role, email)
        return self.sign_in(Portal.ORG, email)

    def bills(self) -> dict[str, Any]:
        """Reference → row of the queue."""
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            page = queries.approval_queue(session, self.organization_id, RequestFilter(), limit=200)
        return {row.reference: row for row in page.items}

    def payees(self) -> dict[str, Any]:
        """Name → row of the list."""
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            page = payee_queries.payees(session, self.organization_id, limit=200)
        return {row.name: row for row in page.items}

    def imported(self, body: bytes = BILLS) -> dict[str, Any]:
        payables.imported(self.organization_id, body)
        return self.bills()


@pytest.fixture
def house(sign_in: SignIn) -> House:
    organization_id = organizations.organization("oxford")
    owner = people.member(organization_id, Role.OWNER, "owner@oxford.test")
    return House(organization_id, owner, sign_in(Portal.ORG, "owner@oxford.test"), sign_in)


@pytest.fixture
def strangers(house: House, sign_in: SignIn) -> list[Browser]:
    """Signed in and not here: the owner of another organization, a vendor of this one, an admin of the platform."""
    other = organizations.organization("cambridge")
    people.member(other, Role.OWNER, "owner@cambridge.test")
    people.payee(payees.vendor(house.organization_id, "Some vendor"), "vendor@example.test")
    people.admin("admin@quittance.test")
    return [
        sign_in(Portal.ORG, "owner@cambridge.test"),
        sign_in(Portal.VENDOR, "vendor@example.test"),
        sign_in(Portal.ADMIN, "admin@quittance.test"),
    ]


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database within the block, but for stating the scope of a transaction."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            sent.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    yield sent
    event.remove(engine(), "before_cursor_execute", note)


def upload(body: bytes, name: str = "bills.csv", **fields: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(body), name), **fields}


def value_of(html: str, name: str) -> str:
    """What a hidden field of a form holds."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return found[1].replace("&amp;", "&").replace("&#43;", "+")
