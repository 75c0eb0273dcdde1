"""A new payee from the directory: invited in one step, asked where they have an account, never there twice."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.identity.states import Portal
from app.organizations.states import Role
from app.payees.states import PayeeKind
from tests.factories import payees, people
from tests.factories.organizations import organization
from tests.portals.auth.test_signup import signup_link
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House

NEW = "/org/oxford/payees/new"
FORM = {
    "name": "Amara Okafor",
    "kind": "creator",
    "currency": "GBP",
    "terms_days": "30",
    "email": "amara@creators.test",
}


@pytest.fixture
def elsewhere(house: House) -> Any:
    """Amara's payee, who creates for another organization and signs in."""
    made = payees.vendor(organization("cambridge"), "Amara Okafor", kind=PayeeKind.CREATOR)
    people.account(Portal.CREATOR, FORM["email"], made)
    return made


def names(house: House) -> list[str]:
    return [name for name in ("Amara Okafor", "Zoe Marsh") if name in house.browser.get("/org/oxford/creators").text]


def test_the_kind_is_that_of_the_list_one_came_from(house: House) -> None:
    assert f"{NEW}?kind=creator" in house.browser.get("/org/oxford/creators").text
    page = house.browser.get(f"{NEW}?kind=creator").text
    assert "selected" in re.findall(r'<option[^>]*value="creator"[^>]*>', page)[0]
    assert house.browser.get(f"{NEW}?kind=nonsense").status_code == 200


def test_added_and_invited_in_one_step(house: House, superuser: Any) -> None:
    without = house.browser.post(NEW, {**FORM, "email": "", "invite": "y"})
    assert without.status_code == 422 and "Give the address the invitation goes to." in without.text
    assert names(house) == [] and 'value="Amara Okafor"' in without.text
    made = house.browser.post(NEW, {**FORM, "invite": "y"})
    assert made.status_code == 303 and "Invited, has not signed in yet" in house.browser.get(made.location).text
    sent = superuser.execute("SELECT to_address FROM mails WHERE template = 'invitation'").fetchall()
    assert sent == [("amara@creators.test",)]
    again = house.browser.post(NEW, {**FORM, "name": "Amara O.", "email": "AMARA@creators.test"})
    assert again.status_code == 422 and "Amara Okafor is in your directory with this address already." in again.text


def test_a_creator_of_others_is_asked_and_joins_by_the_mailed_link(
    house: House, elsewhere: Any, client: Browser, superuser: Any
) -> None:
    asked = house.browser.post(NEW, {**FORM, "email": " Amara@Creators.test", "invite": "y"})
    assert asked.location == "/org/oxford/payees" and names(house) == []
    link = signup_link(client)
    assert link.startswith("/creator/signup/")
    page = client.get(link).text
    assert "wants to work with you" in page and "tax form" in page
    assert names(house) == []  # scanners follow links
    assert "You work with" in client.post(link).text
    assert names(house) == ["Amara Okafor"]
    rows = superuser.execute("SELECT count(*) FROM engagements WHERE payee_id = %s", [elsewhere]).fetchone()
    assert rows == (2,) and client.post(link).status_code == 410
    again = house.browser.post(NEW, FORM)
    assert again.status_code == 422 and "in your directory" in again.text


def test_found_by_address(house: House) -> None:
    made = house.browser.post(NEW, FORM)
    assert "they see their orders and earnings" in house.browser.get(made.location).text
    house.browser.post(NEW, {**FORM, "name": "Zoe Marsh", "email": "zoe@creators.test"})
    vendor_elsewhere = payees.vendor(organization("cambridge"), "Amara Ltd", email="amara@ltd.test")
    assert names(house) == ["Amara Okafor", "Zoe Marsh"]
    found = house.browser.get("/org/oxford/payees?q=AMARA@").text
    assert "Amara Okafor" in found and "Zoe Marsh" not in found and str(vendor_elsewhere) not in found
    assert "Zoe Marsh" in house.browser.get("/org/oxford/creators?q=zoe@creators.test").text
    assert "Nobody matches" in house.browser.get("/org/oxford/payees?q=%25@").text


def test_asked_often_enough(house: House, elsewhere: Any) -> None:
    for _turn in range(3):
        assert house.browser.post(NEW, FORM).status_code == 303
    more = house.browser.post(NEW, FORM)
    assert more.status_code == 422 and "asked several times today" in more.text


def test_two_links_and_one_engagement(house: House, elsewhere: Any, client: Browser) -> None:
    house.browser.post(NEW, FORM)
    first = signup_link(client)
    house.browser.post(NEW, FORM)
    assert "You work with" in client.post(signup_link(client)).text
    assert client.post(first).status_code == 409 and names(house) == ["Amara Okafor"]


def test_support_asks_nobody(house: House, elsewhere: Any, superuser: Any) -> None:
    assert house.member(Role.SUPPORT).post(NEW, FORM).status_code == 403
    assert superuser.execute("SELECT count(*) FROM payee_applications").fetchone() == (0,)
