"""An owner buys five credits by the test card, a learner books with one and cancels early, and the credit is back.

Two people, two portals and the workers in between, in a real browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from app.consultations import hours
from app.consultations.states import Practice
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations.states import Role
from app.reporting import doctor
from tests.factories import consultations, people
from tests.factories import credits as make
from tests.factories.people import PLATFORM
from tests.journeys.steps import says
from tests.running import Demo

pytestmark = pytest.mark.browser
OWNER, LEARNER = "maya@willow.test", "noor.quillfeather@willow.test"


@pytest.fixture
def school(demo: Demo) -> UUID:
    """Willow pays by seat credits; Tove advises at any hour."""
    payee_id = consultations.consultant(name="Tove Ekberg", practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        who = consultations.signed(payee_id, "Tove Ekberg")
        hours.set_week(session, who, payee_id, {day: [(0, 1440)] for day in range(7)}, "UTC")
    made = make.buyer("willow")
    people.member(made, Role.OWNER, OWNER)
    people.member(made, Role.LEARNER, LEARNER)
    with unit_of_work(PLATFORM) as session:
        identity.create_account(session, Portal.CLIENT, LEARNER, "Noor Quillfeather")
    return made


@pytest.fixture
def enter(demo: Demo, browser: Any) -> Iterator[Any]:
    """Somebody's own browser, signed in by a link."""
    contexts = []

    def one(portal: str, email: str) -> Any:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.goto(demo.link(portal, email))
        page.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()
        return page

    yield one
    for context in contexts:
        context.close()


def test_buy_book_cancel_and_have_it_back(demo: Demo, enter: Any, school: UUID) -> None:
    base = demo.services.base_url
    owner = enter("org", OWNER)
    owner.goto(f"{base}/org/willow/credits")
    owner.get_by_role("link", name="Buy credits").first.click()
    owner.get_by_role("link", name="Choose 30 minutes").click()
    owner.get_by_label("5 credits for $95.00").check()
    owner.get_by_role("button", name="Buy").click()
    owner.get_by_label("Card number").fill("4242 4242 4242 4242")
    owner.get_by_role("button", name=re.compile(r"Pay \$95\.00")).click()
    expect(owner.get_by_role("heading", name="5 credits")).to_be_visible()
    says(owner, "5 of 5")

    learner = enter("client", LEARNER)
    learner.goto(f"{base}/client/consultations/new?consultant=tove-ekberg")
    half_hour = learner.get_by_role("listitem").filter(has_text="30 minutes")
    half_hour.get_by_role("link", name="Choose").click()
    learner.get_by_role("link", name="Later").click()
    learner.locator("input[name=starts_at]").last.check()
    learner.get_by_label("For an organization").select_option(label="Willow: 1 credit of 5 left")
    learner.get_by_role("button", name=re.compile("Keep this time")).click()
    expect(learner.get_by_text("a credit of Willow")).to_be_visible()
    says(learner, "Booked")
    owner.goto(f"{base}/org/willow/credits?view=uses")
    said = owner.locator("main").inner_text()
    assert "Noor" in said and "4 of 5" in said and "quillfeather" not in owner.content().lower()

    learner.get_by_role("link", name="Cancel", exact=True).click()
    dialog = learner.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("Another day")
    dialog.get_by_role("button", name="Cancel the consultation").click()
    says(learner, "The credit went back to Willow")
    owner.reload()
    said = owner.locator("main").inner_text()
    assert "5 of 5" in said and "Came back" in said
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
