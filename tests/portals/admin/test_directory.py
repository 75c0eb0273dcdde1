"""Payees, organizations and their money in."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.money import Money
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.organizations import queries as organizations
from app.organizations.states import Role
from app.payouts import funding
from tests.factories import charges, people
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.conftest import Browser


def test_payees_are_searched_and_sorted_by_kind(browser: Browser, place: Shop) -> None:
    everyone = browser.get("/admin/payees").text
    assert "Vendor 000" in everyone and "Vendor 003" in everyone
    found = browser.get("/admin/payees?q=endor+002").text
    assert "Vendor 002" in found and "Vendor 001" not in found
    assert "Nobody matches these filters" in browser.get("/admin/payees?kind=creator").text
    assert "Nobody" not in browser.get("/admin/vendors").text and "endor 002" in browser.get("/admin/vendors").text
    assert "endor 002" not in browser.get("/admin/creators").text
    assert browser.htmx("GET", "/admin/payees?q=002").text.lstrip().startswith("<section")


def test_a_payee_page_keeps_organizations_and_currencies_apart(browser: Browser, place: Shop) -> None:
    other = make.shop(0, slug="other")
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text("INSERT INTO engagements (organization_id, payee_id, currency) VALUES (:o, :p, 'USD')"),
            {"o": other.organization_id, "p": place.payee_ids[0]},
        )
    make.earn(place, 100_00)
    make.earn(Shop(other.organization_id, place.payee_ids), 70_00, currency="USD")
    withdrawn(place, 30_00)
    page = browser.get(f"/admin/payees/{place.payee_ids[0]}").text
    assert "Shop" in page and "Other" in page
    assert "$70.00" in page and "£130.00" in page  # all of the pounds are in one payout, the dollars are available
    assert "••8905" in page and "12345678905" not in page
    assert "/admin/payouts/" in page


def test_a_destination_that_two_payees_share_is_pointed_out(browser: Browser, place: Shop) -> None:
    assert "same destination" not in browser.get(f"/admin/payees/{place.payee_ids[0]}").text
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET details_index = 'same'"))
    page = browser.get(f"/admin/payees/{place.payee_ids[0]}").text
    assert "Paid at the same destination as somebody else" in page and "Vendor 001" in page
    assert "3 other payees are paid here too" in page


def test_limits_are_set_and_used(browser: Browser, place: Shop) -> None:
    path = "/admin/organizations/shop/funds-policy"
    form = {"currency": "GBP", "credit_limit": "2,500.00", "second_approval": "50"}
    assert browser.post(path, form).status_code == 303
    with unit_of_work(PLATFORM) as session:
        policy = organizations.funds_policies(session, place.organization_id)["GBP"]
        assert (policy.credit_limit_minor, policy.second_approval_minor) == (2_500_00, 50_00)
        assert funding.spendable(session, place.organization_id, "GBP") == Money(12_500_00, "GBP")
    page = browser.get("/admin/organizations/shop").text
    assert "£2,500.00" in page and "£50.00" in page
    withdrawn(place, 60_00)
    assert "Two people" in browser.get("/admin/payouts").text
    browser.post(path, {"currency": "GBP", "credit_limit": "0", "second_approval": ""})
    assert "Two people" not in browser.get("/admin/payouts").text


@pytest.mark.parametrize(
    ("field", "typed"), [("credit_limit", "lots"), ("credit_limit", "-5"), ("second_approval", "1.2345")]
)
def test_limits_that_make_no_sense_are_refused(browser: Browser, place: Shop, field: str, typed: str) -> None:
    form = {"currency": "GBP", "credit_limit": "0", "second_approval": "", field: typed}
    answer = browser.post("/admin/organizations/shop/funds-policy", form)
    assert answer.status_code == 422 and 'class="error"' in answer.text
    with unit_of_work(PLATFORM) as session:
        assert not organizations.funds_policies(session, place.organization_id)


def test_a_deposit_is_confirmed_by_somebody_else(browser: Browser, second: Browser, place: Shop) -> None:
    form = {"currency": "GBP", "amount": "1,500.00", "reference": "OCC 77", "sent_on": "2026-11-20"}
    assert browser.post("/admin/organizations/shop/deposits/new", form).status_code == 303
    page = browser.get("/admin/deposits").text
    assert "OCC 77" in page and "You announced this deposit yourself" in page
    with unit_of_work(PLATFORM) as session:
        deposit_id = session.execute(text("SELECT id FROM deposits")).scalar_one()
    refused = browser.post(f"/admin/deposits/{deposit_id}/confirmation")
    assert refused.status_code == 403 and "You announced this deposit yourself" in refused.text
    answer = second.htmx("POST", f"/admin/deposits/{deposit_id}/confirmation")
    assert f'hx-target="#deposit-{deposit_id}"' in answer.text and "£1,500.00 is in the funds" in answer.text
    assert make.funds_left(place) == 11_500_00
    assert "OCC 77" in browser.get("/admin/deposits?state=confirmed").text
    assert second.post(f"/admin/deposits/{deposit_id}/confirmation").status_code == 409


def test_a_deposit_that_never_came_is_rejected_with_a_reason(browser: Browser, place: Shop) -> None:
    deposit_id = charges.announced(place.organization_id, 900_00, reference="Lost")
    path = f"/admin/deposits/{deposit_id}/rejection"
    assert "Reject this deposit?" in browser.htmx("GET", path).text
    assert browser.post(path, {"reason": ""}).status_code == 422
    browser.post(path, {"reason": "Not on the statement"})
    assert "Not on the statement" in browser.get("/admin/deposits?state=rejected").text
    assert make.funds_left(place) == 10_000_00


def test_a_deposit_form_says_what_is_wrong(browser: Browser, place: Shop) -> None:
    form = {"currency": "GBP", "amount": "", "reference": "", "sent_on": "2999-01-01"}
    answer = browser.post("/admin/organizations/shop/deposits/new", form)
    assert answer.status_code == 422 and "Write an amount." in answer.text and "Give the reference" in answer.text
    future = browser.post("/admin/organizations/shop/deposits/new", {**form, "amount": "5", "reference": "x"})
    assert future.status_code == 422 and "This day has not come yet." in future.text


def test_an_organization_page_has_its_money_and_people(browser: Browser, admin: Actor, place: Shop) -> None:
    people.member(place.organization_id, Role.OWNER, "olga@example.test")
    make.earn(place, 12_000_00)
    page = browser.get("/admin/organizations/shop").text
    assert "£10,000.00" in page and "£12,000.00" in page and "£2,000.00 is missing" in page
    assert "olga@example.test" in page and "/admin/batches/new?organization=shop" in page
    assert "Shop" in browser.get("/admin/organizations").text
