"""The organization's board of deliverables in a real browser: dragged, led to a form, without script, and for axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.deliverables.states import DeliverableStatus
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations.states import Role
from tests.browser.conftest import Serve, Visit
from tests.browser.test_board import drag
from tests.browser.test_components import Axe
from tests.factories import deliverables, organizations, people
from tests.factories.deliverables import deliverable, move
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

S = DeliverableStatus
TITLE = "Autumn reel"


@dataclass(frozen=True)
class Site:
    organization_id: UUID
    creator: Actor
    address: str
    link: Callable[[Portal, str], str]


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address, organization_id = serve(app), organizations.organization("oxford")
    people.member(organization_id, Role.MANAGER, "maya@oxford.test")

    def link(portal: Portal, email: str) -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, portal, email)
            assert made is not None
            return f"{address}/{portal.value}/signin/{made.token}"

    return Site(organization_id, deliverables.creator(organization_id), address, link)


def enter(site: Site, visit: Visit, portal: Portal = Portal.ORG, **more: Any) -> Any:
    email = "maya@oxford.test" if portal is Portal.ORG else "amara@creator.test"
    page = visit(site.link(portal, email), **more)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    page.wait_for_url(re.compile(rf"/{portal.value}/(?!signin)"))
    page.goto(f"{site.address}{home(portal)}")
    expect(page.get_by_role("heading", name="Deliverables", level=1)).to_be_visible()
    return page


def home(portal: Portal) -> str:
    return "/org/oxford/deliverables" if portal is Portal.ORG else "/creator/deliverables"


def test_a_card_is_dragged_or_leads_to_its_form(site: Site, visit: Visit) -> None:
    deliverable(site.organization_id, site.creator, S.SUBMITTED, title=TITLE)
    page = enter(site, visit)
    drag(page, TITLE, "in_progress")  # the creator's step: the card stays
    expect(page.locator("#lane-in_review")).to_contain_text(TITLE)
    drag(page, TITLE, "approved")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Approved")
    deliverable(site.organization_id, site.creator, S.SUBMITTED, 450_00, title="Paid reel")
    page.reload()
    drag(page, "Paid reel", "approved")
    page.wait_for_url(re.compile("/approval$"))
    expect(page.get_by_role("button", name="Approve £450.00")).to_be_visible()
    page.go_back()
    expect(page.locator("#lane-in_review")).to_contain_text("Paid reel")


def test_who_was_slower_sees_the_board_as_it_is(site: Site, visit: Visit) -> None:
    made = deliverable(site.organization_id, site.creator, S.SUBMITTED, title=TITLE)
    page = enter(site, visit)
    move(site.creator, made, S.IN_PROGRESS)
    drag(page, TITLE, "approved")
    expect(page.locator("#toasts .toast--bad")).to_contain_text("was faster")
    expect(page.locator("#lane-in_progress")).to_contain_text(TITLE)
    expect(page.locator(".kcard", has_text=TITLE)).to_have_count(1)


def test_the_menu_and_the_filters_work_without_script(site: Site, visit: Visit) -> None:
    deliverable(site.organization_id, site.creator, S.SUBMITTED, title=TITLE)
    page = enter(site, visit, script=False)
    page.get_by_label("Due").select_option("overdue")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".kcard")).to_have_count(0)
    page.goto(f"{site.address}{home(Portal.ORG)}")
    page.get_by_role("button", name=f"Move {TITLE}").click()
    page.locator(".menu:popover-open").get_by_role("button", name="Revise").click()
    page.get_by_label("Comment").fill("Shorter, please")
    page.get_by_role("button", name="Request revision").click()
    expect(page.get_by_role("main")).to_contain_text("Revision requested")


@pytest.mark.parametrize("portal", [Portal.ORG, Portal.CREATOR])
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_axe_finds_nothing(site: Site, visit: Visit, axe: Axe, portal: Portal, width: int, dark: bool) -> None:
    ids = [deliverable(site.organization_id, site.creator, status, 450_00, title=status.label) for status in S]
    page = enter(site, visit, portal, width=width, dark=dark)
    assert axe(page) == []
    shown = [f"/{made}" for made in ids[2:5]] + ["?view=list"]
    for path in [*shown, "/new"] if portal is Portal.ORG else shown:
        page.goto(f"{site.address}{home(portal)}{path}")
        assert axe(page) == [], path


def test_a_creator_is_found_among_many(site: Site, visit: Visit, superuser: Any) -> None:
    superuser.execute(
        """WITH made AS (INSERT INTO payees (kind, name)
            SELECT 'creator', 'Creator ' || n FROM generate_series(100, 250) n RETURNING id)
        INSERT INTO engagements (organization_id, payee_id, currency) SELECT %s, id, 'GBP' FROM made""",
        [site.organization_id],
    )
    page = enter(site, visit)
    page.get_by_role("link", name="New deliverable").click()
    page.get_by_label("Amara Okafor").check()
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Find creators").fill("creator 241")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Creator 241").check()
    expect(page.get_by_label("Amara Okafor")).to_be_checked()
    expect(page.locator("input[name=creators]")).to_have_count(2)
    page.get_by_role("button", name="Assign").click()
    page.wait_for_url(re.compile("/deliverables$"))
    expect(page.locator("#lane-assigned .kcard")).to_have_count(2)
