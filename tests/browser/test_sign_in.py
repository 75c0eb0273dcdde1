"""Signing in in a real browser: from the first page to the own sessions, without script too, and axe on each page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import expect

from app.identity.states import Portal
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, payees, people
from tests.portals import conftest as portals
from tests.stores import environment

_application, app = portals._application, portals.app
EMAIL = "vera@lumen.test"


@pytest.fixture
def address(app: Flask, serve: Serve) -> Iterator[str]:
    people.account(Portal.VENDOR, EMAIL, payees.vendor(organizations.organization(), "Lumen Print Co."))
    served = serve(app)
    with environment(BASE_URL=served):  # what the links in mails begin with
        yield served


def open_newest_mail(page: Any, address: str) -> None:
    page.goto(f"{address}/dev/mailbox")
    page.get_by_role("main").get_by_role("link", name="Your sign-in link").first.click()
    page.locator('main a[href*="/vendor/signin/"]').click()


@pytest.mark.parametrize("script", [True, False])
def test_from_the_first_page_to_the_portal(address: str, visit: Visit, script: bool) -> None:
    page = visit(address, script=script)
    page.get_by_role("link", name="Vendor portal").click()
    page.get_by_label("Email").fill("nonsense")
    page.get_by_role("button", name="Email me a sign-in link").click()
    expect(page.get_by_text("Write an e-mail address like")).to_be_visible()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("button", name="Email me a sign-in link").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    open_newest_mail(page, address)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Payments", level=1)).to_be_visible()
    page.goto(f"{address}/vendor/settings/security")
    expect(page.get_by_text("This browser")).to_be_visible()
    page.get_by_label("New password").fill("three brown cows 77")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("main").get_by_text("You have a password.")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(
    address: str, visit: Visit, axe: Axe, superuser: psycopg.Connection[Any], width: int, dark: bool
) -> None:
    page = visit(f"{address}/", width=width, dark=dark)
    seen = {}

    def look(name: str) -> None:
        seen[name] = axe(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"

    look("landing")
    for path in ("signin", "signin/password", "signin/nonsense"):
        page.goto(f"{address}/vendor/{path}")
        look(path)
    page.goto(f"{address}/admin/forgot-password")
    look("forgotten")
    page.goto(f"{address}/vendor/signin/password")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("a wrong password")
    page.goto(f"{address}/vendor/signin")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("button", name="Email me a sign-in link").click()
    look("inbox")
    page.goto(f"{address}/dev/mailbox")
    look("mailbox")
    open_newest_mail(page, address)
    look("link")
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{address}/vendor/settings/security")
    look("security")
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = stepped_up_at - interval '1 hour'")
    page.goto(f"{address}/vendor/step-up")
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    look("step-up")
    assert {name: found for name, found in seen.items() if found} == {}
