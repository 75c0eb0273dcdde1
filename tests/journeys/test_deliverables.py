"""A deliverable from its assignment over a revision to the fee in the creator's payments, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.db.session import unit_of_work
from app.organizations.states import Role
from app.reporting import doctor
from tests.factories import deliverables, organizations, people
from tests.factories.payouts import PLATFORM
from tests.running import Demo

pytestmark = pytest.mark.browser
Enter = Callable[[str, str], Any]
TITLE = "Winter reel"


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


def send_in(page: Any, *, links: str = "", file: Path | None = None) -> None:
    page.get_by_label("Links").fill(links)
    if file is not None:
        page.locator("#submission-form input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Submit for review").click()


def test_a_deliverable_earns_its_fee(demo: Demo, enter: Enter, tmp_path: Path) -> None:
    base = demo.services.base_url
    gallery = organizations.organization("gallery", currency="USD", time_zone="America/New_York")
    people.member(gallery, Role.OWNER, "owner@gallery.test")
    deliverables.creator(gallery, "Amara Okafor", "amara@gallery.test")

    # Assigned by the brand.
    owner = enter("org", "owner@gallery.test")
    owner.goto(f"{base}/org/gallery/deliverables/new")
    owner.get_by_label("Amara Okafor").check()
    owner.get_by_label("Title").fill(TITLE)
    owner.get_by_label(re.compile("^Brief")).fill("Thirty seconds, outdoors.")
    owner.get_by_label(re.compile("^Fee")).fill("450.00")
    owner.get_by_role("button", name="Assign").click()
    owner.wait_for_url(re.compile(r"/deliverables/[0-9a-f-]{36}"))

    # Submitted with a link and a file; a link that is none is said beside the field, and the file is not lost.
    page = enter("creator", "amara@gallery.test")
    page.goto(f"{base}/creator/deliverables")
    page.get_by_role("link", name=TITLE).click()
    storyboard = tmp_path / "storyboard.pdf"
    storyboard.write_bytes(b"%PDF-1.7 storyboard")
    send_in(page, links="video.example/1", file=storyboard)
    expect(page.locator("#links-e")).to_contain_text("starts with https://")
    expect(page.locator("#submission-form")).to_contain_text("storyboard.pdf")
    send_in(page, links="https://video.example/1")
    expect(page.locator("#submissions")).to_contain_text("Submission 1")
    expect(page.locator("#submissions")).to_contain_text("storyboard.pdf")

    # Given back from the board, by the card's menu: the words are asked for on the way.
    board = f"{base}/org/gallery/deliverables"
    owner.goto(board)
    expect(owner.locator("#lane-in_review")).to_contain_text(TITLE)
    owner.get_by_role("button", name=f"Move {TITLE}").click()
    owner.locator(".menu:popover-open").get_by_role("button", name="Revise").click()
    owner.get_by_label("Comment").fill("Shorter, please")
    owner.get_by_role("button", name="Request revision").click()
    owner.wait_for_url(re.compile(r"/deliverables/[0-9a-f-]{36}$"))
    owner.goto(board)
    expect(owner.locator("#lane-revise")).to_contain_text("Shorter, please")

    # Sent in again, approved.
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Shorter, please")
    send_in(page, links="https://video.example/2")
    expect(page.locator("#submissions")).to_contain_text("Submission 2")
    owner.goto(board)
    owner.get_by_role("link", name=TITLE).click()
    owner.get_by_role("link", name="Approve $450.00").click()
    owner.locator("dialog[open]").get_by_role("button", name="Approve $450.00").click()
    owner.locator("dialog[open]").wait_for(state="detached")

    # The fee is in the creator's payments.
    page.goto(f"{base}/creator/payments")
    expect(page.get_by_role("main")).to_contain_text(TITLE)
    expect(page.get_by_role("main")).to_contain_text("$450.00")
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
