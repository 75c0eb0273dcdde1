"""A vendor's invoice from a form with faults over another amount and Net-30 to the bank, in a real browser.

The vendor's first try is refused and loses nothing; the organization agrees to less, the vendor accepts; it is paid
before the terms have passed; two admins approve the payout; the vendor reads the remittance advice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.core.clock import today
from app.core.scope import operator
from app.db.session import unit_of_work
from app.organizations import service as organization_service
from app.organizations.states import Role
from app.reporting import doctor
from tests.factories import charges, methods, organizations, payees, people
from tests.factories.payouts import PLATFORM
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
Enter = Callable[[str, str], Any]
PDF = {"name": "LPC-1189.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 invoice\n%%EOF"}
PROOFS = {"name": "press-proofs.tiff", "mimeType": "image/tiff", "buffer": b"II*\x00 proofs"}


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


@pytest.fixture
def press() -> UUID:
    """An organization with money that wants two approvals above $100, and one vendor on Net 30."""
    made = organizations.organization("press", currency="USD", time_zone="America/New_York")
    with unit_of_work(PLATFORM) as session:
        organization_service.set_funds_policy(
            session, operator(), made, "USD", credit_limit_minor=0, second_approval_minor=100_00
        )
    charges.funds(made, 5_000_00, "USD")
    people.member(made, Role.OWNER, "owner@press.test")
    vendor_id = payees.vendor(made, "Lumen Press", currency="USD", terms_days=30)
    people.payee(vendor_id, "lumen@press.test")
    methods.simulated(vendor_id)
    for name in ("first", "second"):
        people.admin(f"{name}@press.test")
    return made


def sheet(page: Any) -> Any:
    found = page.locator("dialog[open]")
    found.wait_for()
    return found


def send_with_faults_then_right(vendor: Any, base: str) -> str:
    """The address of the bill."""
    vendor.goto(f"{base}/vendor/request-payment")
    vendor.get_by_label("What is it for?").fill("Holiday catalog, first run")
    vendor.get_by_label("Invoice number").fill("LPC-1189")
    vendor.get_by_label("Invoice date").fill((today() + timedelta(days=27)).isoformat())
    vendor.locator("input[type=file]").set_input_files([PDF, PROOFS])
    vendor.get_by_role("button", name="Send bill").click()
    summary = vendor.locator("#error-summary")
    expect(summary).to_be_focused()
    for fault in (
        "This day has not come yet.",
        "Enter an amount.",
        "press-proofs.tiff is neither a PDF nor a picture.",
    ):
        expect(summary).to_contain_text(fault)
    expect(vendor.get_by_label("What is it for?")).to_have_value("Holiday catalog, first run")
    expect(vendor.get_by_label("Invoice number")).to_have_value("LPC-1189")
    expect(vendor.get_by_label("Send LPC-1189.pdf")).to_be_checked()  # the browser forgot it, the form did not
    vendor.get_by_label("Amount").fill("1,000.00")
    vendor.get_by_label("Invoice date").fill(today().isoformat())
    vendor.get_by_role("button", name="Send bill").click()
    vendor.wait_for_url(re.compile(r"/vendor/requests/[0-9a-f-]{36}$"))
    expect(vendor.locator("main")).to_contain_text("Waiting for Press")
    expect(vendor.locator("#files")).to_contain_text("LPC-1189.pdf")
    return str(vendor.url)


def approve_less(owner: Any, base: str) -> str:
    owner.goto(f"{base}/org/press/bills")
    owner.get_by_role("link", name="Lumen Press").first.click()
    owner.wait_for_url(re.compile(r"/bills/[0-9a-f-]{36}"))
    expect(owner.locator("main")).to_contain_text("Net 30")
    owner.get_by_role("link", name="Another amount").click()
    dialog = sheet(owner)
    dialog.get_by_label("Amount to approve").fill("900.00")
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog).to_contain_text("Give a reason.")
    dialog.get_by_label("Reason").fill("Fifty copies were damaged")
    dialog.get_by_role("button", name="Approve").click()
    owner.locator("dialog[open]").wait_for(state="detached")
    expect(owner.locator("main")).to_contain_text("waiting for the payee to accept or dispute it")
    return str(owner.url)


def test_an_invoice_is_paid_before_its_terms(demo: Demo, enter: Enter, press: UUID) -> None:
    base = demo.services.base_url
    vendor, owner = enter("vendor", "lumen@press.test"), enter("org", "owner@press.test")
    bill_url = send_with_faults_then_right(vendor, base)
    house_url = approve_less(owner, base)

    # The vendor reads why, and accepts.
    vendor.goto(bill_url)
    expect(vendor.locator("main")).to_contain_text("Press approved $900.00 of $1,000.00")
    expect(vendor.locator("main")).to_contain_text("Fifty copies were damaged")
    vendor.get_by_role("button", name="Accept $900.00").click()
    expect(vendor.locator("#journey")).to_contain_text("Waiting for the payment terms to pass.")
    vendor.goto(f"{base}/vendor/payments")
    expect(vendor.locator("#balances")).to_contain_text("$900.00 payment terms, ready")

    # Nothing to withdraw for thirty days, unless the organization pays earlier, with a reason.
    expect(vendor.locator("#balances")).to_contain_text("Nothing to withdraw now.")
    owner.goto(house_url)
    owner.get_by_role("link", name="Pay before it is due").click()
    dialog = sheet(owner)
    dialog.get_by_label("Reason").fill("Thanks for the rush")
    dialog.get_by_role("button", name="Make it payable now").click()
    owner.locator("dialog[open]").wait_for(state="detached")
    expect(owner.locator("main")).to_contain_text("Released early: Thanks for the rush")

    # Withdrawn, approved by two people, sent.
    vendor.reload()
    vendor.get_by_role("link", name="Withdraw").click()
    sheet(vendor).get_by_role("button", name="Withdraw").click()
    vendor.locator("dialog[open]").wait_for(state="detached")
    expect(vendor.locator("#moving")).to_contain_text("Waiting for approval")
    payout_url = f"{base}/admin/payouts/{payout_of(press)}"
    first, second = enter("admin", "first@press.test"), enter("admin", "second@press.test")
    first.goto(payout_url)
    first.get_by_role("button", name="Approve $900.00").click()
    expect(first.locator("main")).to_contain_text("Needs second approval")
    expect(first.get_by_role("button", name="Approve as second")).to_be_disabled()
    second.goto(payout_url)
    second.get_by_role("button", name="Approve as second").click()
    second.get_by_role("button", name="Send $900.00").click()
    eventually(lambda: status_of(press) == "paid")

    # The vendor sees it paid, with the way it went, and keeps the paper.
    vendor.goto(bill_url)
    expect(vendor.locator("#journey")).to_contain_text("Paid")
    vendor.goto(f"{base}/vendor/payments")
    vendor.get_by_role("button", name="Details for Holiday catalog, first run").click()
    expect(vendor.locator("tr.drawer:visible")).to_contain_text("Released early: Thanks for the rush")
    vendor.get_by_role("link", name=re.compile("Withdrawal to Simulated transfer")).first.click()
    vendor.wait_for_url("**/payouts/*")
    expect(vendor.get_by_role("link", name="Remittance advice")).to_be_visible()
    pdf = vendor.request.get(f"{vendor.url}/remittance.pdf")
    assert pdf.status == 200 and pdf.body().startswith(b"%PDF")
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def _payout(organization_id: UUID) -> Any:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT id, status FROM payouts WHERE organization_id = :id")
        return session.execute(query, {"id": organization_id}).one()


def payout_of(organization_id: UUID) -> UUID:
    found: UUID = _payout(organization_id).id
    return found


def status_of(organization_id: UUID) -> str:
    return str(_payout(organization_id).status)
