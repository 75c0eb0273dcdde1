"""Signing up by application: the same answer for everybody, in no queue before the mailed link is used."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask

from app.core import clock
from app.core.scope import operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations import service as organizations
from tests.factories import payees, people
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.auth.test_pages import Superuser, mails
from tests.portals.conftest import Browser

EMAIL = "ines@duarte.test"
FORM = {
    "name": "Inês Duarte", "email": EMAIL, "work": "Illustration", "country": "PT",
    "links": "https://duarte.test/work\r\nhttps://duarte.test/shop", "message": "Hello.",
    "practice": "consultant", "specialties": "Pricing", "languages": "English", "bio": "Hello.",  # consultants alone
}  # fmt: skip


def accepting(slug: str = "oxford", yes: bool = True) -> UUID:
    organization_id = organization(slug)
    with unit_of_work(PLATFORM) as session:
        organizations.edit(
            session, operator(), organization_id, name=slug.title(), legal_name=None, billing_email=None,
            time_zone="UTC", accepts_applications=yes,
        )  # fmt: skip
    return organization_id


def house() -> UUID:
    with unit_of_work(PLATFORM) as session:
        return organizations.create(
            session, operator(), name="Quittance", slug="quittance", currency="USD", is_house=True
        ).id


def signup_link(client: Browser) -> str:
    """The newest mailed link that confirms an application."""
    for path in re.findall(r'href="(/dev/mailbox/[0-9a-f-]{36})"', client.get("/dev/mailbox").text):
        found = re.search(r'href="(http[^"]+/signup/[^"]+)"', client.get(path).text)
        if found:
            return urlsplit(found[1]).path
    raise AssertionError("no such mail")


def states(superuser: Superuser) -> list[str]:
    return [str(row[0]) for row in superuser.execute("SELECT status FROM payee_applications ORDER BY id").fetchall()]


@pytest.mark.parametrize("portal", [Portal.CREATOR, Portal.CONTRACTOR, Portal.VENDOR, Portal.CONSULTANT])
def test_by_the_link_of_an_organization(client: Browser, superuser: Superuser, portal: Portal) -> None:
    organization_id = accepting()
    url = f"/{portal.value}/signup?organization=oxford"
    assert "Apply to Oxford" in client.get(url).text
    sent = client.post(url, {**FORM, "organization": "oxford", "email": f" {EMAIL.upper()} "})
    assert sent.location == f"/{portal.value}/signup/sent"
    assert "Check your inbox" in client.get(sent.location).text
    assert states(superuser) == ["unconfirmed"]
    link = signup_link(client)
    assert "Confirm your application" in client.get(link).text
    client.head(link)
    assert states(superuser) == ["unconfirmed"]  # scanners follow links
    assert "is sent" in client.post(link).text
    row = superuser.execute("SELECT organization_id, status, email, links, kind FROM payee_applications").fetchone()
    assert row == (
        organization_id, "submitted", EMAIL, ["https://duarte.test/work", "https://duarte.test/shop"], portal.value,
    )  # fmt: skip
    assert client.post(link).status_code == 410
    assert client.get(link.replace(f"/{portal.value}/", "/vendor/")).status_code == 410


@pytest.mark.parametrize("portal", [Portal.CREATOR, Portal.CONSULTANT])
def test_without_an_organization_to_the_platform(client: Browser, superuser: Superuser, portal: Portal) -> None:
    house_id = house()
    assert client.post(f"/{portal.value}/signup", FORM).status_code == 303
    client.post(signup_link(client))
    assert superuser.execute("SELECT organization_id, status FROM payee_applications").fetchone() == (
        house_id,
        "submitted",
    )


@pytest.mark.parametrize("portal", [Portal.CONTRACTOR, Portal.VENDOR])
def test_who_works_for_one_organization_needs_its_link(client: Browser, superuser: Superuser, portal: Portal) -> None:
    house()
    assert "By invitation" in client.get(f"/{portal.value}/signup").text
    assert "By invitation" in client.post(f"/{portal.value}/signup", FORM).text
    assert states(superuser) == []


def test_an_organization_that_takes_none(client: Browser, superuser: Superuser) -> None:
    organization_id = accepting(yes=False)
    house()
    for slug in ("oxford", "nowhere", "quittance"):
        answer = client.post(f"/creator/signup?organization={slug}", {**FORM, "organization": slug})
        assert answer.status_code == 404 and "No applications are taken here" in answer.text
    superuser.execute(
        "UPDATE organizations SET accepts_applications = true, status = 'SUSPENDED' WHERE id = %s", [organization_id]
    )
    assert client.get("/creator/signup?organization=oxford").status_code == 404
    assert states(superuser) == []


@pytest.mark.parametrize("known", [True, False])
def test_nobody_learns_who_is_known(client: Browser, superuser: Superuser, known: bool) -> None:
    organization_id = accepting()
    if known:
        people.account(Portal.VENDOR, EMAIL, payees.vendor(organization_id, "Known"))
    url = "/vendor/signup?organization=oxford"
    sent = client.post(url, {**FORM, "organization": "oxford"}, follow_redirects=True)
    assert sent.status_code == 200 and f"We mail a link to {EMAIL}" in sent.text
    assert mails(superuser) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"), ({"email": "nobody"}, "email"), ({"work": ""}, "work"), ({"country": "XX"}, "country"),
        ({"links": "javascript:alert(1)"}, "links"),
        ({"links": "\n".join(f"https://a.test/{n}" for n in range(6))}, "links"),
        ({"message": "x" * 4_001}, "message"),
    ],
)  # fmt: skip
def test_wrong_fields_are_said_and_nothing_is_lost(
    client: Browser, superuser: Superuser, wrong: dict[str, str], field: str
) -> None:
    accepting()
    answer = client.post("/creator/signup?organization=oxford", {**FORM, "organization": "oxford", **wrong})
    assert answer.status_code == 422 and f'id="{field}-e"' in answer.text
    for name in {"work", "message", "name"} - set(wrong):
        assert FORM[name] in answer.text
    assert (states(superuser), mails(superuser)) == ([], 0)


def test_programs_fall_into_the_trap(client: Browser, superuser: Superuser) -> None:
    accepting()
    answer = client.post(
        "/creator/signup?organization=oxford", {**FORM, "organization": "oxford", "company_url": "https://spam.test"}
    )
    assert answer.location == "/creator/signup/sent"
    assert (states(superuser), mails(superuser)) == ([], 0)


def test_an_address_is_not_flooded(client: Browser, superuser: Superuser) -> None:
    accepting()
    url, sent = "/creator/signup?organization=oxford", {**FORM, "organization": "oxford"}
    for _time in range(4):
        assert client.post(url, sent).status_code == 303
    assert mails(superuser) == 3
    client.post(signup_link(client))
    with clock.at(clock.utc_now() + timedelta(days=2)):
        assert client.post(url, sent).status_code == 303  # one waits already: the same answer, no mail
    assert mails(superuser) == 3


def test_limited_by_address_of_the_network(client: Browser) -> None:
    accepting()
    url, sent = "/creator/signup?organization=oxford", {**FORM, "organization": "oxford", "name": ""}
    assert [client.post(url, sent).status_code for _n in range(6)] == [422] * 5 + [429]


def test_links_expire(client: Browser, superuser: Superuser) -> None:
    accepting()
    client.post("/creator/signup?organization=oxford", {**FORM, "organization": "oxford"})
    link = signup_link(client)
    with clock.at(clock.utc_now() + timedelta(days=3, minutes=1)):
        assert client.post(link).status_code == 410
    assert states(superuser) == ["unconfirmed"]


def test_nobody_applies_to_be_an_admin(client: Browser) -> None:
    assert client.get("/admin/signup").status_code == 404


def test_owners_of_agencies_open_an_organization_and_apply_to_none(client: Browser) -> None:
    answer = client.get("/org/signup")
    assert answer.status_code == 200 and "Country" not in answer.text and 'name="work"' not in answer.text


def test_the_sign_in_page_leads_there(client: Browser, app: Flask) -> None:
    assert 'href="/vendor/signup"' in client.get("/vendor/signin").text
    assert "/signup" not in client.get("/admin/signin").text
    assert client.get("/vendor/signup/sent").location == "/vendor/signup"
