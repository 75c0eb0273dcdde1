"""Payouts of what an organization earned itself: taken back by owners, and for whose eyes they are among the others."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.money import Money
from app.core.scope import operator
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payouts import batches
from app.payouts.rules import payout_number
from app.rails.base import Outcome
from jobs import payouts as payout_jobs
from tests.factories.organizations import provides
from tests.factories.payees import vendor
from tests.factories.payouts import PLATFORM, Shop, admin, deposit, earn, method
from tests.fakes.rail import fake_rail
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House
from tests.portals.org.test_provider_pages import HERE, held_session


@dataclass(frozen=True)
class Asked:
    """A batch of the organization's own payout, just asked for."""

    batch_id: UUID
    payout_id: UUID
    page: str


@pytest.fixture
def asked(house: House) -> Asked:
    own = provides(house.organization_id)
    held_session(house)
    with unit_of_work(PLATFORM) as session:
        method(session, own, "simulated")
    made = house.browser.post(f"{HERE}/provider-payouts/new", {})
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT id, batch_id FROM payouts")).one()
    return Asked(row.batch_id, row.id, made.headers["Location"])


def approve(asked: Asked, *, run: bool = False) -> None:
    checker = admin("checker@quittance.test")
    with fake_rail(outcome=Outcome.PAID):
        with unit_of_work(PLATFORM) as session:
            batches.approve(session, checker, asked.batch_id)
            if not run:
                return
            batches.run(session, checker, asked.batch_id)
            chunk = session.execute(text("SELECT id FROM batch_chunks")).scalar_one()
        payout_jobs.run_chunk(str(chunk))


def test_an_owner_takes_it_back(house: House, asked: Asked) -> None:
    assert "Take it back" in house.browser.get(asked.page).text
    confirm = f"{asked.page}/taking-back"
    assert "is ready again" in house.browser.get(confirm).text
    assert house.browser.post(confirm, {}).status_code == 303
    page = house.browser.get(asked.page).text
    assert "Take it back" not in page and "took it back" in page
    again = house.browser.post(confirm, {})
    assert again.status_code == 422 and "cancelled already" in again.text
    assert house.browser.post(f"{HERE}/provider-payouts/new", {}).status_code == 303  # it is ready again


def test_not_once_it_is_approved(house: House, asked: Asked) -> None:
    approve(asked)
    assert "Take it back" not in house.browser.get(asked.page).text
    late = house.browser.post(f"{asked.page}/taking-back", {})
    assert late.status_code == 422 and "approved" in late.text
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT status FROM batches")).scalar_one() == "approved"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.SUPPORT])
def test_nobody_else_takes_it_back(house: House, asked: Asked, role: Role) -> None:
    browser = house.member(role)
    page = browser.get(asked.page)
    assert page.status_code == (200 if role is Role.ADMIN else 403) and "Take it back" not in page.text
    assert browser.get(f"{asked.page}/taking-back").status_code == 403
    assert browser.post(f"{asked.page}/taking-back", {}).status_code == 403
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT status FROM batches")).scalar_one() == "submitted"


def test_strangers_find_nothing_to_take_back(house: House, asked: Asked, strangers: list[Browser]) -> None:
    for browser in strangers:
        assert browser.post(f"{asked.page}/taking-back", {}).status_code == 404


PAGES = ("payouts", "payouts.csv", "batches", "", "funds", "funds/statement.csv")


def others(house: House) -> str:
    """A payout to somebody else, which everybody who reads payouts sees. Returns its payee's name."""
    payee_id = vendor(house.organization_id, "Wilma Woodcutter")
    with unit_of_work(PLATFORM) as session:
        method(session, payee_id, "simulated")
        deposit(session, house.organization_id, Money(1_000_00, "GBP"))
    earn(Shop(house.organization_id, [payee_id]), 70_00)
    with unit_of_work(PLATFORM) as session:
        made = batches.create(session, operator(), house.organization_id)
        batches.plan(session, operator(), made.id)
    return "Wilma Woodcutter"


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SUPPORT])
def test_owners_and_admins_alone_see_it_among_the_payouts(house: House, asked: Asked, role: Role) -> None:
    approve(asked, run=True)
    name, number = others(house), payout_number(asked.payout_id)
    browser = house.browser if role is Role.OWNER else house.member(role)
    sees = role in (Role.OWNER, Role.ADMIN)
    with unit_of_work(PLATFORM) as session:
        batch = session.execute(text("SELECT number FROM batches WHERE own")).scalar_one()
    for path in PAGES:
        page = browser.get(f"{HERE}/{path}")
        assert page.status_code == 200
        shown = any(said in page.text for said in (number, str(asked.payout_id), batch))
        assert shown is sees, path
    assert name in browser.get(f"{HERE}/payouts").text
    expected = 200 if sees else 403
    for path in (
        f"payouts/{asked.payout_id}",
        f"payouts/{asked.payout_id}/remittance.pdf",
        f"batches/{asked.batch_id}",
        f"batches/{asked.batch_id}/progress",
    ):
        assert browser.get(f"{HERE}/{path}").status_code == expected, path


def test_a_failed_one_is_nothing_a_manager_has_to_look_at(house: House, asked: Asked) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payouts SET status = 'failed', status_at = now()"))
    held_session(house)
    assert "did not arrive" in house.browser.get(f"{HERE}/provider-payouts/new").text
    failed = "1 payout did not arrive lately"
    assert failed in house.browser.get(f"{HERE}/").text
    assert failed not in house.member(Role.MANAGER).get(f"{HERE}/").text


def test_the_organization_is_not_a_payee_of_its_own_list(house: House, asked: Asked) -> None:
    with unit_of_work(PLATFORM) as session:
        own = session.execute(text("SELECT payee_id FROM payouts")).scalar_one()
    assert house.browser.get(f"{HERE}/payees/{own}").status_code == 404
