"""Orders, codes and stores in a real browser, with and without script; every page passes axe in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.db.session import unit_of_work
from app.gateways.shops import Shop
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations.states import Role
from app.sales import codes
from jobs import runtime
from tests.app.sales.test_importing import SHOPIFY
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, people
from tests.factories.people import PLATFORM
from tests.factories.sales import changed, code, creator, order, recorded, refund
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "owner@brand.test"


@pytest.fixture
def link(app: Flask, serve: Serve) -> Callable[[], str]:  # noqa: F811 - the fixture imported above
    """A way in for the owner of a brand with orders of every kind."""
    address = serve(app)
    brand = organizations.organization("brand", currency="USD")
    owner = people.member(brand, Role.OWNER, EMAIL)
    code(brand, creator(brand).id, landing_url="https://shop.example.com/amara")
    recorded(brand, order("1"), order("2", 50_00, "NEW"), order("3", 40_00, "new"))
    recorded(brand, order("4", buyer="amara@creator.test"))
    changed(brand, refund("r", 40_00, order_id="1"))
    with unit_of_work(PLATFORM) as session:
        codes.add_store(session, owner, brand, Shop.SHOPIFY, "Main shop", "0123456789abcdef")

    def made() -> str:
        with unit_of_work(PLATFORM) as session:
            found = identity.issue_link(session, Portal.ORG, EMAIL)
            assert found is not None
            return f"{address}/org/signin/{found.token}"

    return made


def enter(page: Any) -> str:
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    return str(page.url).rstrip("/")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_what_a_person_decides(link: Callable[[], str], visit: Visit, script: bool) -> None:
    page = visit(link(), script=script)
    home = enter(page)
    page.goto(f"{home}/orders?view=claimable")
    page.get_by_role("link", name="#2").click()
    page.get_by_role("link", name="Claim for a creator").click()
    page.get_by_label("Creator").select_option(label="Amara Osei")
    page.get_by_role("button", name="Credit 2 orders").click()
    expect(page.get_by_text("2 orders credited")).to_be_attached()
    expect(page.get_by_role("main").get_by_text("$7.50").first).to_be_visible()
    page.goto(f"{home}/orders?view=own")
    page.get_by_role("link", name="#4").click()
    page.get_by_role("link", name="Decide").click()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Give a reason.").first).to_be_visible()
    page.get_by_label("No commission").check()
    page.get_by_label("Reason").fill("Bought for herself")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("No commission for this order").first).to_be_attached()
    expect(page.get_by_text("No commission: Bought for herself")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_store_shows_its_secret_once(link: Callable[[], str], visit: Visit, axe: Axe, script: bool) -> None:
    page = visit(link(), script=script)
    home = enter(page)
    page.goto(f"{home}/stores/new")
    page.get_by_role("button", name="Add store").click()
    expect(page.get_by_text("Choose one.").first).to_be_visible()
    page.get_by_label("WooCommerce").check()
    page.get_by_label("Name").fill("Second shop")
    page.get_by_role("button", name="Add store").click()
    expect(page.get_by_text("The secret is shown this once")).to_be_visible()
    if script:
        assert axe(page) == []
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_role("heading", name="Second shop")).to_be_visible()


def test_a_file_is_imported(link: Callable[[], str], visit: Visit, axe: Axe, tmp_path: Path) -> None:
    page = visit(link())
    home = enter(page)
    page.goto(f"{home}/orders/imports/new")
    path = tmp_path / "orders.csv"
    path.write_text(SHOPIFY)
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("All lines are good")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Import 2 orders").click()
    expect(page.get_by_text("being imported")).to_be_visible()
    while runtime.run_due():
        pass
    expect(page.get_by_role("link", name="Show orders from files")).to_be_visible(timeout=10_000)
    page.get_by_role("link", name="Show orders from files").click()
    expect(page.get_by_role("link", name="#1001")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page_passes_axe(link: Callable[[], str], visit: Visit, axe: Axe, theme: str, width: int) -> None:
    page = visit(link())
    home = enter(page)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    wrong = {}
    page.goto(f"{home}/orders")
    order_url = page.get_by_role("link", name="#1").get_attribute("href")
    page.goto(f"{home}/codes")
    code_url = page.get_by_role("link", name="AMARA15").get_attribute("href")
    start = home.split("/org/")[0]
    for url in (
        f"{home}/orders", f"{home}/orders?view=claimable", start + str(order_url), f"{home}/codes", f"{home}/codes/new",
        start + str(code_url), f"{home}/stores", f"{home}/stores/new", f"{home}/orders/imports",
        f"{home}/orders/imports/new",
    ):  # fmt: skip
        page.goto(url)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        if found := [*axe(page), *(["wider than the screen"] if wide else [])]:
            wrong[url] = found
    assert wrong == {}
