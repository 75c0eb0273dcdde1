"""An organization in India is paid by RazorpayX: the same form, sealed, and nobody but owners."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.organizations.states import Role
from tests.factories.organizations import provides
from tests.factories.payouts import PLATFORM
from tests.fakes.razorpayx import ENVIRONMENT
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House
from tests.stores import environment

HERE = "/org/oxford/payout-account"
NEW = f"{HERE}/new?rail=razorpayx"
BANK = {
    "detail_kind": "bank_account", "detail_account_holder": "Oxford India LLP",
    "detail_account_number": "5020 0012 345678", "detail_ifsc": "hdfc0000060", "default": "y",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own(house: House) -> Iterator[UUID]:
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).country = "IN"
    with environment(**ENVIRONMENT):
        yield provides(house.organization_id)


def test_offered_in_india_and_nowhere_else(house: House) -> None:
    assert "rail=razorpayx" in house.browser.get(f"{HERE}/new").text
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).country = "GB"
    page = house.browser.get(f"{HERE}/new").text
    assert "rail=razorpayx" not in page and "rail=bank_file" in page


def test_wrong_fields_are_named_and_nothing_is_lost(house: House, own: UUID) -> None:
    wrong = {**BANK, "detail_ifsc": "HDFC1", "detail_account_number": "12", "detail_vpa": "a@b"}
    answer = house.browser.post(NEW, wrong)
    assert answer.status_code == 422
    for said in ("IFSC", "5 to 35", "choose “UPI address” above", "Oxford India LLP", "HDFC1"):
        assert said in answer.text
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT count(*) FROM methods")).scalar_one() == 0


def test_sealed_shown_by_the_last_four_and_a_change_waits(house: House, own: UUID) -> None:
    assert 'value="vpa"' in house.browser.get(NEW).text
    assert house.browser.post(NEW, BANK).status_code == 303
    page = house.browser.get(HERE).text
    assert "RazorpayX" in page and "5678" in page and "12345678" not in page and "usable from" not in page
    upi = {"detail_kind": "vpa", "detail_vpa": "oxford.india@okhdfcbank", "default": "y"}
    assert "72 hours" in house.browser.get(NEW).text
    assert house.browser.post(NEW, upi).status_code == 303
    page = house.browser.get(HERE).text
    assert "ndia" in page and "okhdfcbank" not in page and "usable from" in page
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT rail, last4, details_sealed FROM methods ORDER BY created_at")).all()
    assert [(row.rail, row.last4) for row in rows] == [("razorpayx", "5678"), ("razorpayx", "ndia")]
    assert all("5020" not in row.details_sealed and "okhdfc" not in row.details_sealed for row in rows)
    assert house.browser.post(NEW, BANK).status_code in (409, 422)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.SUPPORT])
def test_only_owners(house: House, role: Role) -> None:
    browser = house.member(role)
    assert browser.get(NEW).status_code == 403
    assert browser.post(NEW, BANK).status_code == 403


def test_strangers_find_nothing(house: House, strangers: list[Browser]) -> None:
    for browser in strangers:
        assert browser.get(NEW).status_code == 404
