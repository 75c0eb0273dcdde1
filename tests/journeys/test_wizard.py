"""Agency owners sign up and open their organization in a real browser: as one that buys, as one that provides; wrong
input on the way, left and resumed in between."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, letter, link_in, signs_in
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser


def signs_up(page: Any, base: str, name: str, email: str) -> None:
    page.goto(f"{base}/org/signup")
    page.get_by_role("button", name="Mail me the link").click()
    expect(page.get_by_text("Write your e-mail address.").first).to_be_visible()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_role("button", name="Mail me the link").click()
    page.wait_for_url(re.compile("/org/signin/sent"))
    signs_in(page, link_in(letter(page, base, email, "sign-in link")))
    page.wait_for_url(re.compile("/org/new/$"))


def goes_on(page: Any, to: str) -> None:
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url(re.compile(rf"/org/new/[0-9a-f-]+/{to}$"))


def is_refused(page: Any, why: str) -> None:
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("alert").get_by_text(why)).to_be_visible()


def leaves_and_comes_back(page: Any, base: str, demo: Demo, email: str, step: str) -> None:
    """The only organization is the draft: its owner is led to where it was left."""
    page.context.clear_cookies()
    signs_in(page, demo.link("org", email))
    page.goto(f"{base}/org/")
    page.wait_for_url(re.compile(rf"/org/new/[0-9a-f-]+/{step}$"))


def launches(page: Any, slug: str) -> None:
    page.get_by_role("button", name=re.compile("^Launch")).click()
    page.wait_for_url(re.compile(rf"/org/{slug}/$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def one(query: str, **values: Any) -> Any:
    with unit_of_work(PLATFORM) as session:
        return tuple(session.execute(text(query), values).one())


def test_a_buyer_opens_its_organization(demo: Demo, visit: Visit) -> None:
    base, email, page = demo.services.base_url, "nora@hillside.test", visit()
    signs_up(page, base, "Nora North", email)
    page.get_by_label("Short name").fill("oxford")
    expect(page.locator("#slug-free")).to_contain_text("Taken")
    is_refused(page, "Choose a country.")
    page.get_by_label("Name", exact=True).fill("Hillside Institute")
    page.get_by_label("Short name").fill("hillside")
    page.get_by_label("Legal name").fill("Hillside Institute LLP")
    page.get_by_label("Country", exact=True).select_option("IN")
    page.get_by_label("Tax number").fill("27AAPFU0939F1ZX")
    is_refused(page, "look for a typing error")
    page.get_by_label("Tax number").fill("27AAPFU0939F1ZV")
    page.get_by_label("Currency").select_option("INR")
    goes_on(page, "kind")
    page.get_by_label("We buy").check()
    goes_on(page, "billing")
    leaves_and_comes_back(page, base, demo, email, "billing")
    page.get_by_label("Monthly invoice").check()
    page.get_by_label("Billing e-mail").fill("nowhere")
    is_refused(page, "Write an e-mail address")
    page.get_by_label("Billing e-mail").fill("accounts@hillside.test")
    page.get_by_label("Invoices are due after").select_option("14")
    goes_on(page, "team")
    page.get_by_label("Admins").fill("mia@hillside.test")
    goes_on(page, "review")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_label("Admins")).to_have_value("mia@hillside.test")
    goes_on(page, "review")
    expect(page.locator("main")).to_contain_text("Maharashtra")
    launches(page, "hillside")
    page.goto(f"{base}/org/hillside/settings/billing")
    expect(page.get_by_label("State or region")).to_have_value("Maharashtra")
    eventually(demo.idle)
    assert one(
        "SELECT o.status, o.kind, o.billing_mode, p.region, p.terms_days, p.email FROM organizations o"
        " JOIN billing_profiles p ON p.organization_id = o.id WHERE slug = 'hillside'"
    ) == ("ACTIVE", "BUYER", "INVOICED_MONTHLY", "27", 14, "accounts@hillside.test")
    assert "Hillside Institute" in letter(visit(), base, "mia@hillside.test", "invites you")


def test_an_agency_opens_its_organization(demo: Demo, visit: Visit) -> None:
    base, email, page = demo.services.base_url, "amir@summit.test", visit()
    signs_up(page, base, "Amir Summit", email)
    page.get_by_label("Name", exact=True).fill("Summit Coaches")
    page.get_by_label("Short name").fill("summit-coaches")
    expect(page.locator("#slug-free")).to_contain_text("Free")
    page.get_by_label("Legal name").fill("Summit Coaches Ltd")
    page.get_by_label("Country", exact=True).select_option("GB")
    goes_on(page, "kind")
    is_refused(page, "Choose one.")
    page.get_by_label("We provide").check()
    goes_on(page, "rates")
    page.get_by_label("Your part").fill("10")
    is_refused(page, "add up to 105 %")
    page.get_by_label("Consultants’ part").fill("80")
    leaves_and_comes_back(page, base, demo, email, "rates")
    page.get_by_label("Your part").fill("7.5")
    page.get_by_label("Consultants’ part").fill("82.5")
    page.get_by_label("Let consultants in at once").check()
    goes_on(page, "team")
    goes_on(page, "review")
    launches(page, "summit-coaches")
    eventually(demo.idle)
    assert one(
        "SELECT o.status, o.kind, o.auto_approve_consultants, r.platform_bps, r.organization_bps, r.consultant_bps"
        " FROM organizations o JOIN organization_rates r ON r.organization_id = o.id WHERE slug = 'summit-coaches'"
    ) == ("ACTIVE", "PROVIDER", True, 1_000, 750, 8_250)
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
