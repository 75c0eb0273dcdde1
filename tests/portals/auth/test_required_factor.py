"""Where the installation asks for it, people who move other people's money need a second step at sign-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.settings import load
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people
from tests.factories.organizations import organization
from tests.fakes.passkey import Device
from tests.portals.auth.test_authenticator import page_of, set_up
from tests.portals.auth.test_pages import EMAIL, Superuser, make
from tests.portals.auth.test_passkeys import add, another, signs_in
from tests.portals.conftest import Browser
from tests.stores import environment


@pytest.fixture(autouse=True)
def _required() -> Iterator[None]:
    with environment(REQUIRE_SECOND_FACTOR="on"):
        yield


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_set_one_up_first(client: Browser, role: Role) -> None:
    people.member(organization("oxford"), role, EMAIL)
    client.sign_in(Portal.ORG, EMAIL)
    for page in ("/org/", "/org/oxford/", "/org/oxford/payees"):
        assert client.get(page).location == "/org/settings/security"
    assert "Set up a second step first" in client.get("/org/settings/security").text
    set_up(client, Portal.ORG)
    assert client.get("/org/oxford/payees").status_code == 200
    assert "Set up a second step first" not in client.get("/org/settings/security").text


def test_a_passkey_is_one_too_and_the_last_one_stays(client: Browser, app: Flask, superuser: Superuser) -> None:
    make(Portal.ADMIN)
    client.sign_in(Portal.ADMIN, EMAIL)
    assert client.get("/admin/").location == "/admin/settings/security"
    device = Device()
    assert add(client, Portal.ADMIN, device).status_code == 200
    assert client.get("/admin/").status_code in (200, 303) and client.get("/admin/payees").status_code == 200
    found = superuser.execute("SELECT id FROM passkeys").fetchone()
    assert found
    removal = f"/admin/settings/security/passkeys/{found[0]}/removal"
    refused = client.post(removal)
    assert refused.status_code == 409 and "this is your last one" in refused.text
    set_up(client, Portal.ADMIN)
    assert client.post(removal).status_code == 303
    assert client.post(f"{page_of(Portal.ADMIN)}/removal").status_code == 409
    assert superuser.execute("SELECT count(*) FROM authenticators").fetchone() == (1,)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPPORT])
def test_others_may_go_without(client: Browser, role: Role) -> None:
    people.member(organization("oxford"), role, EMAIL)
    client.sign_in(Portal.ORG, EMAIL)
    assert client.get("/org/oxford/payees").status_code == 200


def test_payees_may_go_without(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    assert client.get("/vendor/payments").status_code == 200


def test_programs_pages_say_no(client: Browser) -> None:
    made = people.member(organization("oxford"), Role.OWNER, EMAIL)
    client.sign_in(Portal.ORG, EMAIL)
    assert client.get(f"/api/organizations/{made.organization_id}/payees").status_code in (403, 404)


def test_default_by_mode() -> None:
    secrets = dict.fromkeys(("SECRET_KEY", "PAYOUT_ENCRYPTION_KEY"), "x" * 32)
    assert load({"QUITTANCE_MODE": "live", **secrets}).require_second_factor
    assert not load({"QUITTANCE_MODE": "live", "REQUIRE_SECOND_FACTOR": "off", **secrets}).require_second_factor
    assert not load(dict(secrets)).require_second_factor


def test_an_operator_takes_a_lost_one_away(client: Browser, app: Flask, superuser: Superuser) -> None:
    make(Portal.ADMIN)
    client.sign_in(Portal.ADMIN, EMAIL)
    device = Device()
    add(client, Portal.ADMIN, device)
    set_up(client, Portal.ADMIN)
    command = ["accounts", "reset-factor", EMAIL.upper(), "--portal", "admin"]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    left = "SELECT (SELECT count(*) FROM passkeys) + (SELECT count(*) FROM authenticators)"
    assert superuser.execute(f"{left} + (SELECT count(*) FROM recovery_codes)").fetchone() == (0,)
    assert client.get("/admin/payees").location.startswith("/admin/signin")  # signed out everywhere
    assert signs_in(another(app), Portal.ADMIN, device).status_code == 422
    noted = superuser.execute("SELECT actor FROM audit_records WHERE action = 'second_step.reset'").fetchone()
    assert noted and str(noted[0]).startswith("operator ")
    told = superuser.execute("SELECT context->>'what' FROM mails ORDER BY id DESC LIMIT 1").fetchone()
    assert told and "An operator took away" in told[0]
    other = app.test_cli_runner().invoke(args=["accounts", "reset-factor", EMAIL, "--portal", "vendor"])
    assert other.exit_code != 0 and "No account" in other.output
