"""An admin in a real browser: the queue with its drawer, bar and sheet, a batch that moves by itself, and axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.payouts import batches, service
from jobs import payouts as jobs
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import charges, people
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "admin@quittance.test"


@dataclass(frozen=True)
class Site:
    admin: Actor
    checker: Actor
    place: Shop
    link: Callable[[], str]


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address = serve(app)
    admin, checker, place = people.admin(EMAIL), people.admin("checker@quittance.test"), make.shop(6)

    def link() -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.ADMIN, EMAIL)
            assert made is not None
            return f"{address}/admin/signin/{made.token}"

    return Site(admin, checker, place, link)


def enter(page: Any) -> str:
    """Sign in; returns the address of the portal."""
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", name="What needs a person", level=1)).to_be_visible()
    return str(page.url).rstrip("/")


def withdrawn(site: Site, minor: int, payee: int) -> UUID:
    make.earn(site.place, minor, payee=payee)
    with unit_of_work(PLATFORM) as session:
        actor = make.payee_actor(site.place.payee_ids[payee])
        return service.withdraw(session, actor, organization_id=site.place.organization_id, currency="GBP").id


def planned(site: Site, payees: range) -> UUID:
    for payee in payees:
        make.earn(site.place, 100_00, payee=payee)
    with unit_of_work(PLATFORM) as session:
        batch_id = batches.create(session, site.checker, site.place.organization_id).id
    jobs.plan_batch(str(batch_id), site.checker.label, str(site.checker.account_id))
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, site.checker, batch_id)
    return batch_id


def test_drawer_bar_and_sheet(site: Site, visit: Visit, axe: Axe) -> None:
    large, stale, fine, odd = (withdrawn(site, m, n) for n, m in enumerate((10_500_00, 200_00, 300_00, 400_00)))
    with unit_of_work(PLATFORM) as session:
        service.approve(session, site.checker, [large])
    page = visit(site.link())
    page.goto(enter(page) + "/payouts")
    page.get_by_role("button", name="Details for Vendor 000").click()
    drawer = page.locator(f"#d-{large}")
    expect(drawer.get_by_text("First approval; a second person has to approve it too.")).to_be_visible()
    assert axe(page) == []
    drawer.get_by_role("button", name="Approve as second").click()
    expect(page.locator(f"#payout-{large}")).to_contain_text("On hold")  # more than the funds cover
    expect(page.locator("#toasts")).to_contain_text("1 payout approved")

    with unit_of_work(PLATFORM) as session:
        service.hold(session, site.checker, stale, "seen elsewhere")
    for name in ("Vendor 001", "Vendor 002"):
        page.get_by_role("checkbox", name=re.compile(f"Select {name}")).check()
    bar = page.locator("#bulk")
    expect(bar).to_contain_text("2 selected £500.00")
    assert axe(page) == []
    bar.get_by_role("button", name="Approve").click()
    expect(page.locator(f"#payout-{fine}")).to_contain_text("Approved")
    expect(page.locator("#refused")).to_contain_text("Vendor 001, £200.00 GBP: This payout is on hold now")

    page.get_by_role("checkbox", name=re.compile("Select Vendor 003")).check()
    bar.get_by_role("button", name="Hold").click()
    sheet = page.get_by_role("dialog", name="Put this payout on hold?")
    sheet.get_by_role("button", name="Hold").click()
    expect(sheet.get_by_text("Say why; the payee reads it.")).to_be_visible()
    assert axe(page) == []
    sheet.get_by_label("Reason").fill("Looks like a double")
    sheet.get_by_role("button", name="Hold").click()
    expect(sheet).to_be_hidden()
    expect(page.locator(f"#payout-{odd}")).to_contain_text("Looks like a double")


def test_filters_stay_in_the_address(site: Site, visit: Visit) -> None:
    small, large = withdrawn(site, 50_00, 0), withdrawn(site, 500_00, 1)
    page = visit(site.link())
    page.goto(enter(page) + "/payouts")
    page.get_by_role("button", name="Filter", exact=True).click()
    filters = page.get_by_role("group", name="Filters", exact=True)
    filters.get_by_label("Currency").fill("GBP")
    filters.get_by_label("At least").fill("100")
    filters.get_by_role("button", name="Show").click()
    expect(page.locator(f"#payout-{small}")).to_have_count(0)
    expect(page.locator(f"#payout-{large}")).to_be_visible()
    expect(page.locator("#chips")).to_contain_text("At least: £100.00")
    page.reload()
    expect(page.locator(f"#payout-{small}")).to_have_count(0)
    page.locator("#chips a", has_text="At least").click()
    expect(page.locator(f"#payout-{small}")).to_be_visible()
    page.go_back()
    expect(page.locator(f"#payout-{small}")).to_have_count(0)


def test_a_running_batch_moves_by_itself(site: Site, visit: Visit) -> None:
    batch_id = planned(site, range(3))
    page = visit(site.link())
    page.goto(enter(page) + f"/batches/{batch_id}")
    page.get_by_role("button", name="Approve £300.00").click()
    expect(page.get_by_role("button", name="Run batch")).to_be_visible()
    page.get_by_role("button", name="Run batch").click()
    expect(page.locator(".page-head")).to_contain_text("Running")
    with unit_of_work(PLATFORM) as session:
        chunks = session.execute(text("SELECT id FROM batch_chunks")).scalars().all()
    with fake_rail():
        for chunk_id in chunks:
            jobs.run_chunk(str(chunk_id))
        expect(page.locator("#progress")).to_contain_text("3 of 3")  # without a click
    expect(page.locator(".page-head")).to_contain_text("Done")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_axe_objects_to_nothing(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    payout_id, batch_id = withdrawn(site, 100_00, 0), planned(site, range(1, 4))
    make.earn(site.place, 10_00, -30_00, payee=4)
    make.earn(site.place, 70_00, payee=5)
    charges.announced(site.place.organization_id, 500_00)
    paper = make.shop(1, rail="check", slug="paper")
    make.earn(paper, 90_00)
    with unit_of_work(PLATFORM) as session:
        check = service.withdraw(
            session, make.payee_actor(paper.payee_ids[0]), organization_id=paper.organization_id, currency="GBP"
        ).id
        service.approve(session, site.checker, [check])
    jobs.send_payouts([str(check)], str(paper.organization_id), site.checker.label, str(site.checker.account_id))
    with unit_of_work(PLATFORM) as session:
        export_id = session.execute(text("SELECT id FROM payout_exports")).scalar_one()
    page = visit(site.link(), width=width, dark=dark)
    home = enter(page)
    found = {}
    for path in (
        "/", "/payouts", f"/payouts/{payout_id}", "/batches", f"/batches/{batch_id}", "/batches/new?organization=shop",
        "/exports", f"/exports/{export_id}", f"/payees/{site.place.payee_ids[0]}", "/organizations/shop", "/deposits",
        "/audit", "/ledger?organization=shop", "/webhooks", "/doctor?examine=1",
    ):  # fmt: skip
        page.goto(home + path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[path] = axe(page) + ([f"{wide} px too wide"] if wide > 0 else [])
    assert {path: faults for path, faults in found.items() if faults} == {}
