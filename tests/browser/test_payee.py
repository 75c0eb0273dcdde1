"""A vendor in a real browser: the whole way without script, the same with a sheet, and nothing axe objects to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import methods, organizations, payables, payees, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "vera@lumen.test"


@dataclass(frozen=True)
class Site:
    organization_id: UUID
    actor: Actor
    link: Callable[[], str]


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address = serve(app)
    organization_id = organizations.organization("oxford")
    payee_id = payees.vendor(organization_id, "Lumen Print Co.", terms_days=0)
    actor = people.payee(payee_id, EMAIL)
    methods.simulated(payee_id)

    def link() -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.VENDOR, EMAIL)
            assert made is not None
            return f"{address}/vendor/signin/{made.token}"

    return Site(organization_id, actor, link)


def enter(page: Any) -> None:
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", name="Payments", level=1)).to_be_visible()


def test_ask_see_and_withdraw_without_script(site: Site, visit: Visit) -> None:
    page = visit(site.link(), script=False)
    enter(page)
    page.get_by_role("main").get_by_role("link", name="Request payment").first.click()
    page.get_by_label("What is it for?").fill("Autumn leaflets, 2,500 copies")
    page.get_by_label("Amount").fill("1,234.50")
    page.get_by_label("Invoice number").fill("LPC-1188")
    page.get_by_label("Invoice and receipts").set_input_files(
        {"name": "LPC-1188.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a bill\n%%EOF"}
    )
    page.get_by_role("button", name="Send bill").click()

    expect(page.get_by_role("heading", name="Bill LPC-1188")).to_be_visible()
    expect(page.get_by_text("Waiting for Oxford", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="LPC-1188.pdf")).to_be_visible()
    request_id = UUID(page.url.rsplit("/", 1)[1])
    payables.approve(site.organization_id, request_id)

    page.get_by_role("navigation", name="Vendor portal").get_by_role("link", name="Payments").click()
    expect(page.get_by_role("row", name=re.compile("Autumn leaflets")).get_by_text("Available")).to_be_visible()
    page.get_by_role("link", name="Withdraw").click()
    page.get_by_label("Amount").fill("5,000")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Enter an amount up to £1,234.50.")).to_be_visible()
    expect(page.get_by_label("Amount")).to_have_value("5,000")
    page.get_by_label("Amount").fill("1,000")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("heading", name=re.compile("Withdrawal Q-"))).to_be_visible()
    expect(page.get_by_text("Waiting for approval", exact=True)).to_be_visible()
    page.get_by_role("link", name="Payments").first.click()
    expect(page.locator("#balances")).to_contain_text("£234.50")


def test_withdraw_in_a_sheet(site: Site, visit: Visit, axe: Axe) -> None:
    payables.approved(site.organization_id, site.actor, 1_234_50, description="Autumn leaflets")
    page = visit(site.link())
    enter(page)
    page.get_by_role("link", name="Withdraw").click()
    sheet = page.get_by_role("dialog", name="Withdraw from Oxford")
    amount = sheet.get_by_label("Amount")
    expect(amount).to_have_value("1,234.50")
    amount.fill("5,000")
    sheet.get_by_role("button", name="Withdraw").click()
    expect(sheet.get_by_text("Enter an amount up to £1,234.50.")).to_be_visible()
    assert axe(page) == []
    amount.fill("1,000")
    sheet.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#toasts")).to_contain_text("Withdrawal requested")
    expect(sheet).to_be_hidden()
    expect(page.locator("#balances")).to_contain_text("£234.50")
    expect(page.locator("#moving")).to_contain_text("Waiting for approval")
    expect(page.locator("#statement")).to_contain_text("Withdrawal to Simulated transfer ••7890")


def test_a_bill_that_comes_back_with_a_question_keeps_its_file(site: Site, visit: Visit) -> None:
    page = visit(site.link())
    enter(page)
    for number in ("LPC-1", "LPC-2"):
        page.get_by_role("navigation", name="Vendor portal").get_by_role("link", name="Request payment").click()
        page.get_by_label("What is it for?").fill("Posters")
        page.get_by_label("Amount").fill("200")
        page.get_by_label("Invoice number").fill(number)
        page.get_by_label("Invoice and receipts").set_input_files(
            {"name": f"{number}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a bill\n%%EOF"}
        )
        page.get_by_role("button", name="Send bill").click()
        answer = page.get_by_role("heading", name="Bill LPC-1")
        expect(answer if number == "LPC-1" else page.get_by_text("Is it another one?")).to_be_visible()
    expect(page.get_by_text("LPC-2.pdf")).to_be_visible()
    page.get_by_label("Submit anyway").check()
    page.get_by_role("button", name="Send bill").click()
    expect(page.get_by_role("heading", name="Bill LPC-2")).to_be_visible()
    expect(page.get_by_role("link", name="LPC-2.pdf")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_nothing_axe_objects_to(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    payables.approved(site.organization_id, site.actor, 1_234_50, description="Autumn leaflets")
    reduced = payables.approved(site.organization_id, site.actor, 100_00, agreed=80_00, description="Posters")
    page = visit(site.link(), width=width, dark=dark)
    enter(page)
    base = page.url.removesuffix("/payments")
    for path in ("payments", "requests", f"requests/{reduced}", "request-payment", "settings/payout-methods", "help"):
        page.goto(f"{base}/{path}")
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_text_area_made_larger_stays_so_and_offends_no_policy(site: Site, visit: Visit) -> None:
    page = visit(site.link())
    enter(page)
    page.goto(page.url.replace("/payments", "/request-payment"))
    area = page.get_by_label("What is it for?")
    area.evaluate("area => area.style.height = '222px'")  # as its handle does
    page.get_by_role("button", name="Send bill").click()
    expect(page.locator("#error-summary")).to_be_visible()
    expect(area).to_have_css("height", "222px")
