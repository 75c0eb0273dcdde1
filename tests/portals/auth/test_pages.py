"""Every portal's sign-in pages, as a person and as a mail scanner meet them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask

from app.identity.states import Portal
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.portals.conftest import Browser

Superuser = psycopg.Connection[tuple[Any, ...]]
EMAIL = "maya@example.test"


def make(portal: Portal, email: str = EMAIL) -> None:
    payee_id = vendor(organization()) if portal.is_payee else None
    people.account(portal, email, payee_id)


def newest_link(client: Browser) -> str:
    """The path of the link in the newest mail, as a person finds it in the sandbox's mailbox."""
    listed = client.get("/dev/mailbox").text
    first = re.search(r'href="(/dev/mailbox/[0-9a-f-]{36})"', listed)
    assert first, listed
    found = re.search(r'href="(http[^"]+/(?:signin|reset-password)/[^"]+)"', client.get(first[1]).text)
    assert found
    parts = urlsplit(found[1].replace("&amp;", "&"))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def mails(superuser: Superuser) -> int:
    row = superuser.execute("SELECT count(*) FROM mails").fetchone()
    assert row
    return int(row[0])


def signed_in_as(client: Browser, portal: Portal) -> bool:
    return client.get(f"/{portal.value}/settings/security").status_code == 200


@pytest.mark.parametrize("portal", list(Portal))
def test_link_signs_in_once(client: Browser, app: Flask, portal: Portal) -> None:
    make(portal)
    asked = client.post(f"/{portal.value}/signin", {"email": " Maya@Example.TEST "})
    assert asked.status_code == 303
    inbox = client.get(asked.location)
    assert "Check your inbox" in inbox.text
    link = newest_link(client)
    assert link.startswith(f"/{portal.value}/signin/")

    for _scan in range(3):  # mail scanners follow links, some by HEAD
        assert "You sign in as" in client.get(link).text
        assert client.head(link).status_code == 200
    assert not signed_in_as(client, portal)

    entered = client.post(link)
    assert (entered.status_code, entered.location) == (303, f"/{portal.value}/")
    assert signed_in_as(client, portal)

    other = app.test_client()
    again = other.post(link)
    assert again.status_code == 410
    assert "used up" in again.text


@pytest.mark.parametrize("portal", list(Portal))
def test_nobody_learns_who_has_an_account(client: Browser, superuser: Superuser, portal: Portal) -> None:
    make(portal)

    def told(email: str) -> str:
        answer = client.post(f"/{portal.value}/signin", {"email": email}, follow_redirects=True)
        assert answer.status_code == 200
        text = re.sub(r'name="csrf_token"[^>]*>', "", answer.text).replace(email, "…")
        return re.sub(r'X-CSRFToken":"[^"]+"', "", re.sub(r"<time.*?</time>", "", text))

    known, unknown = told(EMAIL), told("nobody@example.test")
    assert known == unknown
    assert mails(superuser) == 1


def test_link_of_another_portal_is_no_link(client: Browser) -> None:
    make(Portal.VENDOR)
    client.post("/vendor/signin", {"email": EMAIL})
    token = newest_link(client).rsplit("/", 1)[1]
    for portal in set(Portal) - {Portal.VENDOR}:
        assert client.get(f"/{portal.value}/signin/{token}").status_code == 410
        assert client.post(f"/{portal.value}/signin/{token}").status_code == 410
    assert client.post(f"/vendor/signin/{token}").status_code == 303


def test_five_mails_an_hour(client: Browser, superuser: Superuser) -> None:
    make(Portal.ADMIN)
    for _n in range(7):
        assert client.post("/admin/signin", {"email": EMAIL}).status_code == 303
    assert mails(superuser) == 5


def test_link_leads_back_to_the_page_asked_for(client: Browser) -> None:
    make(Portal.ADMIN)
    sent_away = client.get("/admin/settings/security")
    assert sent_away.status_code == 303
    assert sent_away.location == "/admin/signin?next=/admin/settings/security"
    form = client.get(sent_away.location)
    assert 'name="next" type="hidden" value="/admin/settings/security"' in form.text
    client.post("/admin/signin", {"email": EMAIL, "next": "/admin/settings/security"})
    link = newest_link(client)
    assert link.endswith("?next=%2Fadmin%2Fsettings%2Fsecurity")
    assert client.post(link, {"next": "/admin/settings/security"}).location == "/admin/settings/security"


@pytest.mark.parametrize(
    "evil",
    ["https://evil.test/", "//evil.test/admin/", "/vendor/", "/admin/../vendor/", "/admin//evil.test", "/admin\\x",
     "javascript:alert(1)", "/admin/\r\nX: y"],
)  # fmt: skip
def test_next_never_leaves_the_portal(client: Browser, evil: str) -> None:
    make(Portal.ADMIN)
    client.post("/admin/signin", {"email": EMAIL, "next": evil})
    assert "?next" not in (link := newest_link(client))
    assert client.post(link, {"next": evil}).location == "/admin/"


def test_a_post_without_its_token_is_refused(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    answer = client.post("/vendor/signin", {"email": EMAIL}, csrf=False)
    assert answer.status_code == 400
    assert mails(superuser) == 0
    client.post("/vendor/signin", {"email": EMAIL})
    link = newest_link(client)
    assert client.post(link, csrf=False).status_code == 400
    assert not signed_in_as(client, Portal.VENDOR)


def test_what_is_no_address_is_told_so(client: Browser) -> None:
    answer = client.post("/vendor/signin", {"email": "maya at example"})
    assert answer.status_code == 422
    assert "Write an e-mail address like" in answer.text


@pytest.mark.parametrize("portal", list(Portal))
def test_other_portals_answer_404(client: Browser, portal: Portal) -> None:
    make(portal)
    client.sign_in(portal, EMAIL)
    for other in Portal:
        answer = client.get(f"/{other.value}/settings/security")
        assert answer.status_code == (200 if other is portal else 404)


def test_signing_in_elsewhere_ends_the_session_here(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    people.account(Portal.ADMIN, EMAIL)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post("/admin/signin", {"email": EMAIL})
    client.post(newest_link(client))
    assert signed_in_as(client, Portal.ADMIN)
    ended = superuser.execute("SELECT portal FROM sign_in_sessions WHERE revoked_at IS NOT NULL").fetchall()
    assert ended == [("vendor",)]


def test_sign_out_ends_the_session_not_just_the_cookie(client: Browser, app: Flask, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    copied = client.get_cookie("quittance")
    assert copied
    assert client.post("/vendor/signout").location == "/vendor/signin"
    thief = app.test_client()
    thief.set_cookie("quittance", copied.value)
    assert thief.get("/vendor/settings/security").status_code == 303
    assert superuser.execute("SELECT count(*) FROM audit_records WHERE action = 'signed_out'").fetchone() == (1,)


def test_the_cookie_is_out_of_reach(client: Browser) -> None:
    answer = client.get("/vendor/signin")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_health_and_readiness(client: Browser) -> None:
    assert client.get("/health").json == {"status": "ok"}
    ready = client.get("/ready")
    assert (ready.status_code, ready.json) == (
        200,
        {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"},
    )


def test_landing_lists_only_portals_that_exist(client: Browser, app: Flask) -> None:
    page = client.get("/").text
    for portal in Portal:
        there = portal.value in app.blueprints and portal is not Portal.CLIENT
        assert (f'href="/{portal.value}/"' in page) == there
