"""The sign-in address: changed by its owner after a fresh sign-in, proved by a link, both addresses told."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app.core import clock
from app.identity.states import Portal
from tests.portals.auth.test_pages import EMAIL, Superuser, make, signed_in_as
from tests.portals.conftest import Browser

NEW = "maya@new.test"


def page_of(portal: Portal) -> str:
    return f"/{portal.value}/settings/security/address"


def link_in_mailbox(client: Browser) -> str:
    """The newest link that confirms an address, as its reader finds it."""
    for path in re.findall(r'href="(/dev/mailbox/[0-9a-f-]{36})"', client.get("/dev/mailbox").text):
        found = re.search(r'href="(http[^"]+/signin/address/[^"]+)"', client.get(path).text)
        if found:
            return urlsplit(found[1]).path
    raise AssertionError("no such mail")


def told(superuser: Superuser) -> list[tuple[str, str]]:
    rows = superuser.execute("SELECT to_address, template FROM mails ORDER BY id").fetchall()
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("portal", [Portal.VENDOR, Portal.CREATOR, Portal.ORG, Portal.ADMIN, Portal.CLIENT])
def test_the_new_address_proves_itself(client: Browser, superuser: Superuser, portal: Portal) -> None:
    make(portal)
    client.sign_in(portal, EMAIL)
    assert client.post(page_of(portal), {"email": f" {NEW.upper()} "}).status_code == 303
    assert told(superuser) == [(NEW, "address_link"), (EMAIL, "address_changed")]
    assert superuser.execute("SELECT email FROM accounts").fetchone() == (EMAIL,)

    link = link_in_mailbox(client)
    assert NEW in client.get(link).text and signed_in_as(client, portal)  # a scanner's GET changes nothing
    assert client.post(link).location == f"/{portal.value}/signin"
    assert superuser.execute("SELECT email FROM accounts").fetchone() == (NEW,)
    assert not signed_in_as(client, portal)
    assert told(superuser)[2:] == [(EMAIL, "address_changed"), (NEW, "address_changed")]
    assert client.post(link).status_code == 410


def test_members_and_the_contact_address_go_along(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    superuser.execute("UPDATE payees SET email = %s", [EMAIL])
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(page_of(Portal.VENDOR), {"email": NEW})
    client.post(link_in_mailbox(client))
    assert superuser.execute("SELECT email FROM payees").fetchone() == (NEW,)


def test_it_needs_a_fresh_sign_in(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    assert "/vendor/step-up" in client.post(page_of(Portal.VENDOR), {"email": NEW}).location
    assert told(superuser) == []


@pytest.mark.parametrize("wrong", ["", "nobody", EMAIL])
def test_wrong_addresses_are_refused_beside_the_field(client: Browser, superuser: Superuser, wrong: str) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    answer = client.post(page_of(Portal.VENDOR), {"email": wrong})
    assert answer.status_code == 422 and 'id="email-e"' in answer.text
    assert told(superuser) == []


def test_a_taken_address_is_refused_to_whoever_reads_its_mail(client: Browser, superuser: Superuser) -> None:
    make(Portal.ADMIN)
    make(Portal.ADMIN, NEW)
    client.sign_in(Portal.ADMIN, EMAIL)
    assert client.post(page_of(Portal.ADMIN), {"email": NEW}).status_code == 303  # says nothing of who is known
    answer = client.post(link_in_mailbox(client))
    assert answer.status_code == 409 and "account of its own" in answer.text
    assert superuser.execute("SELECT count(*) FROM accounts WHERE email = %s", [EMAIL]).fetchone() == (1,)


def test_links_expire_and_a_newer_wish_voids_the_older(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(page_of(Portal.VENDOR), {"email": NEW})
    first = link_in_mailbox(client)
    client.post(page_of(Portal.VENDOR), {"email": "maya@third.test"})
    assert client.get(first).status_code == 410
    second = link_in_mailbox(client)
    assert second != first
    assert client.get(second.replace("/vendor/", "/creator/")).status_code == 410
    with clock.at(clock.utc_now() + timedelta(hours=2)):
        assert client.post(second).status_code == 410


def test_strangers_are_refused(client: Browser) -> None:
    assert client.get(page_of(Portal.VENDOR)).location.startswith("/vendor/signin")
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    assert client.get(page_of(Portal.ADMIN)).status_code == 404
