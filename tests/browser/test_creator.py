"""A creator of three brands and two currencies in a real browser: nothing axe objects to, switched with and without
script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import operator
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.payees import service as payees
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, people, sales
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "imani@creators.test"


@dataclass(frozen=True)
class Site:
    address: str
    payee_id: UUID

    def link(self) -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.CREATOR, EMAIL)
            assert made is not None
            return f"{self.address}/creator/signin/{made.token}"


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    alder = organizations.organization("alder", currency="USD")
    made = sales.creator(alder, "Imani Brooks", email=EMAIL)
    sales.code(alder, made.id, "IMANI15", "https://alder.example.com/winter")
    for slug, currency in (("pelican", "USD"), ("london", "GBP")):
        brand = organizations.organization(slug, currency=currency)
        with unit_of_work(PLATFORM) as session:
            payees.engage(session, operator(), brand, made.id, currency=currency, commission_bps=1000)
        sales.code(brand, made.id, f"{slug}10")
        sales.recorded(brand, sales.order("1", 50_00, f"{slug}10", currency=currency))
    sales.recorded(alder, *[sales.order(str(n), 40_00 + n, "IMANI15", days_ago=3 * n) for n in range(20)])
    sales.changed(alder, sales.refund(lines=10_00, order_id="0"))
    people.payee(made.id, EMAIL, Portal.CREATOR)
    return Site(serve(app), made.id)


def enter(page: Any) -> None:
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Imani")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_nothing_axe_objects_to(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    page = visit(site.link(), width=width, dark=dark)
    enter(page)
    for path in ("", "?span=year&organization=alder", "?currency=GBP", "brands/alder", "payments?organization=alder"):
        page.goto(f"{site.address}/creator/{path}")
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize("script", [True, False])
def test_one_brand_is_chosen_and_stays_so(site: Site, visit: Visit, script: bool) -> None:
    page = visit(site.link(), script=script)
    enter(page)
    page.get_by_role("button", name="All brands").click()
    page.get_by_role("group", name="Switch").get_by_role("link", name="Pelican").click()
    expect(page.locator("#brands")).to_contain_text("Pelican")
    expect(page.locator("#brands")).not_to_contain_text("Alder")
    page.get_by_role("group", name="Period").get_by_role("link", name="Year").click()
    expect(page.get_by_role("heading", name="Earned by month")).to_be_visible()
    expect(page.locator("#earned")).not_to_contain_text("Alder")
    page.get_by_role("navigation", name="Creator portal").get_by_role("link", name="Payments").click()
    expect(page.locator("#statement")).to_contain_text("pelican10")
    expect(page.locator("#statement")).not_to_contain_text("IMANI15")
