"""A passkey in a real browser, with Chromium's virtual authenticator: made, signed in with, asked for, removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import expect

from app.identity.states import Portal
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.browser.test_sign_in import open_newest_mail
from tests.factories import organizations, payees, people
from tests.portals import conftest as portals
from tests.stores import environment

_application, app = portals._application, portals.app
EMAIL = "vera@lumen.test"


@pytest.fixture
def address(app: Flask, serve: Serve) -> Iterator[str]:
    people.account(Portal.VENDOR, EMAIL, payees.vendor(organizations.organization(), "Lumen Print Co."))
    served = f"http://localhost:{urlsplit(serve(app)).port}"  # passkeys need a name
    with environment(BASE_URL=served):
        yield served


def plug_in(page: Any) -> tuple[Any, str]:
    """A phone with a fingerprint reader, as far as the browser can tell."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return devtools, made["authenticatorId"]


def test_made_signed_in_with_asked_for_and_removed(
    address: str, visit: Visit, axe: Axe, superuser: psycopg.Connection[Any]
) -> None:
    page = visit(f"{address}/vendor/signin")
    devtools, phone = plug_in(page)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("button", name="Email me a sign-in link").click()
    open_newest_mail(page, address)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{address}/vendor/settings/security")
    page.locator("#new-passkey-form").get_by_label("Name").fill("Vera's phone")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("code").first).to_be_visible()  # recovery codes
    page.goto(f"{address}/vendor/settings/security")
    expect(page.get_by_text("Vera's phone")).to_be_visible()
    assert axe(page) == []

    page.context.clear_cookies()
    page.goto(f"{address}/vendor/signin?next=/vendor/settings/security")
    assert axe(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Sign-in and security")).to_be_visible()

    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = stepped_up_at - interval '1 hour'")
    page.goto(f"{address}/vendor/settings/security/address")
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Change your sign-in address")).to_be_visible()

    page.goto(f"{address}/vendor/settings/security")
    page.locator("#own-passkeys").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Vera's phone", exact=True)).to_be_hidden()
    page.context.clear_cookies()
    page.goto(f"{address}/vendor/signin")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey does not sign in here.")).to_be_visible()

    devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": phone})
