"""A project from its assignment over a revision to the payout, moved by mouse and by keyboard in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payouts import service as payouts
from app.payouts.queries import PayoutFilter
from app.payouts.queries import payouts as all_payouts
from app.reporting import doctor
from tests.factories import charges, methods, organizations, people, projects
from tests.factories.payouts import PLATFORM
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
Enter = Callable[[str, str], Any]
TITLE = "Loyalty email series"


@pytest.fixture
def enter(demo: Demo, browser: Any, tmp_path: Path) -> Iterator[Enter]:
    """Sign in with a link, in a browser of its own. Its last view is kept as a picture."""
    contexts = []

    def start(portal: str, email: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(demo.link(portal, email))
        page.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()
        page.wait_for_url(re.compile(rf"/{portal}/(?!signin)"))
        return page

    yield start
    for number, context in enumerate(contexts):
        context.pages[0].screenshot(path=tmp_path / f"end-{number}.png")
        context.close()


def drag(page: Any, lane: str) -> None:
    """By the mouse, from wherever the card is."""
    card, target = page.locator(".kcard", has_text=TITLE), page.locator(f"#lane-{lane} .lane-cards")
    start, end = card.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 90, start["y"] + 24, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 18, steps=12)
    page.mouse.move(end["x"] + 64, end["y"] + 22, steps=3)
    page.mouse.up()
    page.wait_for_timeout(400)  # the card comes to rest


def stands_in(page: Any, lane: str) -> None:
    expect(page.locator(f"#lane-{lane}")).to_contain_text(TITLE)


def submit_by_keyboard(page: Any) -> None:
    page.get_by_role("button", name=f"Move {TITLE}").focus()
    page.keyboard.press("Enter")
    menu = page.locator(".menu:popover-open")
    expect(menu.get_by_role("button", name="In progress")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button", name="Submitted")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Submitted")
    expect(page.get_by_role("button", name=f"Move {TITLE}")).to_be_focused()


def decide(page: Any, opener: str, answer: str, comment: str = "") -> None:
    """The organization's decision, in the dialog over the project."""
    page.reload()
    page.get_by_role("link", name=opener).click()
    dialog = page.locator("dialog[open]")
    if comment:
        dialog.get_by_label("Comment").fill(comment)
    dialog.get_by_role("button", name=answer).click()
    page.locator("dialog[open]").wait_for(state="detached")


def test_a_project_is_paid(demo: Demo, enter: Enter) -> None:
    base = demo.services.base_url
    atelier = organizations.organization("atelier", currency="USD", time_zone="America/New_York")
    people.member(atelier, Role.OWNER, "owner@atelier.test")
    contractor = projects.contractor(atelier, "Tomas Rivera", "tomas@atelier.test")
    assert contractor.payee_id is not None
    methods.simulated(contractor.payee_id)
    charges.funds(atelier, 5_000_00, "USD")

    # Assigned by the organization.
    owner = enter("org", "owner@atelier.test")
    owner.goto(f"{base}/org/atelier/projects/new")
    owner.get_by_label("Title").fill(TITLE)
    owner.get_by_label(re.compile("^Amount")).fill("1,450.00")
    owner.get_by_role("button", name="Assign project").click()
    owner.wait_for_url(re.compile(r"/projects/[0-9a-f-]{36}"))
    project_url = owner.url

    # Worked on and submitted, by the mouse; approving it oneself is no lane to drop on.
    page = enter("contractor", "tomas@atelier.test")
    page.goto(f"{base}/contractor/projects")
    stands_in(page, "upcoming")
    drag(page, "in_progress")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to In progress")
    drag(page, "approved")
    stands_in(page, "in_progress")
    drag(page, "submitted")
    expect(page.locator("#announce")).to_have_text(f"{TITLE} moved to Submitted")
    page.reload()
    stands_in(page, "submitted")

    # Given back, and taken back by the contractor in another window before the second look: nothing is lost.
    decide(owner, "Request revision", "Request revision", "Match the new green")
    drag(page, "in_progress")  # this board is older than the revision
    expect(page.locator("#toasts .toast--bad")).to_contain_text("was faster")
    stands_in(page, "revise")
    expect(page.locator("#lane-revise")).to_contain_text("Match the new green")

    # Submitted again, by the keyboard; approved.
    submit_by_keyboard(page)
    page.reload()
    stands_in(page, "submitted")
    decide(owner, "Approve $1,450.00", "Approve $1,450.00")
    assert owner.url == project_url
    page.goto(f"{base}/contractor/projects")
    expect(page.locator("#lane-payout")).to_contain_text("Can be withdrawn")

    # Withdrawn and paid: the card follows the money.
    page.goto(f"{base}/contractor/withdrawals/new?organization=atelier&currency=USD")
    page.get_by_role("button", name="Withdraw").click()
    page.wait_for_url(re.compile("/contractor/(payouts|payments)"))
    page.goto(f"{base}/contractor/projects")
    expect(page.locator("#lane-payout")).to_contain_text("Payout requested")
    pay(people.admin("payer@quittance.test"), atelier)
    eventually(lambda: "Paid" in (page.reload() and page.locator("#lane-payout").inner_text()))
    stands_in(page, "payout")
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def pay(admin: Actor, organization_id: Any) -> None:
    """The platform's part, told in other journeys: approve and send."""
    with unit_of_work(PLATFORM) as session:
        found = all_payouts(session, PayoutFilter(organization_id=organization_id), None, 5).items
        ids = [row.id for row in found]
        payouts.approve(session, admin, ids)
        payouts.send(session, admin, ids)
