"""A consultant's own pages in a real browser; the arithmetic of a line with script and without."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from tests.app.consultations import making
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import bookings, consultations, earned
from tests.factories.earned import World
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

URL = "/consultant/earnings"


@pytest.fixture
def world(app: Flask) -> World:  # noqa: F811 - the fixture imported above
    house = organization("provider")
    payee_id = consultations.consultant(house)
    making.premium(payee_id)
    partner = consultations.consultant(house, name="Ines Marques")
    return earned.world(house, payee_id, partner, bookings.client_account())


def signed_in(visit: Visit, base: str, **how: Any) -> Any:
    with unit_of_work(PLATFORM) as session:
        link = identity.issue_link(session, Portal.CONSULTANT, "priya@consultant.test")
    assert link is not None
    page = visit(f"{base}/consultant/signin/{link.token}", **how)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    page.wait_for_url(re.compile(r"^(?!.*/signin)"))
    return page


def test_pages(app: Flask, world: World, serve: Serve, visit: Visit, axe: Axe) -> None:  # noqa: F811
    base = serve(app)
    for width, dark in ((1440, False), (390, True)):
        page = signed_in(visit, base, width=width, dark=dark)
        for path in ("/consultant/", URL, "/consultant/reviews", "/consultant/analytics"):
            page.goto(base + path)
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_arithmetic_opens_below_its_line(
    app: Flask, world: World, serve: Serve, visit: Visit, axe: Axe  # noqa: F811
) -> None:  # fmt: skip
    base = serve(app)
    page = signed_in(visit, base)
    page.goto(base + URL)
    line = page.get_by_role("row").filter(has_text="Available").filter(has_text="Consultation · Ada").first
    line.get_by_role("button", name=re.compile("Details for")).click()
    panel = page.locator("tr.drawer:not([hidden])")
    panel.get_by_text("85 % of 100.00 USD: what is left").wait_for()
    assert panel.get_by_role("img", name="Split of $100.00").count() == 1
    assert "The organization’s rates" in panel.inner_text()
    assert page.url == base + URL
    assert axe(page) == []
    page.get_by_role("link", name="Held", exact=True).click()
    page.wait_for_url(re.compile("state=held"))
    assert page.locator("#earnings tr[id^=earning-]").count() == 1


def test_the_arithmetic_without_script(
    app: Flask, world: World, serve: Serve, visit: Visit, axe: Axe  # noqa: F811
) -> None:  # fmt: skip
    base = serve(app)
    page = signed_in(visit, base, script=False)
    page.goto(base + URL)
    page.get_by_role("row").filter(has_text="Share of a consultation").get_by_role("link").first.click()
    page.wait_for_url(re.compile(rf"{URL}/[0-9a-f-]+$"))
    assert page.get_by_text("1 of 4 parts of 170.00 USD").count() == 1
