"""An organization's owner in a real browser: a file becomes bills, bills are decided, and every page passes axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations.states import Role
from app.payouts import batches
from jobs import payouts as jobs
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import charges, organizations, payables, people
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "owner@oxford.test"
BILLS = payables.csv(
    *(f"N{n:03d},S-{n % 9},Supplier number {n % 9},{n + 1}.00,01/08/2017" for n in range(60)),
    "X1,S-1,Supplier number 1,-20.00,02/08/2017",
)
FAULTY = payables.csv("G1,S-1,Supplier number 1,5.00,01/08/2017", "G2,S-1,Supplier number 1,five,01/08/2017")


@dataclass(frozen=True)
class Site:
    organization_id: UUID
    owner: Actor
    link: Callable[[], str]


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address = serve(app)
    organization_id = organizations.organization("oxford")
    owner = people.member(organization_id, Role.OWNER, EMAIL)

    def link() -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.ORG, EMAIL)
            assert made is not None
            return f"{address}/org/signin/{made.token}"

    return Site(organization_id, owner, link)


def enter(page: Any) -> str:
    """Sign in; returns the address of the portal."""
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    return str(page.url).rstrip("/")


def chosen(tmp_path: Path, body: bytes) -> Path:
    path = tmp_path / "bills.csv"
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_file_is_imported(site: Site, visit: Visit, axe: Axe, tmp_path: Path, script: bool) -> None:
    page = visit(site.link(), script=script)
    home = enter(page)
    page.goto(f"{home}/imports/new")
    page.set_input_files("input[type=file]", chosen(tmp_path, FAULTY))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Which column is which?")).to_be_visible()
    if script:
        assert axe(page) == []
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("“five” is not an amount")).to_be_visible()
    page.get_by_role("button", name="Import 1 bill").click()
    expect(page.get_by_text("Tick this, or mend the lines")).to_be_visible()
    page.get_by_label("Leave the faulty lines out").check()
    if script:
        assert axe(page) == []
    page.get_by_role("button", name="Import 1 bill").click()
    expect(page.get_by_role("link", name="Show its bills")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Skipped lines as CSV").click()
    assert b"G2" in download.value.path().read_bytes()
    page.get_by_role("link", name="Show its bills").click()
    expect(page.get_by_role("rowheader", name=re.compile("Supplier number 1"))).to_have_count(1)


def test_deciding_with_drawer_sheet_and_bar(site: Site, visit: Visit, axe: Axe) -> None:
    payables.imported(site.organization_id, BILLS)
    page = visit(site.link())
    page.goto(f"{enter(page)}/bills")
    assert axe(page) == []
    page.get_by_role("button", name=re.compile("Details for .* N059")).click()
    drawer = page.locator("tr.drawer:not([hidden])")
    expect(drawer.get_by_text("No payout method for this currency yet.")).to_be_visible()
    assert axe(page) == []
    drawer.get_by_role("link", name="Another amount").click()
    sheet = page.locator("#sheet")
    sheet.get_by_label("Amount to approve").fill("10.00")
    sheet.get_by_role("button", name="Approve").click()
    expect(sheet.get_by_text("Give a reason.")).to_be_visible()
    assert axe(page) == []
    sheet.get_by_label("Reason").fill("Half was delivered")
    sheet.get_by_role("button", name="Approve").click()
    expect(sheet).not_to_be_visible()
    expect(drawer.get_by_text("£10.00 of £60.00 approved: Half was delivered")).to_be_visible()
    expect(page.get_by_text("Amount changed").first).to_be_visible()

    boxes = page.get_by_role("checkbox", name=re.compile("Select Supplier"))
    boxes.nth(2).check()
    boxes.nth(3).check()
    bar = page.locator(".bulkbar")
    expect(bar.get_by_text("2 selected")).to_be_visible()
    bar.get_by_role("button", name="Reject").click()
    sheet.get_by_label("Reason").fill("Sent twice")
    sheet.get_by_role("button", name="Reject 2 bills").click()
    expect(page.get_by_text("2 bills rejected")).to_be_visible()
    expect(bar).not_to_be_visible()

    page.get_by_role("link", name="Approve all…").click()
    expect(sheet.get_by_role("heading", name="Approve 58 bills?")).to_be_visible()
    assert axe(page) == []
    sheet.get_by_role("button", name="Approve 58 bills").click()
    expect(page.get_by_role("heading", name="Nothing waits for approval")).to_be_visible()


def test_filters_change_the_list_and_the_address(site: Site, visit: Visit) -> None:
    payables.imported(site.organization_id, BILLS)
    page = visit(site.link())
    page.goto(f"{enter(page)}/bills")
    page.get_by_label("Search payee or reference").fill("number 3")
    expect(page.get_by_text("Newest first, 7 shown")).to_be_visible()
    assert "q=number+3" in page.url
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("At least").fill("40")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#chips").get_by_text("£40.00")).to_be_visible()
    expect(page.get_by_text("Newest first, 3 shown")).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.locator("#views").get_by_role("link", name="All")).to_have_attribute("aria-current", "page")
    page.get_by_label("Search payee or reference").fill("number 4")
    expect(page.get_by_text("Supplier number 4").first).to_be_visible()
    assert "status=all" in page.url  # the search stays in the chosen tab
    page.go_back()
    page.go_back()
    expect(page.locator("#views").get_by_role("link", name=re.compile("To approve"))).to_have_attribute(
        "aria-current", "page"
    )


def paid(site: Site) -> UUID:
    """Approved bills of nine suppliers in a batch that runs, short of funds."""
    payables.imported(site.organization_id, BILLS)
    charges.funds(site.organization_id, 500_00)
    maker, checker = make.admin("maker@quittance.test"), make.admin("second@quittance.test")
    with unit_of_work(PLATFORM) as session:
        batch = batches.create(session, maker, site.organization_id, title="November")
        batch_id: UUID = batch.id
    jobs.plan_batch(str(batch_id), maker.label, str(maker.account_id))
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, maker, batch_id)
        batches.approve(session, checker, batch_id)
        batches.run(session, checker, batch_id)
    return batch_id


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_axe_on_every_page(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    page = visit(site.link(), width=width, dark=dark)
    home = enter(page)
    payables.imported(site.organization_id, BILLS)
    page.goto(f"{home}/bills")
    page.get_by_role("link", name="Approve all…").click()
    page.locator("#sheet").get_by_role("button", name="Approve 61 bills").click()
    expect(page.get_by_role("heading", name="Nothing waits for approval")).to_be_visible()
    page.goto(f"{home}/payees/method-assignment")
    page.get_by_role("button", name="Assign to 9 payees").click()
    expect(page.get_by_text("9 payees can be paid now").first).to_be_attached()
    batch_id = paid(site)
    pages = (
        "", "bills?status=approved", "payees", "payees/new", "payees/method-files/new", "imports", "imports/new",
        "funds", "funds/deposits/new", "payouts?view=on_hold", "batches", f"batches/{batch_id}", "members",
        "members/new", "settings", "audit",
    )  # fmt: skip
    found = {}
    for path in pages:
        page.goto(f"{home}/{path}")
        found[path] = axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    for path in ("payees", "payouts", "bills?status=approved"):
        page.goto(f"{home}/{path}")
        page.locator("tbody th a").first.click()
        page.wait_for_load_state()
        found[page.url] = axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    assert {path: faults for path, faults in found.items() if faults} == {}
