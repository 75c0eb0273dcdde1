"""A vendor sets up a Stripe account in a real browser, on the pages of the simulator that stands for Stripe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, payees, people
from tests.factories.people import PLATFORM
from tests.fakes import stripe_setup
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures
from tests.stores import environment

EMAIL = "vera@lumen.test"


@pytest.fixture
def address(app: Flask, serve: Serve, tmp_path: Path) -> Iterator[str]:  # noqa: F811 - the fixture imported above
    found = serve(app)
    with stripe_setup.simulated(tmp_path), environment(BASE_URL=found):
        yield found


@pytest.mark.parametrize("script", [True, False])
def test_there_and_back(address: str, visit: Visit, axe: Axe, script: bool) -> None:
    payee_id = payees.vendor(organizations.organization("oxford"), "Lumen Print Co.", country="GB")
    people.payee(payee_id, EMAIL)
    with unit_of_work(PLATFORM) as session:
        made = identity.issue_link(session, Portal.VENDOR, EMAIL)
        assert made is not None
    page = visit(f"{address}/vendor/signin/{made.token}", script=script)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", name="Payments", level=1)).to_be_visible()

    page.goto(f"{address}/vendor/settings/payout-methods/new")
    page.get_by_role("link", name="Choose Stripe").click()
    for button, said in (
        ("Leave the bank account out", "Stripe waits for something from you"),
        ("Give everything", "You can be paid into your Stripe balance"),
    ):
        page.get_by_role("button", name="Continue at Stripe").click()
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_text(said)).to_be_visible()
    if script:
        assert axe(page) == []
    page.goto(f"{address}/vendor/settings/payout-methods")
    expect(page.get_by_text("Stripe ••9999")).to_be_visible()
