"""Every line of the statement tells its life, and the pending card says why and until when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.clock import at, today
from app.core.money import Money
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payouts import service
from tests.factories import payables, payouts
from tests.factories.payouts import Shop
from tests.portals.payee.conftest import Vendor, World

LIFE = re.compile(r'hx-get="(/vendor/payments/lines/(bill|earning|payout)/[0-9a-f-]+)"')


def withdraw(world: World, vendor: Vendor, minor: int) -> Any:
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        amount = Money(minor, "GBP")
        return service.withdraw(
            session, vendor.actor, organization_id=world.organization_id, currency="GBP", amount=amount
        ).id


def test_each_line_has_its_timeline(world: World, vendor: Vendor) -> None:
    payables.approved(world.organization_id, vendor.actor, 400_00, description="Leaflets")
    payouts.earn(Shop(world.organization_id, [vendor.payee_id]), 50_00)
    withdraw(world, vendor, 420_00)
    page = vendor.browser.get("/vendor/payments").text
    found = {kind: path for path, kind in LIFE.findall(page)}
    assert set(found) == {"bill", "earning", "payout"}
    bill = vendor.browser.htmx("GET", found["bill"]).text
    assert bill.lstrip().startswith('<div class="drawer-body"')
    for said in ("Needs approval", "Ready to be paid.", "You asked for it.", "Where it is"):
        assert said in bill, said
    assert "You asked for it." in vendor.browser.htmx("GET", found["earning"]).text
    payout = vendor.browser.get(found["payout"])  # without script it is a page
    assert payout.status_code == 200 and "<h1" in payout.text and "You asked for it." in payout.text


def test_nobody_elses_line(world: World, vendor: Vendor, stranger: Vendor) -> None:
    payables.approved(world.organization_id, vendor.actor, 400_00)
    withdraw(world, vendor, 100_00)
    contractor = world.payee(Portal.CONTRACTOR)
    for path, kind in LIFE.findall(vendor.browser.get("/vendor/payments").text):
        assert vendor.browser.get(path).status_code == 200
        assert stranger.browser.get(path).status_code == 404
        assert contractor.browser.get(path.replace("/vendor/", "/contractor/")).status_code == 404
        other = {"bill": "payout", "payout": "bill"}[kind]
        assert vendor.browser.get(path.replace(f"/{kind}/", f"/{other}/")).status_code == 404
    assert vendor.browser.get("/vendor/payments/lines/wish/00000000-0000-0000-0000-000000000000").status_code == 404


def test_pending_says_why_and_until_when(world: World, superuser: Any) -> None:
    vendor = world.vendor("Net Works", terms_days=30)
    superuser.execute("UPDATE accounts SET time_zone = 'Europe/London'")  # days are the reader's
    with at(datetime(2026, 3, 2, 12, tzinfo=UTC)):
        day = today()
        payables.approved(world.organization_id, vendor.actor, 300_00, invoice_on=day)
        payables.approved(world.organization_id, vendor.actor, 40_00, invoice_on=day - timedelta(days=2))
        payables.approved(
            world.organization_id, vendor.actor, 100_00, agreed=80_00, invoice_on=day - timedelta(days=90)
        )
        payables.submitted(world.organization_id, vendor.actor, 7_00, invoice_on=day)
        card = vendor.browser.get("/vendor/payments").text.split("Pending")[1].split("In transit")[0]
    assert '£420<span class="cents">.00</span>' in card
    assert "£340.00 payment terms, first ready Mon, Mar 30" in card
    assert "£80.00 your yes or no, until Thu, Mar 5" in card
    assert "£7.00 in review" in card


def test_who_has_nothing_waits_for_nothing(vendor: Vendor) -> None:
    card = vendor.browser.get("/vendor/payments").text.split("Pending")[1].split("In transit")[0]
    assert "Nothing waits" in card


@pytest.mark.parametrize("minor", [150_00, 400_00])
def test_a_part_takes_the_oldest_first(world: World, vendor: Vendor, superuser: Any, minor: int) -> None:
    for number, amount in enumerate((100_00, 200_00, 300_00)):
        payables.approved(world.organization_id, vendor.actor, amount, description=f"Bill {number}")
    withdraw(world, vendor, minor)
    query = """SELECT e.description, i.amount_minor FROM payout_items i JOIN earnings e ON e.id = i.earning_id
        ORDER BY e.created_at, e.id"""
    expected = {
        150_00: [("Bill 0", 100_00), ("Bill 1", 50_00)],
        400_00: [("Bill 0", 100_00), ("Bill 1", 200_00), ("Bill 2", 100_00)],
    }
    assert superuser.execute(query).fetchall() == expected[minor]
