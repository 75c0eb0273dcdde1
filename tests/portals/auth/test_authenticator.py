"""The authenticator app: asked for at sign-in, each code once, recovery codes when lost, locked when guessed."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from flask import Flask

from app.core import clock
from app.identity.states import Portal
from tests.portals.auth.test_pages import EMAIL, Superuser, make, newest_link, signed_in_as
from tests.portals.auth.test_password import GOOD, attempt, give_password
from tests.portals.conftest import Browser

BASE = "/settings/security/authenticator"


def page_of(portal: Portal) -> str:
    return f"/{portal.value}{BASE}"


def set_up(browser: Browser, portal: Portal) -> tuple[str, list[str]]:
    """(secret, recovery codes) of an authenticator just set up by the person signed in."""
    assert browser.post(f"{page_of(portal)}/new").status_code == 303
    shown = browser.get(page_of(portal)).text
    assert 'src="data:image/svg+xml' in shown
    found = re.search(r'id="authenticator-key">([A-Z2-7 ]+)<', shown)
    assert found
    secret = found[1].replace(" ", "")
    answer = browser.post(page_of(portal), {"code": code_at(secret, -30)})
    assert answer.status_code == 200
    return secret, re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", answer.text)


def code_at(secret: str, seconds: int = 0) -> str:
    return pyotp.TOTP(secret).at(clock.utc_now() + timedelta(seconds=seconds))


@pytest.mark.parametrize("portal", [Portal.CREATOR, Portal.VENDOR, Portal.ORG, Portal.ADMIN, Portal.CLIENT])
def test_code_is_asked_for_after_a_link(client: Browser, app: Flask, portal: Portal) -> None:
    make(portal)
    client.sign_in(portal, EMAIL)
    secret, codes = set_up(client, portal)
    assert len(set(codes)) == 10

    other = app.test_client()
    assert isinstance(other, Browser)
    other.post(f"/{portal.value}/signin", {"email": EMAIL})
    entered = other.post(newest_link(other))
    assert entered.location == f"/{portal.value}/signin/code"
    assert not signed_in_as(other, portal)  # half signed in is not signed in
    assert other.get(f"/{portal.value}/settings/security").location.startswith(f"/{portal.value}/signin")

    wrong = other.post(f"/{portal.value}/signin/code", {"code": "000000"})
    assert wrong.status_code == 422
    assert "This code is wrong" in wrong.text
    code = code_at(secret)
    assert other.post(f"/{portal.value}/signin/code", {"code": code}).status_code == 303
    assert signed_in_as(other, portal)


def test_same_code_counts_once(client: Browser, app: Flask) -> None:
    give_password(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    secret, _codes = set_up(client, Portal.VENDOR)
    code = code_at(secret)
    first, second = app.test_client(), app.test_client()
    assert isinstance(first, Browser)
    assert isinstance(second, Browser)
    for browser, expected in ((first, 303), (second, 422)):
        assert attempt(browser, Portal.VENDOR, GOOD) == 303
        assert browser.post("/vendor/signin/code", {"code": code}).status_code == expected
    assert not signed_in_as(second, Portal.VENDOR)


def test_recovery_code_counts_once_and_is_told(client: Browser, app: Flask, superuser: Superuser) -> None:
    give_password(Portal.ADMIN)
    client.sign_in(Portal.ADMIN, EMAIL)
    _secret, codes = set_up(client, Portal.ADMIN)
    kept = superuser.execute("SELECT code_index FROM recovery_codes").fetchall()
    assert not {codes[0], codes[0].replace("-", "")} & {row[0] for row in kept}
    for expected in (303, 422):
        browser = app.test_client()
        assert isinstance(browser, Browser)
        attempt(browser, Portal.ADMIN, GOOD)
        assert browser.post("/admin/signin/code", {"code": codes[0].upper()}).status_code == expected
    told = superuser.execute(
        "SELECT context->>'what' FROM mails WHERE template = 'second_factor' ORDER BY id"
    ).fetchall()
    assert [row[0] for row in told] == [
        "An authenticator app was set up",
        "A recovery code was used to sign in; 9 are left",
    ]


def test_five_wrong_codes_lock(client: Browser) -> None:
    give_password(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    secret, _codes = set_up(client, Portal.VENDOR)
    client.post("/vendor/signout")
    attempt(client, Portal.VENDOR, GOOD)
    tries = [client.post("/vendor/signin/code", {"code": "12345"}).status_code for _n in range(6)]
    assert tries == [422] * 5 + [423]
    assert client.post("/vendor/signin/code", {"code": code_at(secret)}).status_code == 423
    with clock.at(clock.utc_now() + timedelta(minutes=16)):
        assert client.get("/vendor/signin/code").status_code == 303  # waited too long: sign in again
        attempt(client, Portal.VENDOR, GOOD)
        assert client.post("/vendor/signin/code", {"code": code_at(secret)}).status_code == 303


def test_wrong_first_code_sets_nothing_up(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(f"{page_of(Portal.VENDOR)}/new")
    refused = client.post(page_of(Portal.VENDOR), {"code": "abcdef"})
    assert refused.status_code == 422
    assert "authenticator-key" in refused.text
    assert superuser.execute("SELECT confirmed_at FROM authenticators").fetchone() == (None,)


def test_changes_need_a_fresh_sign_in(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    set_up(client, Portal.VENDOR)
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    for path in ("/removal", "/recovery-codes", "/new"):
        assert "/vendor/step-up" in client.post(page_of(Portal.VENDOR) + path).location
    assert superuser.execute("SELECT count(*) FROM authenticators").fetchone() == (1,)


def test_removed_means_no_code(client: Browser) -> None:
    give_password(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    set_up(client, Portal.VENDOR)
    assert client.post(f"{page_of(Portal.VENDOR)}/removal").status_code == 303
    assert client.post(f"{page_of(Portal.VENDOR)}/removal").status_code == 409
    client.post("/vendor/signout")
    assert attempt(client, Portal.VENDOR, GOOD) == 303
    assert signed_in_as(client, Portal.VENDOR)


def test_strangers_are_refused(client: Browser) -> None:
    assert client.get(page_of(Portal.VENDOR)).location.startswith("/vendor/signin")
    assert client.get("/vendor/signin/code").location == "/vendor/signin"
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    assert client.get(page_of(Portal.ADMIN)).status_code == 404
