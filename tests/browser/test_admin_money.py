"""An admin in a real browser gives a client a part of the money back; the pages of clients' money in both themes."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.consultations.models import Consultation
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from jobs import runtime
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import bookings as make
from tests.factories import client_money, people
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "admin@quittance.test"
PICTURES = os.environ.get("PICTURES")  # a folder to look at the pages


@pytest.fixture
def base(app: Flask, serve: Serve) -> str:  # noqa: F811 - the fixture imported above
    people.admin(EMAIL)
    return serve(app)


@pytest.fixture
def held(base: str) -> Consultation:
    """Ada Lovelace paid Meera Iyer $100.00 for half an hour that began three hours ago."""
    fernhill = organization("fernhill", currency="USD")
    meera = make.consultant(fernhill)
    made = make.booked(make.offering(fernhill, meera, 100_00), meera, make.client_account())
    client_money.paid(made)
    client_money.begun(made.id)
    return made


def signed_in(base: str, visit: Visit, **more: Any) -> Any:
    with unit_of_work(PLATFORM) as session:
        link = identity.issue_link(session, Portal.ADMIN, EMAIL)
    assert link is not None
    page = visit(f"{base}/admin/signin/{link.token}", **more)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    page.wait_for_url(re.compile(r"^(?!.*/signin)"))
    return page


def test_a_part_goes_back(base: str, held: Consultation, visit: Visit, axe: Axe) -> None:
    page = signed_in(base, visit)
    page.goto(f"{base}/admin/consultations")
    page.get_by_role("searchbox", name="Client, consultant, title or id").fill("lovelace")
    page.wait_for_url(re.compile("q=lovelace"))
    page.get_by_role("link", name="30 minutes").click()
    expect(page.get_by_role("heading", name="30 minutes with Meera Iyer")).to_be_visible()
    page.get_by_role("button", name="Refund").or_(page.get_by_role("link", name="Refund", exact=True)).last.click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Amount").fill("100.01")
    sheet.get_by_label("Reason").fill("The line was bad")
    sheet.get_by_role("button", name="Refund").click()
    expect(sheet.get_by_text("100.00 USD can go back")).to_be_visible()
    expect(sheet.get_by_label("Reason")).to_have_value("The line was bad")
    assert axe(page) == []
    sheet.get_by_label("Amount").fill("40")
    sheet.get_by_role("button", name="Refund").click()
    payment = page.locator("#payment")
    expect(payment).to_contain_text("Refund · $40.00 USD")
    expect(payment).to_contain_text("On its way")
    while runtime.run_due():
        pass
    page.reload()
    expect(page.locator("#payment")).to_contain_text("Gone back")
    expect(page.locator("#shares")).to_contain_text("$34.00")
    assert client_money.returns() == [("refund", 40_00, "succeeded")]


def test_pages(base: str, held: Consultation, visit: Visit, axe: Axe) -> None:
    refused, disputed = client_money.asked_back(held.id, 10_00), client_money.asked_back(held.id, 20_00)
    client_money.refused(refused)
    client_money.returned(disputed)
    one = f"/admin/consultations/{held.id}"
    paths = (
        "/admin/consultations", one, f"{one}/refunds/new", f"{one}/completion", f"{one}/disputes/new", "/admin/refunds",
        f"/admin/refunds/{refused}/settlement", "/admin/revenue", "/admin/consultants?sort=sessions",
        f"/admin/consultants/{held.payee_id}", "/admin/runs/new?organization=fernhill&rate=0",
    )  # fmt: skip
    for width, dark in ((1440, False), (390, True)):
        page = signed_in(base, visit, width=width, dark=dark)
        for number, path in enumerate(paths):
            page.goto(base + path)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{number}-{width}.png", full_page=True)
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_without_script(base: str, held: Consultation, visit: Visit) -> None:
    page = signed_in(base, visit, script=False)
    page.goto(f"{base}/admin/consultations/{held.id}")
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Reason").fill("Agreed by telephone")
    page.get_by_role("button", name="Refund").click()
    expect(page.locator("#payment")).to_contain_text("On its way")
    assert client_money.returns() == [("refund", 100_00, "pending")]
