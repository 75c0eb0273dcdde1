"""A client who cancels in the last 24 hours, in a real browser: nothing goes back, the mail says why, what the advisor
earned stands. Moving it first to next week changes nothing of that."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.consultations.states import Practice
from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, is_there_at_any_hour, keeps_and_pays, letter, says, shows, signs_up_as_client
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
ADVISOR, CLIENT, EMAIL = "Odile Marchetti", "Noor Quillfeather", "noor.quillfeather@late.test"
LATE = "24 hours or less before the start, so nothing is refunded"


@pytest.fixture
def advisor(demo: Demo) -> UUID:
    payee_id = consultations.consultant(name=ADVISOR, practice=Practice.ADVISOR)
    is_there_at_any_hour(payee_id, ADVISOR)
    return payee_id


def cancels(page: Any) -> None:
    """Told before, and told after."""
    page.get_by_role("link", name="Cancel", exact=True).click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_text(LATE)).to_be_visible()
    dialog.get_by_label("Reason").fill("A train is late, says Ms Quillfeather")
    dialog.get_by_role("button", name="Cancel the consultation").click()
    expect(page.get_by_text("It was canceled.")).to_be_visible()
    assert "went back" not in page.locator("main").inner_text()


def moves_to_next_week(page: Any) -> None:
    page.get_by_role("link", name="Move", exact=True).click()
    expect(page.get_by_text("does not make cancelling free again")).to_be_visible()
    page.get_by_role("link", name="Later").click()
    page.locator("input[name=starts_at]").last.check()
    page.get_by_role("button", name="Move it").click()
    says(page, "It is too late for a refund.")


def test_a_late_cancel_gives_nothing_back_moved_or_not(demo: Demo, visit: Visit, advisor: UUID) -> None:
    base, page, mailbox = demo.services.base_url, visit(), visit()
    page.goto(f"{base}/advisors/odile-marchetti")
    page.get_by_role("link", name=f"Book {ADVISOR}").click()
    signs_up_as_client(page, base, CLIENT, EMAIL)
    first = keeps_and_pays(page, "30 minutes")
    says(page, "It is too late for a refund.")
    cancels(page)
    mail = letter(mailbox, base, EMAIL, "Cancelled: 30 minutes")
    assert LATE in mail and "Refund" not in mail

    page.goto(f"{base}/client/consultations/new?consultant=odile-marchetti")
    second = keeps_and_pays(page, "15 minutes")
    moves_to_next_week(page)
    cancels(page)
    assert LATE in letter(mailbox, base, EMAIL, "Cancelled: 15 minutes")

    own = visit(demo.link("consultant", "odile@consultant.test"))
    for consultation in (first, second):
        shows(own, f"{base}/consultant/consultations/{consultation}", "no refund, the earning stands", "Noor")
        assert not re.search("quillfeather", own.content(), re.I)
    shows(own, f"{base}/consultant/payments", "$19.60")
    told = letter(mailbox, base, "odile@consultant.test", "Cancelled: 15 minutes")
    assert "the earning stands" in told and not re.search("quillfeather", told, re.I)
    eventually(demo.idle)
    with unit_of_work(PLATFORM) as session:
        ready = session.execute(
            text("SELECT count(*), sum(amount_minor) FROM ready_earnings WHERE payee_id = :id"), {"id": advisor}
        )
        assert tuple(ready.one()) == (2, 1330 + 630)
        back = session.execute(text("SELECT count(*) FROM consultation_returns WHERE payee_id = :id"), {"id": advisor})
        assert back.scalar_one() == 0
        assert doctor.examine(session) == []
