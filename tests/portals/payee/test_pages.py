"""Profile, help, the switcher, and what a page may cost."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.core.scope import Scope, operator
from app.db.session import engine, unit_of_work
from app.identity.states import Portal
from app.payables import review
from app.payables.queries import RequestFilter
from app.payees import service as payees
from tests.factories import organizations, payables
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World

PROFILE = {"name": "Vera Lumen", "locale": "en_GB", "time_zone": "Europe/London"}


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement a request sends, but for those that only state the scope."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


@pytest.mark.parametrize(
    "path",
    [
        "/vendor/payments",
        "/vendor/payments?tab=credits",
        "/vendor/requests",
        "/vendor/request-payment",
        "/vendor/settings/payout-methods",
        "/vendor/settings/profile",
        "/vendor/payments/statements",
        "/vendor/help",
    ],
)
def test_a_page_costs_at_most_twelve_queries_however_long(world: World, vendor: Vendor, path: str) -> None:
    for number in range(30):
        payables.approved(world.organization_id, vendor.actor, 10_00 + number)
    with counted() as few:
        assert vendor.browser.get(path).status_code == 200
    assert len(few) <= 12, "\n".join(few)


def test_pages_and_tabs(world: World, vendor: Vendor) -> None:
    for number in range(30):
        payables.approved(world.organization_id, vendor.actor, 10_00 + number, description=f"Bill number {number:02d}.")
    first = vendor.browser.get("/vendor/payments").text
    assert "Bill number 29." in first and "Bill number 04." not in first
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = vendor.browser.get(older).text
    assert "Bill number 04." in second and "Bill number 29." not in second
    part = vendor.browser.htmx("GET", "/vendor/payments?tab=payouts")
    assert part.text.lstrip().startswith("<section") and "Bill number" not in part.text
    assert vendor.browser.get("/vendor/payments?cursor=nonsense").status_code == 422
    assert vendor.browser.get("/vendor/payments?tab=nonsense").status_code == 200


def test_credits_have_a_tab_and_are_taken_off(world: World) -> None:
    vendor = world.vendor("Lumen Print", reference="S1")
    rows = ("L1,S1,Lumen Print,-50.00,01/11/2026", "L2,S1,Lumen Print,80.00,01/11/2026")
    payables.imported(world.organization_id, payables.csv(*rows))
    with unit_of_work(Scope.organization(world.organization_id)) as session:
        review.review_bulk(session, operator(), world.organization_id, review.Decision.APPROVE, chosen=RequestFilter())
    page = vendor.browser.get("/vendor/payments?tab=credits").text
    assert "−£50.00" in page and "It will be taken off the next payout." in page and "£80.00" not in page
    assert "£30<span" in page  # what is available is net
    assert "−£50.00" not in vendor.browser.get("/vendor/payments?tab=bills").text


def test_the_profile_decides_how_dates_and_amounts_are_written(vendor: Vendor, superuser: Any) -> None:
    page = vendor.browser.get("/vendor/settings/profile").text
    assert "Lumen Print" in page and "lumen@vendor.test" in page
    assert vendor.browser.post("/vendor/settings/profile", PROFILE).status_code == 303
    row = superuser.execute("SELECT name, locale, time_zone FROM accounts WHERE portal = 'vendor'").fetchone()
    assert row == ("Vera Lumen", "en_GB", "Europe/London")


@pytest.mark.parametrize("wrong", [{"name": " "}, {"locale": "xx_YY"}, {"time_zone": "Mars/Olympus"}])
def test_a_wrong_profile_is_refused(vendor: Vendor, superuser: Any, wrong: dict[str, str]) -> None:
    assert vendor.browser.post("/vendor/settings/profile", {**PROFILE, **wrong}).status_code == 422
    assert superuser.execute("SELECT locale FROM accounts WHERE portal = 'vendor'").fetchone() == ("en_US",)


def test_help_answers_and_searches(vendor: Vendor) -> None:
    page = vendor.browser.get("/vendor/help").text
    assert "Where is my money?" in page and "Bank transfer: 1–3 business days" in page
    found = vendor.browser.get("/vendor/help?q=72+hours").text
    assert "cannot" in found or "used at once" in found
    assert "What is a credit?" not in found
    assert "No answer has these words" in vendor.browser.get("/vendor/help?q=zebra").text
    part = vendor.browser.htmx("GET", "/vendor/help?q=credit")
    assert part.text.lstrip().startswith("<div") and "What is a credit?" in part.text


def test_help_understands_a_question(vendor: Vendor) -> None:
    """Not every word of it stands in the answer."""

    def first(question: str) -> str:
        page = vendor.browser.htmx("GET", "/vendor/help", query_string={"q": question}).text
        return html.unescape(re.findall(r"<summary[^>]*>(.*?)</summary>", page, re.S)[0])

    assert "Who sees my bank details?" in first("who can see my bank account, the IBAN?")
    assert "I forgot my password" in first("forgot PASSWORD")
    assert "How do I withdraw?" in first("how do i withdraw?")
    assert "(*" not in first("twice (*")


def test_help_of_those_without_bills_tells_of_none(world: World) -> None:
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    assert "I sent a bill twice." not in creator.browser.get("/creator/help").text


def test_a_payee_of_several_organizations_switches(world: World) -> None:
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    second = organizations.organization("fernhill", currency="USD")
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), second, creator.payee_id, currency="USD")
    page = creator.browser.get("/creator/payments").text
    assert "/creator/payments?organization=fernhill" in page and "All brands · 2" in page
    assert "$0" in page and "£0" in page
    narrowed = creator.browser.get("/creator/payments?organization=fernhill").text
    assert "$0" in narrowed and "£0" not in narrowed
    assert creator.browser.get("/creator/payments?organization=elsewhere").status_code == 404


def test_a_consultant_switches_too(world: World) -> None:
    consultant = world.payee(Portal.CONSULTANT, "Priya Rao")
    second = organizations.organization("fernhill", currency="USD")
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), second, consultant.payee_id, currency="USD")
    page = consultant.browser.get("/consultant/payments").text
    assert "All organizations · 2" in page and "/consultant/payments?organization=fernhill" in page
    narrowed = consultant.browser.get("/consultant/contracts?organization=fernhill").text
    assert 'href="/consultant/messages?organization=fernhill"' in narrowed  # the choice goes along
    for name in ("payments", "payments/statements", "messages", "contracts", "files"):
        assert consultant.browser.get(f"/consultant/{name}?organization=elsewhere").status_code == 404


@pytest.mark.parametrize("portal", [Portal.CREATOR, Portal.CONTRACTOR, Portal.VENDOR, Portal.CONSULTANT])
def test_every_payee_portal_has_the_shared_pages_and_no_other_session_opens_them(
    world: World, portal: Portal, client: Browser
) -> None:
    own = world.payee(portal, "Own Person")
    other = world.payee(Portal.VENDOR if portal is not Portal.VENDOR else Portal.CREATOR, "Other Person")
    for page in ("payments", "payments/statements", "settings/payout-methods", "settings/profile", "help"):
        path = f"/{portal.value}/{page}"
        assert own.browser.get(path).status_code == 200
        assert other.browser.get(path).status_code == 404
        answer = client.get(path)
        assert answer.status_code == 303 and answer.location.startswith(f"/{portal.value}/signin")


def test_a_creators_earning_of_any_source_is_shown(world: World) -> None:
    """Bills have no pages in this portal, so none is linked."""
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    payables.approved(world.organization_id, creator.actor, 100_00, description="Spring campaign")
    page = creator.browser.get("/creator/payments").text
    assert "Spring campaign" in page and "/creator/requests" not in page
