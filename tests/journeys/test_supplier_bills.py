"""The main job, as a new user does it: a file of supplier bills goes in, every supplier is paid once, and sees it.

Everything happens in a real browser on a running demo: the owner imports and approves, one admin makes the batch, the
second approves and runs it, a supplier is invited, signs in and reads the remittance advice.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories.payouts import PLATFORM
from tests.running import Demo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.samples]
SAMPLE = "oxford_supplier_payments_2017_q3.csv"
SECONDS = 60_000

Enter = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def sample() -> Path:
    for folder in (os.environ.get("QUITTANCE_SAMPLES"), Path(__file__).parents[2].parent / "shared" / "samples"):
        if folder and (path := Path(folder) / SAMPLE).exists():
            return path
    pytest.skip(f"NO SAMPLE: {SAMPLE} is neither in $QUITTANCE_SAMPLES nor in ../shared/samples")


@pytest.fixture
def enter(demo: Demo, browser: Any, tmp_path: Path) -> Iterator[Enter]:
    """Sign in with a link, as its reader: a page in a browser of its own. Its last view is kept as a picture."""
    contexts = []

    def start(portal: str, email: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        page.goto(demo.link(portal, email))
        page.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()
        page.wait_for_url(re.compile(rf"/{portal}/(?!signin)"))
        return page

    yield start
    for number, context in enumerate(contexts):
        context.pages[0].screenshot(path=tmp_path / f"end-{number}.png")
        context.close()


def sheet(page: Any) -> Any:
    """The dialog that is open."""
    found = page.locator("dialog[open]")
    found.wait_for()
    return found


def test_supplier_bills_are_paid_end_to_end(demo: Demo, enter: Enter, sample: Path) -> None:
    base = demo.services.base_url
    owner = enter("org", "owner@oxford.test")

    # Import: upload, columns, preview, done.
    owner.goto(f"{base}/org/oxford/imports/new")
    owner.locator("input[type=file]").set_input_files(sample)
    owner.get_by_role("button", name="Upload", exact=True).click()
    owner.wait_for_url("**/columns")
    owner.get_by_role("button", name="Preview").click()
    owner.wait_for_url("**/preview")
    assert "£11,344,005.35" in owner.locator("main").inner_text()
    owner.get_by_role("button", name=re.compile(r"Import [\d,]+ bills")).click()
    owner.get_by_text("What comes next").wait_for()

    # Nobody can be paid yet: give everybody the simulated rail.
    owner.goto(f"{base}/org/oxford/payees")
    owner.get_by_role("link", name="Assign method").click()
    dialog = sheet(owner)
    dialog.get_by_label(re.compile("Simulated transfer")).check()
    dialog.get_by_role("button", name=re.compile("Assign to 644")).click()
    owner.get_by_text("644 payees can be paid now").wait_for()

    # Approve all of them at once.
    owner.goto(f"{base}/org/oxford/bills")
    owner.get_by_role("link", name=re.compile("Approve all")).click()
    sheet(owner).get_by_role("button", name="Approve 3,259 bills").click()
    owner.locator("dialog[open]").wait_for(state="detached")

    # One admin previews, makes and submits the batch and may not approve it.
    admin = enter("admin", "admin@quittance.test")
    admin.goto(f"{base}/admin/batches/new?organization=oxford")
    admin.get_by_role("button", name="Open batch of 644 payouts").click()
    admin.wait_for_url(re.compile(r"/admin/batches/[0-9a-f-]{36}"))
    batch_url = admin.url
    admin.get_by_role("button", name=re.compile("^Submit")).click()
    admin.get_by_text("Needs second approval").first.wait_for()
    assert admin.get_by_role("button", name=re.compile("^Approve")).is_disabled()

    # The second approves and runs it.
    checker = enter("admin", "checker@quittance.test")
    checker.goto(batch_url)
    checker.get_by_role("button", name=re.compile("^Approve")).click()
    checker.get_by_role("button", name=re.compile("^(Run|Start)")).click()
    eventually(lambda: paid() == 644, seconds=120)
    checker.goto(batch_url)
    assert "644" in checker.locator("main").inner_text()

    # A supplier is invited by address, signs in from the mail and sees bills, state and papers.
    vendor = invited(owner, base, "SMS CONNECTIONS LTD", "accounts@sms.test")
    text_ = vendor.locator("main").inner_text()
    assert "Paid" in text_ and "£198.35" in text_
    vendor.get_by_role("link", name=re.compile("Payout to Simulated transfer")).first.click()
    vendor.wait_for_url("**/payouts/*")
    pdf = vendor.request.get(f"{vendor.url}/remittance.pdf")
    assert pdf.status == 200 and pdf.body().startswith(b"%PDF")

    assert paid_by_supplier() == expected(sample)
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def invited(owner: Any, base: str, supplier: str, address: str) -> Any:
    owner.goto(f"{base}/org/oxford/payees?q={supplier.split()[0]}")
    owner.get_by_role("link", name=supplier).first.click()
    owner.get_by_role("link", name=re.compile("Invite")).first.click()
    dialog = sheet(owner)
    dialog.get_by_label(re.compile("address|e-mail", re.I)).first.fill(address)
    dialog.get_by_role("button", name=re.compile("Invite|Send")).click()
    owner.locator("dialog[open]").wait_for(state="detached")
    page = owner.context.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(SECONDS)
    page.goto(f"{base}/dev/mailbox?to={address}")
    page.locator("#messages tbody a").first.click()
    link = page.locator("a[href*='/vendor/']").first.get_attribute("href")
    page.goto(link)
    page.get_by_role("button", name=re.compile("sign in|continue|accept", re.I)).first.click()
    page.wait_for_url(re.compile("/vendor/payments"))
    return page


def paid() -> int:
    with unit_of_work(PLATFORM) as session:
        query = """SELECT count(*) FROM payouts p JOIN organizations o ON o.id = p.organization_id
            WHERE o.slug = 'oxford' AND p.status = 'paid'"""
        return int(session.execute(text(query)).scalar_one())


def paid_by_supplier() -> dict[str, int]:
    """Supplier reference → minor units paid."""
    with unit_of_work(PLATFORM) as session:
        query = """SELECT e.reference, sum(p.amount_minor) FROM payouts p
            JOIN engagements e ON e.organization_id = p.organization_id AND e.payee_id = p.payee_id
            JOIN organizations o ON o.id = p.organization_id WHERE o.slug = 'oxford' AND p.status = 'paid' GROUP BY 1"""
        return {row[0]: int(row[1]) for row in session.execute(text(query))}


def expected(sample: Path) -> dict[str, int]:
    """The same, added up from the file by other means."""
    sums: dict[str, int] = {}
    with sample.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            pounds, _, pence = row["Amount"].strip().partition(".")
            sign = -1 if pounds.startswith("-") else 1
            minor = int(pounds) * 100 + sign * int((pence + "00")[:2])
            sums[row["Supplier ID"].strip()] = sums.get(row["Supplier ID"].strip(), 0) + minor
    return sums
