"""Funds, payouts and batches of an organization, from the first deposit to the remittance advice."""

from __future__ import annotations

import csv
import io
import re

import pytest

from app.core.clock import today
from app.core.scope import operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payouts import batches, service
from tests.factories import charges, organizations, people
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, SignIn

DEPOSIT = {"amount": "12,000.00", "currency": "GBP", "reference": "TOP-UP 7", "sent_on": ""}


@pytest.fixture
def shop(sign_in: SignIn) -> tuple[Shop, Browser]:
    """Vendors with money ready and £100.00 of funds, and the owner's browser."""
    place = make.shop(3, funds=100_00)
    people.member(place.organization_id, Role.OWNER, "owner@shop.test")
    return place, sign_in(Portal.ORG, "owner@shop.test")


def test_a_deposit_is_announced_and_counts_once_confirmed(house: House) -> None:
    sent = {**DEPOSIT, "sent_on": today().isoformat()}
    assert house.browser.post("/org/oxford/funds/deposits/new", {**sent, "amount": "-5"}).status_code == 422
    assert house.browser.post("/org/oxford/funds/deposits/new", {**sent, "reference": ""}).status_code == 422
    late = house.browser.post("/org/oxford/funds/deposits/new", {**sent, "sent_on": "2999-01-01"})
    assert late.status_code == 422 and "This day has not come yet." in late.text
    done = house.browser.post("/org/oxford/funds/deposits/new", sent)
    assert done.status_code == 303
    page = house.browser.get(done.location).text
    assert "TOP-UP 7" in page and "Announced" in page and "£12,000.00 announced" in page
    assert "Nothing moved yet" in page
    again = house.browser.post("/org/oxford/funds/deposits/new", sent)
    assert again.status_code == 422 and "Announced already." in again.text


def test_the_statement_has_every_line_with_the_balance_after_it(house: House) -> None:
    for n in range(1, 31):
        charges.funds(house.organization_id, n * 100, reference=f"Top-up {n}")
    charges.funds(house.organization_id, 5_00, "USD", reference="Dollars")
    page = house.browser.get("/org/oxford/funds").text
    assert "£465" in page and "Top-up 30" in page and "Top-up 5</small></th>" not in page and "Statement in GBP" in page
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Top-up 5</small></th>" in house.browser.get(older).text
    dollars = house.browser.get("/org/oxford/funds?currency=USD").text
    assert "Dollars" in dollars and "$5" in dollars
    rows = list(csv.DictReader(io.StringIO(house.browser.get("/org/oxford/funds/statement.csv").text)))
    assert len(rows) == 30 and rows[0]["Balance"] == "465.00" and rows[-1]["Balance"] == "1.00"
    assert len({row["Balance"] for row in rows}) == 30


def test_what_is_needed_against_what_is_there(shop: tuple[Shop, Browser]) -> None:
    place, browser = shop
    make.earn(place, 250_00)
    make.earn(place, 30_00, payee=1, currency="USD")
    page = browser.get("/org/shop/funds").text
    assert "£150.00 is missing" in page
    overview = browser.get("/org/shop/").text
    assert "£150.00 more is needed to pay what is due" in overview
    assert "$30.00 USD more is needed" in overview  # never added to the pounds
    organizations.credit(place.organization_id, 200_00)
    assert "£150.00 is missing" not in browser.get("/org/shop/funds").text
    assert "and £200.00 credit" in browser.get("/org/shop/funds").text


def test_payouts_are_read_and_not_changed(shop: tuple[Shop, Browser], strangers: list[Browser]) -> None:
    place, browser = shop
    make.earn(place, 40_00, -5_00)
    with unit_of_work(PLATFORM) as session:
        payout_id = service.withdraw(
            session, make.payee_actor(place.payee_ids[0]), organization_id=place.organization_id, currency="GBP"
        ).id
    listed = browser.get("/org/shop/payouts").text
    assert "Vendor 000" in listed and "£35.00" in listed and "Waiting for approval." in listed
    path = f"/org/shop/payouts/{payout_id}"
    page = browser.get(path).text
    assert "−£5.00" in page and "£40.00" in page and "2 bills" in page
    assert "/remittance.pdf" not in page
    assert browser.get(f"{path}/remittance.pdf").status_code == 409
    assert 'method="post"' not in page.split("<main")[1].split("</main>")[0]
    for stranger in strangers:
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"{path}/remittance.pdf").status_code == 404
    rows = list(csv.DictReader(io.StringIO(browser.get("/org/shop/payouts.csv").text)))
    assert [(row["Payee"], row["Amount"]) for row in rows] == [("Vendor 000", "35.00")]
    assert "Vendor 000" not in browser.get("/org/shop/payouts?view=paid").text
    assert "Vendor 000" in browser.get("/org/shop/payouts?q=vendor&view=open").text


def test_a_batch_waits_for_funds_and_says_so(shop: tuple[Shop, Browser]) -> None:
    place, browser = shop
    make.earn(place, 80_00)
    make.earn(place, 90_00, payee=1)
    maker, checker = make.admin("maker@quittance.test"), make.admin("second@quittance.test")
    with unit_of_work(PLATFORM) as session:
        batch = batches.create(session, maker, place.organization_id, title="November")
        batches.plan(session, operator(), batch.id)
        batches.submit(session, maker, batch.id)
        batches.approve(session, checker, batch.id)
        batches.run(session, checker, batch.id)
        batch_id = batch.id
    listed = browser.get("/org/shop/batches").text
    assert "November" in listed and "£170.00" in listed
    page = browser.get(f"/org/shop/batches/{batch_id}").text
    statement = browser.get("/org/shop/funds").text
    assert "Payout Q-" in statement and "Vendor 000</small>" in statement
    rows = list(csv.DictReader(io.StringIO(browser.get("/org/shop/funds/statement.csv").text)))
    assert rows[0]["Payee"] == "Vendor 000" and rows[0]["Balance"] == "20.00"
    assert "1 on hold" in page and "Simulated transfer" in page and 'hx-trigger="every 3s"' in page
    part = browser.htmx("GET", f"/org/shop/batches/{batch_id}/progress").text
    assert part.lstrip().startswith('<div class="stack" id="progress"')
    held = re.search(r'href="(/org/shop/payouts/[0-9a-f-]{36})"', browser.get("/org/shop/payouts?view=on_hold").text)
    assert held
    waiting = browser.get(held[1]).text
    assert "Waiting for the organization to top up its funds." in waiting and "goes on by itself" in waiting
    assert "1 payout waits for funds" in browser.get("/org/shop/").text


def test_a_remittance_advice_once_it_was_sent(shop: tuple[Shop, Browser], superuser: object) -> None:
    place, browser = shop
    make.earn(place, 40_00)
    with unit_of_work(PLATFORM) as session:
        payout_id = service.withdraw(
            session, make.payee_actor(place.payee_ids[0]), organization_id=place.organization_id, currency="GBP"
        ).id
    superuser.execute("UPDATE payouts SET status = 'processing' WHERE id = %s", (payout_id,))  # type: ignore[attr-defined]
    page = browser.get(f"/org/shop/payouts/{payout_id}").text
    assert "Remittance advice" in page
    answer = browser.get(f"/org/shop/payouts/{payout_id}/remittance.pdf")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF-") and answer.content_type == "application/pdf"
