"""The contractor's board in a real browser: dragged, refused, moved by somebody else, without script, and for axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.projects import service
from app.projects.states import ProjectStatus
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, projects
from tests.factories.people import PLATFORM
from tests.factories.projects import move, project
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

S = ProjectStatus
TITLE = "Loyalty email series"


@dataclass(frozen=True)
class Site:
    organization_id: UUID
    actor: Actor
    address: str
    link: Callable[[], str]


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address, organization_id = serve(app), organizations.organization("oxford")
    actor = projects.contractor(organization_id)

    def link() -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.CONTRACTOR, "tomas@contractor.test")
            assert made is not None
            return f"{address}/contractor/signin/{made.token}?next=/contractor/projects"

    return Site(organization_id, actor, address, link)


def enter(site: Site, visit: Visit, **more: Any) -> Any:
    page = visit(site.link(), **more)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    page.goto(f"{site.address}/contractor/projects")
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()
    return page


def drag(page: Any, title: str, lane: str) -> None:
    """By the mouse, from wherever the card is."""
    start = page.locator(".kcard", has_text=title).bounding_box()
    end = page.locator(f"#lane-{lane} .lane-cards").bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 20, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 18, steps=10)
    page.mouse.move(end["x"] + 64, end["y"] + 22, steps=3)
    page.mouse.up()
    page.wait_for_timeout(400)  # the card comes to rest


def test_cards_are_dragged_and_come_back(site: Site, visit: Visit) -> None:
    project(site.organization_id, site.actor, status=S.DRAFT, title=TITLE)
    page = enter(site, visit)
    drag(page, TITLE, "in_progress")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to In progress")
    drag(page, TITLE, "approved")  # not theirs to say: it comes back, with the reason
    expect(page.locator("#toasts .toast--bad")).to_have_text("Oxford approves projects. Submit it, and they are told.")
    expect(page.locator("#lane-in_progress")).to_contain_text(TITLE)
    expect(page.locator("#lane-approved .count")).to_have_text("0")
    drag(page, TITLE, "submitted")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Submitted")
    page.reload()
    expect(page.locator("#lane-submitted")).to_contain_text(TITLE)
    expect(page.locator("#lane-submitted .count")).to_have_text("1")


def test_a_card_comes_back_when_the_network_is_gone(site: Site, visit: Visit) -> None:
    project(site.organization_id, site.actor, status=S.IN_PROGRESS, title=TITLE)
    page = enter(site, visit, cut=True)
    page.context.set_offline(True)
    drag(page, TITLE, "submitted")
    expect(page.locator("#toasts")).to_contain_text("Nothing was changed.")
    expect(page.locator("#lane-in_progress")).to_contain_text(TITLE)
    expect(page.locator("#announce")).to_have_text("")
    page.context.set_offline(False)
    drag(page, TITLE, "submitted")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Submitted")


def test_who_was_slower_sees_the_board_as_it_is(site: Site, visit: Visit) -> None:
    project_id = project(site.organization_id, site.actor, status=S.SUBMITTED, title=TITLE)
    page = enter(site, visit)
    asks = {"organization_id": site.organization_id, "note": "Match the new green"}
    move(operator(), project_id, S.REVISION_REQUESTED, **asks)
    drag(page, TITLE, "in_progress")
    expect(page.locator("#toasts .toast--bad")).to_contain_text("was faster")
    expect(page.locator("#lane-revise")).to_contain_text("Match the new green")
    expect(page.locator(".kcard", has_text=TITLE)).to_have_count(1)
    drag(page, TITLE, "submitted")  # the new board is as good as the first
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Submitted")


def test_the_menu_works_without_script(site: Site, visit: Visit) -> None:
    project(site.organization_id, site.actor, status=S.IN_PROGRESS, title=TITLE)
    page = enter(site, visit, script=False)
    page.get_by_role("button", name=f"Move {TITLE}").click()
    page.locator(".menu:popover-open").get_by_role("button", name="Submitted").click()
    expect(page.locator("#lane-submitted")).to_contain_text(TITLE)


def test_long_words_stay_inside_a_phone(site: Site, visit: Visit) -> None:
    title = "x" * 60
    project_id = project(site.organization_id, site.actor, status=S.IN_PROGRESS, title=title, description="d" * 400)
    with unit_of_work(Scope.payee(site.actor.payee_id or site.organization_id)) as session:
        service.comment(session, site.actor, project_id, "See https://example.test/" + "y" * 300 + "\nand the rest")
    page = enter(site, visit, width=390)
    page.goto(f"{site.address}/contractor/projects/{project_id}")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#comments .msg-text").inner_text().endswith("\nand the rest")
    page.goto(f"{site.address}/contractor/projects")
    assert page.locator(f"#card-{project_id}").evaluate("card => card.scrollWidth <= card.clientWidth")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_axe_finds_nothing(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    for status in (S.PENDING_CONTRACTOR, S.IN_PROGRESS, S.REVISION_REQUESTED, S.APPROVED):
        project_id = project(site.organization_id, site.actor, status=status, title=f"{status.label} work")
    page = enter(site, visit, width=width, dark=dark)
    assert axe(page) == []
    page.goto(f"{site.address}/contractor/projects/{project_id}")
    assert axe(page) == []
    page.goto(f"{site.address}/contractor/projects?view=list")
    assert axe(page) == []
