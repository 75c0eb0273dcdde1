"""Payments: balances, the list, and who is refused."""

from __future__ import annotations

from app.identity.states import Portal
from tests.factories import payables, people
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World


def test_the_start_leads_to_payments(vendor: Vendor) -> None:
    answer = vendor.browser.get("/vendor/")
    assert (answer.status_code, answer.location) == (303, "/vendor/payments")


def test_bills_with_where_their_money_is(world: World, vendor: Vendor) -> None:
    payables.approved(world.organization_id, vendor.actor, 1_234_50, description="Autumn leaflets")
    payables.submitted(world.organization_id, vendor.actor, 200_00, description="Posters")
    page = vendor.browser.get("/vendor/payments").text
    assert '£1,234<span class="cents">.50</span>' in page
    assert "Autumn leaflets" in page and "Ready to be paid." in page
    assert "Posters" in page and "Waiting for Oxford to approve it." in page
    assert "£200.00 in review" in page


def test_nobody_sees_anothers_money(world: World, vendor: Vendor, stranger: Vendor) -> None:
    payables.approved(world.organization_id, vendor.actor, 1_234_50, description="Autumn leaflets")
    page = stranger.browser.get("/vendor/payments").text
    assert "Autumn leaflets" not in page and "1,234" not in page
    assert "Nothing earned yet" in page


def test_other_portals_and_strangers_are_refused(world: World, vendor: Vendor, client: Browser) -> None:
    answer = client.get("/vendor/payments")
    assert (answer.status_code, answer.location) == (303, "/vendor/signin?next=/vendor/payments")
    contractor = world.payee(Portal.CONTRACTOR)
    assert contractor.browser.get("/vendor/payments").status_code == 404
    assert contractor.browser.get("/contractor/payments").status_code == 200
    people.admin("root@quittance.test")
    assert world.sign_in(Portal.ADMIN, "root@quittance.test").get("/vendor/payments").status_code == 404
