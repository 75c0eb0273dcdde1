"""A client who is new: a link, half an hour with an advisor, the test card, and an early cancel, in a real browser.

Workers charge the card, book the time and give the money back; the advisor sees a first name and what became of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.consultations import hours
from app.consultations.states import Practice
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.journeys.steps import says
from tests.running import Demo

pytestmark = pytest.mark.browser
EMAIL = "noor.quillfeather@client.test"


@pytest.fixture
def page(demo: Demo, browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    made = context.new_page()
    made.set_default_timeout(30_000)
    yield made
    context.close()


@pytest.fixture
def advisor(demo: Demo) -> UUID:
    """Somebody who is there at any hour."""
    payee_id = consultations.consultant(name="Mara Lindqvist", practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        who = consultations.signed(payee_id, "Mara Lindqvist")
        hours.set_week(session, who, payee_id, {day: [(0, 1440)] for day in range(7)}, "UTC")
    return payee_id


def _signs_up(page: Any, base: str) -> None:
    page.get_by_role("link", name="How to get an account").click()
    page.get_by_label("Your name").fill("Noor Quillfeather")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("button", name="Mail me the link").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    page.goto(f"{base}/dev/mailbox?to={EMAIL}")
    page.locator("#messages tbody a").first.click()
    link = page.locator("a[href*='/client/signin/']").first.get_attribute("href")
    page.goto(str(link))
    page.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()


def test_book_pay_and_cancel_early(demo: Demo, page: Any, browser: Any, advisor: UUID) -> None:
    base = demo.services.base_url
    page.goto(f"{base}/advisors/mara-lindqvist")
    page.get_by_role("link", name="Book Mara Lindqvist").click()
    _signs_up(page, base)
    half_hour = page.get_by_role("listitem").filter(has_text="30 minutes")
    half_hour.get_by_role("link", name="Choose").click()
    page.get_by_role("link", name="Later").click()
    page.locator("input[name=starts_at]").last.check()
    page.get_by_role("button", name=re.compile("Keep this time")).click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name=re.compile(r"Pay \$19\.00")).click()
    says(page, "If you cancel Free until")
    booked = page.url
    page.get_by_role("link", name="Cancel", exact=True).click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_text("you get everything back")).to_be_visible()
    dialog.get_by_label("Reason").fill("Ask me at noor.quillfeather@client.test")
    dialog.get_by_role("button", name="Cancel the consultation").click()
    expect(page.get_by_text("It was canceled.")).to_be_visible()
    says(page, "$19.00 went back to you")
    other = browser.new_context().new_page()
    other.goto(demo.link("consultant", "mara@consultant.test"))
    other.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()
    other.goto(f"{base}/consultant/consultations/{booked.rsplit('/', 1)[1]}")
    said = other.locator("body").inner_text()
    assert "Noor" in said and "quillfeather" not in other.content().lower()
    other.context.close()
    with unit_of_work(PLATFORM) as session:
        earned = session.execute(text("SELECT sum(amount_minor) FROM earnings WHERE payee_id = :id"), {"id": advisor})
        assert earned.scalar_one() == 0
        assert doctor.examine(session) == []
