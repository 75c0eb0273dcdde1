"""A provider organization books its consultant out for ₹10,000, in real browsers: shared by the default rates at first,
and by what its owner agreed with the consultant afterwards. A page shows the arithmetic of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.db.session import unit_of_work
from app.organizations.states import OrganizationKind, Role
from app.reporting import doctor
from tests.factories import consultations, organizations, people
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, is_there_at_any_hour, keeps_and_pays, shows, signs_up_as_client
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
SLUG, NAME, WHAT = "kochi", "Meera Nair", "Plan for a year"
CLIENT, EMAIL = "Noor Quillfeather", "noor.quillfeather@rates.test"


@pytest.fixture
def provider(demo: Demo) -> UUID:
    """It bills in rupees; its owner and its consultant have their links."""
    made = organizations.organization(SLUG, currency="INR", time_zone="Asia/Kolkata", kind=OrganizationKind.PROVIDER)
    people.member(made, Role.OWNER, "owner@kochi.test")
    payee_id = consultations.consultant(made, name=NAME, currency="INR")
    is_there_at_any_hour(payee_id, NAME)
    return made


def offers(page: Any, base: str) -> None:
    page.goto(f"{base}/consultant/offerings/new")
    page.get_by_label("Title").fill(WHAT)
    page.get_by_label("Minutes").fill("60")
    page.get_by_label("Price").first.fill("10000")
    page.get_by_label("Currency").last.select_option("INR")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text=WHAT)).to_contain_text("₹10,000.00")


def books(page: Any, base: str) -> str:
    page.goto(f"{base}/client/consultations/new?consultant=meera-nair")
    return keeps_and_pays(page, WHAT)


def agrees(owner: Any, base: str, percent: str) -> None:
    owner.goto(f"{base}/org/{SLUG}/rates")
    in_force = owner.locator("#now")
    for part in ("10%", "5%", "85%"):
        expect(in_force).to_contain_text(part)
    owner.locator("#consultants").get_by_role("link", name="Agree").click()
    dialog = owner.locator("dialog[open]")
    dialog.get_by_label("Consultant’s part").fill("96")
    dialog.get_by_role("button", name="Agree").click()
    expect(
        dialog.get_by_text("the platform keeps the rest").first
    ).to_be_visible()  # it cannot eat into the platform's part
    dialog.get_by_label("Consultant’s part").fill(percent)
    dialog.get_by_role("button", name="Agree").click()
    owner.locator("dialog[open]").wait_for(state="detached")
    shows(owner, f"{base}/org/{SLUG}/rates", f"{percent}% of the price")


def explains(page: Any, base: str, consultation: str, lines: Sequence[str]) -> None:
    page.goto(f"{base}/consultant/consultations/{consultation}")
    page.get_by_text("Explain this split").click()
    said = re.sub(r"\s+", " ", page.locator("details[open]").inner_text())
    for line in lines:
        assert line in said, (line, said)
    assert "quillfeather" not in page.content().lower()


def test_ten_thousand_rupees_by_default_and_as_agreed(demo: Demo, visit: Visit, provider: UUID) -> None:
    base = demo.services.base_url
    own = visit(demo.link("consultant", "meera@consultant.test"))
    offers(own, base)
    client = visit()
    client.goto(f"{base}/advisors/meera-nair")
    client.get_by_role("link", name=f"Book {NAME}").click()
    signs_up_as_client(client, base, CLIENT, EMAIL)
    first = books(client, base)
    owner = visit(demo.link("org", "owner@kochi.test"))
    agrees(owner, base, "88")
    second = books(client, base)

    explains(own, base, first, (
        "10 % of 10000.00 INR, half-up ₹1,000.00", "5 % of 10000.00 INR, half-up ₹500.00",
        "85 % of 10000.00 INR: what is left ₹8,500.00",
    ))  # fmt: skip
    explains(own, base, second, (
        "10 % of 10000.00 INR, half-up ₹1,000.00", "2 % of 10000.00 INR, half-up ₹200.00",
        "88 % of 10000.00 INR: what is left ₹8,800.00",
    ))  # fmt: skip
    shows(owner, f"{base}/org/{SLUG}/funds", "₹18,000.00")
    assert "quillfeather" not in owner.content().lower()
    eventually(demo.idle)
    with unit_of_work(PLATFORM) as session:
        earned = session.execute(
            text("SELECT amount_minor FROM earnings WHERE organization_id = :id"), {"id": provider}
        )
        # the organization's own part is an earning of its own
        assert sorted(earned.scalars()) == [200_00, 500_00, 8_500_00, 8_800_00]
        assert doctor.examine(session) == []
