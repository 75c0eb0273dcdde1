"""Passkeys: both steps in one, bound to address, portal and account; each challenge once, no copies."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from app.identity import ceremony
from app.identity.states import Portal
from tests.factories import organizations, payees, people
from tests.fakes.passkey import Device
from tests.portals.auth.test_pages import EMAIL, Superuser, make, newest_link, signed_in_as
from tests.portals.conftest import Browser

NAME = "Maya's phone"


def base(portal: Portal) -> str:
    return f"/{portal.value}/settings/security/passkeys"


def options(browser: Browser, url: str) -> dict[str, Any]:
    answer = browser.post(url)
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    found: dict[str, Any] = json.loads(answer.text)
    return found


def add(browser: Browser, portal: Portal, device: Device, name: str = NAME) -> Any:
    answer = device.make(options(browser, f"{base(portal)}/challenge"))
    return browser.post(base(portal), {"name": name, "credential": answer})


def signs_in(browser: Browser, portal: Portal, device: Device, **more: str) -> Any:
    answer = device.sign(options(browser, f"/{portal.value}/signin/passkey/challenge"))
    return browser.post(f"/{portal.value}/signin/passkey", {"credential": answer, **more})


def another(app: Flask) -> Browser:
    made = app.test_client()
    assert isinstance(made, Browser)
    return made


def somebody_else(app: Flask) -> Browser:
    people.account(Portal.VENDOR, "eve@example.test", payees.vendor(organizations.organization("eve")))
    return another(app).sign_in(Portal.VENDOR, "eve@example.test")


@pytest.fixture
def device(client: Browser) -> Device:
    """Maya's, with a passkey for the vendor portal; `client` is signed in there."""
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    made = Device()
    assert add(client, Portal.VENDOR, made).status_code == 200
    return made


@pytest.mark.parametrize("portal", list(Portal))
def test_signs_in_on_every_portal(client: Browser, app: Flask, superuser: Superuser, portal: Portal) -> None:
    make(portal)
    client.sign_in(portal, EMAIL)
    device = Device()
    made = add(client, portal, device)
    assert made.status_code == 200 and made.text.count("<code>") == 10  # recovery codes, with the first factor
    assert NAME.replace("'", "&#39;") in client.get(f"/{portal.value}/settings/security").text
    browser = another(app)
    assert signs_in(browser, portal, device, next=f"/{portal.value}/settings/security").status_code == 303
    assert signed_in_as(browser, portal)
    noted = superuser.execute("SELECT action, detail->>'by' FROM audit_records ORDER BY id").fetchall()
    assert ("passkey.added", None) in noted and noted[-1] == ("signed_in", "passkey")
    told = superuser.execute("SELECT context->>'what' FROM mails WHERE template = 'second_factor'").fetchall()
    assert told == [(f"A passkey was added: {NAME}",)]


def test_asked_for_as_second_step_after_a_link(client: Browser, app: Flask, device: Device) -> None:
    browser = another(app)
    browser.post("/vendor/signin", {"email": EMAIL})
    assert browser.post(newest_link(browser)).location == "/vendor/signin/code"
    assert not signed_in_as(browser, Portal.VENDOR)
    page = browser.get("/vendor/signin/code").text
    assert "Use a passkey" in page and "recovery codes" in page
    assert signs_in(browser, Portal.VENDOR, device).status_code == 303
    assert signed_in_as(browser, Portal.VENDOR)


def test_a_recovery_code_stands_in_for_a_lost_passkey(client: Browser, app: Flask, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    code = add(client, Portal.VENDOR, Device()).text.split("<code>")[1][:11]
    for expected in (303, 422):
        browser = another(app)
        browser.post("/vendor/signin", {"email": EMAIL})
        browser.post(newest_link(browser))
        assert browser.post("/vendor/signin/code", {"code": "nonsense12"}).status_code == 422
        assert browser.post("/vendor/signin/code", {"code": code}).status_code == expected


def test_counts_as_step_up(client: Browser, device: Device, superuser: Superuser) -> None:
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    page = client.get("/vendor/settings/security/address")
    assert "/vendor/step-up" in page.location and "Use a passkey" in client.get(page.location).text
    wanted = "/vendor/settings/security/address"
    assert signs_in(client, Portal.VENDOR, device, next=wanted).location == wanted
    assert client.get(wanted).status_code == 200


def test_one_persons_passkey_is_no_step_up_for_another(client: Browser, app: Flask, device: Device) -> None:
    eve = somebody_else(app)
    assert signs_in(eve, Portal.VENDOR, device).status_code == 422
    assert "eve@example.test" in eve.get("/vendor/settings/security").text


def test_a_challenge_counts_once(client: Browser, app: Flask, device: Device) -> None:
    browser = another(app)
    answer = device.sign(options(browser, "/vendor/signin/passkey/challenge"))
    assert browser.post("/vendor/signin/passkey", {"credential": answer}).status_code == 303
    replayed = another(app).post("/vendor/signin/passkey", {"credential": answer})
    assert replayed.status_code == 422 and "does not sign in here" in replayed.text


def test_a_challenge_answered_wrongly_is_used_up(client: Browser, app: Flask, device: Device) -> None:
    asked = options(another(app), "/vendor/signin/passkey/challenge")
    device.origin = "https://evil.example"
    assert another(app).post("/vendor/signin/passkey", {"credential": device.sign(asked)}).status_code == 422
    device.origin = "http://localhost:8000"
    assert another(app).post("/vendor/signin/passkey", {"credential": device.sign(asked)}).status_code == 422


def test_challenges_expire(client: Browser, app: Flask, device: Device) -> None:
    answer = device.sign(options(another(app), "/vendor/signin/passkey/challenge"))
    with clock.at(clock.utc_now() + timedelta(minutes=6)):
        assert another(app).post("/vendor/signin/passkey", {"credential": answer}).status_code == 422


@pytest.mark.parametrize(
    "change",
    [{"origin": "http://localhost:9000"}, {"origin": "https://localhost:8000"}, {"verified": False}, {"key": None}],
)
def test_another_address_an_unverified_person_and_a_wrong_key_are_refused(
    client: Browser, app: Flask, device: Device, change: dict[str, Any]
) -> None:
    if "key" in change:  # signs with another key under the same name
        stranger = Device()
        stranger.user_handle = device.user_handle
        sent = json.loads(stranger.sign(options(client, "/vendor/signin/passkey/challenge")))
        sent["id"] = sent["rawId"] = json.loads(device.sign({"challenge": "AA", "rpId": "localhost"}))["id"]
        answer = client.post("/vendor/signin/passkey", {"credential": json.dumps(sent)})
    else:
        for name, value in change.items():
            setattr(device, name, value)
        answer = signs_in(another(app), Portal.VENDOR, device)
    assert answer.status_code == 422


def test_a_copy_is_refused_and_told(client: Browser, app: Flask, device: Device, superuser: Superuser) -> None:
    assert signs_in(another(app), Portal.VENDOR, device).status_code == 303
    device.count = 0  # the copy counts on from where it was made
    assert signs_in(another(app), Portal.VENDOR, device).status_code == 422
    assert superuser.execute("SELECT count(*) FROM audit_records WHERE action = 'passkey.cloned'").fetchone() == (1,)
    told = superuser.execute("SELECT context->>'what' FROM mails WHERE template = 'second_factor' ORDER BY id")
    assert "a copy of it" in told.fetchall()[-1][0]


def test_devices_without_a_counter_are_no_copies(client: Browser, app: Flask) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    device = Device(count=None)
    add(client, Portal.VENDOR, device)
    for _time in range(2):
        assert signs_in(another(app), Portal.VENDOR, device).status_code == 303


def test_it_opens_its_own_portal_only(client: Browser, app: Flask, device: Device) -> None:
    make(Portal.ADMIN)  # the same address there
    refused = signs_in(another(app), Portal.ADMIN, device)
    assert refused.status_code == 422 and "does not sign in here" in refused.text
    vendors = device.sign(options(another(app), "/vendor/signin/passkey/challenge"))
    assert another(app).post("/admin/signin/passkey", {"credential": vendors}).status_code == 422


def test_a_suspended_account_stays_out(client: Browser, app: Flask, device: Device, superuser: Superuser) -> None:
    superuser.execute("UPDATE accounts SET status = 'suspended'")
    assert signs_in(another(app), Portal.VENDOR, device).status_code == 422


@pytest.mark.parametrize("sent", ["", "nonsense", "{}", "[]", '{"id": 1}'])
def test_nonsense_is_refused(client: Browser, sent: str) -> None:
    make(Portal.VENDOR)
    assert client.post("/vendor/signin/passkey", {"credential": sent}).status_code == 422
    client.sign_in(Portal.VENDOR, EMAIL)
    answer = client.post(base(Portal.VENDOR), {"name": NAME, "credential": sent})
    assert answer.status_code == 422 and NAME.replace("'", "&#39;") in answer.text


def test_a_name_is_needed_and_the_same_device_is_there_once(client: Browser, device: Device) -> None:
    assert add(client, Portal.VENDOR, Device(), name="").status_code == 422
    assert add(client, Portal.VENDOR, device).status_code == 422
    known = options(client, f"{base(Portal.VENDOR)}/challenge")["excludeCredentials"]
    assert len(known) == 1
    assert add(client, Portal.VENDOR, Device(), name="Key").location == "/vendor/settings/security"


def test_removed_means_gone(client: Browser, app: Flask, device: Device, superuser: Superuser) -> None:
    found = superuser.execute("SELECT id FROM passkeys").fetchone()
    assert found
    removal = f"{base(Portal.VENDOR)}/{found[0]}/removal"
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    assert "/vendor/step-up" in client.post(removal).location
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now()")
    assert client.post(removal).status_code == 303
    assert client.post(removal).status_code == 404
    assert superuser.execute("SELECT count(*) FROM recovery_codes").fetchone() == (0,)
    assert signs_in(another(app), Portal.VENDOR, device).status_code == 422
    browser = another(app)
    browser.post("/vendor/signin", {"email": EMAIL})
    assert browser.post(newest_link(browser)).location == "/vendor/"


def test_somebody_elses_cannot_be_removed(client: Browser, app: Flask, device: Device, superuser: Superuser) -> None:
    eve = somebody_else(app)
    found = superuser.execute("SELECT id FROM passkeys").fetchone()
    assert found
    assert eve.post(f"{base(Portal.VENDOR)}/{found[0]}/removal").status_code == 404
    assert superuser.execute("SELECT count(*) FROM passkeys").fetchone() == (1,)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://127.0.0.1:8000", ("localhost", "http://localhost:8000")),
        ("https://pay.example.com", ("pay.example.com", "https://pay.example.com")),
        ("http://pay.example.com", None),
        ("https://10.1.2.3", None),
    ],
)
def test_what_passkeys_are_bound_to(address: str, found: tuple[str, str] | None) -> None:
    site = ceremony.site_of(address)
    assert (site and (site.rp_id, site.origin)) == found
