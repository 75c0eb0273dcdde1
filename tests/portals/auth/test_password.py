"""Passwords: optional, locked after five wrong ones for fifteen minutes, and silent about who is known."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.core import clock
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import passwords, queries
from app.identity.states import Portal
from tests.factories import people
from tests.portals.auth.test_pages import EMAIL, Superuser, mails, make, newest_link, signed_in_as
from tests.portals.conftest import Browser

GOOD = "three brown cows 77"
WITH_PASSWORD = [portal for portal in Portal if portal is not Portal.CLIENT]


def give_password(portal: Portal) -> None:
    make(portal)
    with unit_of_work(Scope.platform("tests")) as session:
        owner = queries.account_of(session, portal, EMAIL)
        assert owner
        passwords.set_first(session, owner.id, GOOD)


def attempt(client: Browser, portal: Portal, password: str, email: str = EMAIL) -> int:
    return client.post(f"/{portal.value}/signin/password", {"email": email, "password": password}).status_code


@pytest.mark.parametrize("portal", WITH_PASSWORD)
def test_password_signs_in(client: Browser, portal: Portal) -> None:
    give_password(portal)
    assert attempt(client, portal, "not this one, no") == 422
    assert attempt(client, portal, GOOD) == 303
    assert signed_in_as(client, portal)


def test_clients_have_none(client: Browser) -> None:
    make(Portal.CLIENT)
    assert client.get("/client/signin/password").status_code == 410  # read as a link's token, a dead one
    assert "password" not in client.get("/client/signin").text.replace("There is no password to remember", "")


@pytest.mark.parametrize("known", [True, False])
def test_five_wrong_ones_lock_whoever_it_is(client: Browser, known: bool) -> None:
    give_password(Portal.VENDOR)
    email = EMAIL if known else "nobody@example.test"
    began = clock.utc_now()
    assert [attempt(client, Portal.VENDOR, "wrong " * 3, email) for _n in range(5)] == [422] * 5
    locked = client.post("/vendor/signin/password", {"email": email, "password": GOOD})
    assert locked.status_code == 423
    assert "Too many wrong passwords. Try again in 15 minutes" in locked.text
    with clock.at(began + timedelta(minutes=14)):
        assert attempt(client, Portal.VENDOR, GOOD, email) == 423
    with clock.at(clock.utc_now() + timedelta(minutes=15, seconds=1)):
        assert attempt(client, Portal.VENDOR, GOOD, email) == (303 if known else 422)


def test_a_good_one_resets_the_count_and_a_lock_is_per_portal(client: Browser) -> None:
    give_password(Portal.VENDOR)
    for _turn in range(2):
        assert [attempt(client, Portal.VENDOR, "wrong " * 3) for _n in range(4)] == [422] * 4
        assert attempt(client, Portal.VENDOR, GOOD) == 303
    for _n in range(6):
        attempt(client, Portal.ADMIN, "wrong " * 3)
    assert client.get("/admin/signin/password").status_code == 200


def test_the_same_answer_for_unknown_wrong_and_absent(client: Browser, superuser: Superuser) -> None:
    give_password(Portal.VENDOR)
    pages = set()
    for email in (EMAIL, "nobody@example.test"):
        answer = client.post("/vendor/signin/password", {"email": email, "password": "wrong " * 3})
        pages.add(re.sub(r'(name="csrf_token"|X-CSRFToken)[^>]*>', "", answer.text).replace(email, "…"))
    assert len(pages) == 1
    assert superuser.execute("SELECT count(*) FROM password_guards").fetchone() == (2,)


def test_a_locked_person_comes_in_by_link(client: Browser) -> None:
    give_password(Portal.VENDOR)
    for _n in range(6):
        attempt(client, Portal.VENDOR, "wrong " * 3)
    client.post("/vendor/signin", {"email": EMAIL})
    client.post(newest_link(client))
    assert signed_in_as(client, Portal.VENDOR)


@pytest.mark.parametrize("portal", [p for p in WITH_PASSWORD if p is not Portal.VENDOR])
def test_forgotten(client: Browser, portal: Portal, superuser: Superuser) -> None:
    give_password(portal)
    client.sign_in(portal, EMAIL)
    other = client.application.test_client()
    assert other.post(f"/{portal.value}/forgot-password", {"email": EMAIL}).status_code == 303
    link = newest_link(other)
    weak = other.post(link, {"password": "short"})
    assert weak.status_code == 422
    assert "at least 12 characters" in weak.text
    assert other.post(link, {"password": "four green gates 88"}).status_code == 303
    assert other.post(link, {"password": "five green gates 88"}).status_code == 410
    assert not signed_in_as(client, portal)  # every session ended
    assert attempt(other, portal, GOOD) == 422
    assert attempt(other, portal, "four green gates 88") == 303
    assert superuser.execute("SELECT count(*) FROM mails WHERE template = 'password_changed'").fetchone() == (1,)


def test_forgotten_tells_nobody_and_vendors_use_links(client: Browser, superuser: Superuser) -> None:
    assert client.post("/admin/forgot-password", {"email": "nobody@example.test"}).status_code == 303
    assert mails(superuser) == 0
    assert client.get("/vendor/forgot-password").status_code == 404


def test_setting_one_needs_a_fresh_sign_in(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    url = "/vendor/settings/security/password"
    assert client.post(url, {"password": f"{EMAIL.split('@')[0]} and more text"}).status_code == 422
    later = clock.utc_now() + timedelta(minutes=31)
    with clock.at(later):
        assert client.post(url, {"password": GOOD}).location.startswith("/vendor/step-up")
    assert client.post(url, {"password": GOOD}).status_code == 303
    assert attempt(client.application.test_client(), Portal.VENDOR, GOOD) == 303


def test_step_up_by_password_and_by_link(client: Browser) -> None:
    give_password(Portal.ORG)
    client.sign_in(Portal.ORG, EMAIL)
    with clock.at(clock.utc_now() + timedelta(hours=1)):
        page = client.get("/org/step-up?next=/org/oxford/bills")
        assert "Confirm it is you" in page.text
        assert client.post("/org/step-up", {"password": "wrong " * 3, "next": "/org/"}).status_code == 422
        answer = client.post("/org/step-up", {"password": GOOD, "next": "/org/oxford/bills"})
        assert answer.location == "/org/oxford/bills"
        assert client.get("/org/step-up?next=/org/oxford/bills").location == "/org/oxford/bills"  # nothing to do
    with clock.at(clock.utc_now() + timedelta(hours=3)):
        assert client.post("/org/step-up/link", {"next": "/org/oxford/bills"}).status_code == 303
        link = newest_link(client)
        assert client.post(link, {"next": "/org/oxford/bills"}).location == "/org/oxford/bills"
        assert client.get("/org/step-up").status_code == 303


def test_guessing_is_slowed_down(client: Browser) -> None:
    codes = [attempt(client, Portal.ADMIN, "wrong " * 3, f"guess{n}@example.test") for n in range(11)]
    assert codes == [422] * 10 + [429]


def test_own_sessions(client: Browser) -> None:
    make(Portal.CREATOR)
    client.sign_in(Portal.CREATOR, EMAIL)
    others = [client.application.test_client() for _n in range(3)]
    for other in others:
        other.sign_in(Portal.CREATOR, EMAIL)
    page = client.get("/creator/settings/security").text
    ends = re.findall(r'action="(/creator/settings/security/sessions/[^"]+)"', page)
    assert len(ends) == 3
    assert client.post(ends[0]).status_code == 303
    assert sum(signed_in_as(other, Portal.CREATOR) for other in others) == 2
    assert client.post("/creator/settings/security/other-sessions/end").status_code == 303
    assert not any(signed_in_as(other, Portal.CREATOR) for other in others)
    assert signed_in_as(client, Portal.CREATOR)


def test_nobody_ends_sessions_of_others(client: Browser) -> None:
    make(Portal.CREATOR)
    people.account(Portal.ADMIN, "admin@example.test")
    stranger = client.application.test_client()
    stranger.sign_in(Portal.ADMIN, "admin@example.test")
    client.sign_in(Portal.CREATOR, EMAIL)
    second = client.application.test_client()
    second.sign_in(Portal.CREATOR, EMAIL)
    page = second.get("/creator/settings/security").text
    target = re.findall(r"/creator/settings/security/sessions/([^/]+)/end", page)[0]  # the first browser's
    assert stranger.post(f"/admin/settings/security/sessions/{target}/end").status_code == 404
    assert signed_in_as(client, Portal.CREATOR)


def test_time_zone(client: Browser) -> None:
    make(Portal.CREATOR)
    client.sign_in(Portal.CREATOR, EMAIL)
    url = "/creator/settings/security/time-zone"
    assert client.post(url, {"time_zone": "Mars/Olympus"}).status_code == 422
    assert client.post(url, {"time_zone": "Asia/Kolkata"}).status_code == 303
    assert '<option selected value="Asia/Kolkata">' in client.get("/creator/settings/security").text


@pytest.mark.parametrize(
    ("portal", "limit"), [(Portal.ADMIN, timedelta(hours=12)), (Portal.VENDOR, timedelta(days=14))]
)
def test_idle_sessions_end(client: Browser, portal: Portal, limit: timedelta) -> None:
    make(portal)
    client.sign_in(portal, EMAIL)
    now = clock.utc_now()
    with clock.at(now + limit - timedelta(minutes=1)):
        assert signed_in_as(client, portal)
    with clock.at(now + 2 * limit - timedelta(minutes=2)):
        assert signed_in_as(client, portal)  # seen in between
    with clock.at(now + 3 * limit):
        assert not signed_in_as(client, portal)


def test_thirty_days_are_the_end_however_busy(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    now = clock.utc_now()
    for day in (10, 20, 29):
        with clock.at(now + timedelta(days=day)):
            assert signed_in_as(client, Portal.VENDOR)
    with clock.at(now + timedelta(days=30, minutes=1)):
        assert not signed_in_as(client, Portal.VENDOR)
