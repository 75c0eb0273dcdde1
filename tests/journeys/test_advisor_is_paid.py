"""An advisor from the application to the bank, in real browsers: applies, is approved, booked for half an hour and
reviewed, and paid for the month by a run one admin makes and another approves. Workers do what they do."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from app.core.topics import Topic
from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories.people import PLATFORM
from tests.journeys.steps import (
    Visit,
    days_pass,
    keeps_and_pays,
    letter,
    link_in,
    promised,
    says,
    shows,
    signs_in,
    signs_up_as_client,
    to_last_month,
)
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
NAME, EMAIL = "Ilse Vanterpool", "ilse@vanterpool.test"
CLIENT, CLIENT_EMAIL = "Noor Quillfeather", "noor.quillfeather@paid.test"


def applies(page: Any, base: str, picture: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, "PNG")
    picture.write_bytes(out.getvalue())
    page.goto(f"{base}/consultant/signup")
    for label, value in (
        ("Your name, or that of your business", NAME), ("Email", EMAIL), ("What you do", "Export licences"),
        ("Specialties", "Export, customs"), ("Languages", "English, Dutch"), ("About you", "I know the forms."),
    ):  # fmt: skip
        page.get_by_label(label).first.fill(value)
    page.get_by_text("Sessions of 15, 30 and 60 minutes").click()
    page.locator('input[type="file"]').set_input_files(picture)
    page.get_by_role("button", name="Send the application").click()
    page.goto(link_in(letter(page, base, EMAIL, "Confirm your application")))
    page.get_by_role("button", name=re.compile("Send it")).click()
    page.get_by_role("heading", name="Your application is sent").wait_for()


def is_approved(admin: Any, base: str) -> None:
    admin.goto(f"{base}/admin/applications?kind=consultant")
    admin.get_by_role("link", name=NAME).first.click()
    admin.get_by_role("link", name="Approve and invite").click()
    admin.locator("#sheet").get_by_role("button", name="Approve and invite").click()
    admin.wait_for_url(re.compile("/admin/payees/"))


def sets_up(page: Any, base: str) -> None:
    """Hours at any time, and where to be paid."""
    page.goto(f"{base}/consultant/availability")
    for day in range(7):
        page.locator(f"[name=day_{day}]").fill("0:00–24:00")
    page.get_by_role("button", name="Save the hours").click()
    page.get_by_text("Your hours are saved.").wait_for()
    page.goto(f"{base}/consultant/settings/payout-methods/new?rail=simulated")
    page.get_by_label("Account holder").fill(NAME)
    page.get_by_label("Account number").fill("NL-ILS-20419968")
    page.get_by_role("button", name="Add payout method").click()
    page.wait_for_url(re.compile("/payout-methods$"))


def reviews(page: Any, base: str, consultation: str) -> None:
    shows(page, f"{base}/client/consultations/{consultation}", "Held")
    page.get_by_role("link", name=re.compile("review", re.I)).first.click()
    page.get_by_text("★★★★★", exact=True).first.click()
    page.get_by_label("In your words").fill("Three forms filled in half an hour.")
    page.get_by_role("button", name="Publish the review").click()
    page.get_by_text("Thank you for your review.").wait_for()


def runs_the_month(admin: Any, base: str) -> None:
    """A dry run of the house's previous month, then the run itself."""
    admin.goto(f"{base}/admin/runs/new?organization=quittance")
    row = admin.get_by_role("row").filter(has_text=NAME)
    expect(row).to_contain_text("$13.30")
    admin.get_by_role("button", name=re.compile("^Make")).click()
    admin.wait_for_url(re.compile(r"/admin/runs/[0-9a-f-]{36}"))
    says(admin, "Calculated")


def approves_and_sends(maker: Any, checker: Any, base: str) -> None:
    """Who made the run may not approve what it made."""
    maker.goto(f"{base}/admin/payouts?q=Vanterpool")
    with unit_of_work(PLATFORM) as session:
        asked = text("SELECT o.id FROM payouts o JOIN payees p ON p.id = o.payee_id WHERE p.name = :name")
        payout = session.execute(asked, {"name": NAME}).scalar_one()
    maker.goto(f"{base}/admin/payouts/{payout}")
    expect(maker.get_by_role("button", name=re.compile("^Approve"))).to_be_disabled()
    checker.goto(maker.url)
    checker.get_by_role("button", name="Approve $13.30").click()
    checker.get_by_role("button", name="Send $13.30").click()
    says(checker, "Paid")


def test_from_the_application_to_the_bank(demo: Demo, visit: Visit, tmp_path: Path) -> None:
    base = demo.services.base_url
    advisor, client = visit(), visit()
    applies(advisor, base, tmp_path / "me.png")
    maker = visit(demo.link("admin", "admin@quittance.test"))
    is_approved(maker, base)
    signs_in(advisor, link_in(letter(advisor, base, EMAIL, "invites you")))
    sets_up(advisor, base)

    # A new client books the first half hour there is and pays; time passes, and a worker says it was held.
    client.goto(f"{base}/advisors/ilse-vanterpool")
    client.get_by_role("link", name=f"Book {NAME}").click()
    signs_up_as_client(client, base, CLIENT, CLIENT_EMAIL)
    consultation = keeps_and_pays(client, "30 minutes")
    shows(advisor, f"{base}/consultant/payments", "$13.30")
    days_pass(consultation, to_last_month())
    promised(Topic.CONSULTATIONS_OVER)
    reviews(client, base, consultation)
    shows(client, f"{base}/advisors/ilse-vanterpool", "Three forms filled in half an hour.", "Noor")

    # The month is calculated and paid.
    runs_the_month(maker, base)
    approves_and_sends(maker, visit(demo.link("admin", "checker@quittance.test")), base)
    shows(advisor, f"{base}/consultant/payments", "Paid")
    advisor.get_by_role("link", name=re.compile("Payout to Simulated transfer")).first.click()
    advisor.wait_for_url("**/payouts/*")
    says(advisor, "Paid", "$13.30", "30 minutes with Noor")
    assert "paid you $13.30" in letter(visit(), base, EMAIL, "paid you")
    pages = ("payments", f"consultations/{consultation}", advisor.url.split("/consultant/")[1], "public-profile")
    for path in pages:
        advisor.goto(f"{base}/consultant/{path}")
        assert not re.search("quillfeather", advisor.content(), re.I), path
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
    eventually(demo.idle)
