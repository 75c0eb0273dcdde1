"""A manager books on the college's account, the month is closed, the invoice is paid by a test card, and when the
session is called off after that, a credit note follows by itself.

Three portals and the workers in between, in a real browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.billing import profiles
from app.billing.closing import month_start
from app.consultations import hours
from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations.states import BillingMode, Role
from app.reporting import doctor
from tests.factories import billing, consultations, organizations, people
from tests.factories.people import PLATFORM
from tests.journeys.steps import says
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
MEMBER, ADMIN = "robin@birchwood.test", "admin-birchwood@quittance.test"


@pytest.fixture
def college(demo: Demo) -> UUID:
    """Birchwood is invoiced monthly, within 1,000 dollars; Ines advises at any hour."""
    payee_id = consultations.consultant(name="Ines Calloway", practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        who = consultations.signed(payee_id, "Ines Calloway")
        hours.set_week(session, who, payee_id, {day: [(0, 1440)] for day in range(7)}, "UTC")
    with unit_of_work(PLATFORM) as session:
        issuing = profiles.find(session, profiles.house_of(session))
    if issuing is None:
        billing.issuer()
    made = organizations.organization("birchwood", currency="USD", billing_mode=BillingMode.INVOICED_MONTHLY)
    billing.profile(made, legal_name="Birchwood College", country="US", email="ap@birchwood.test")
    organizations.credit(made, 1_000_00, "USD")
    people.member(made, Role.OWNER, MEMBER)
    people.admin(ADMIN)
    with unit_of_work(PLATFORM) as session:
        identity.create_account(session, Portal.CLIENT, MEMBER, "Robin Marsh")
    return made


def _last_month(college: UUID) -> None:
    """What was booked just now was booked before the month began."""
    before = month_start(utc_now()) - timedelta(hours=5)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text("UPDATE unbilled_charges SET charged_at = :before WHERE organization_id = :college"),
            {"before": before, "college": college},
        )


def test_from_the_booking_to_the_paid_invoice_and_the_credit_note(
    demo: Demo, visit: Callable[[str], Any], college: UUID
) -> None:
    base = demo.services.base_url
    robin = visit(demo.link("client", MEMBER))
    robin.goto(f"{base}/client/consultations/new?consultant=ines-calloway")
    robin.get_by_role("listitem").filter(has_text="30 minutes").get_by_role("link", name="Choose").click()
    robin.get_by_role("link", name="Later").click()
    robin.locator("input[name=starts_at]").last.check()
    robin.get_by_label("For an organization").select_option(label="Birchwood pays")
    robin.get_by_role("button", name=re.compile("Keep this time")).click()
    robin.get_by_role("button", name=re.compile(r"Pay \$19\.00")).click()
    says(robin, "Booked")

    _last_month(college)
    admin = visit(demo.link("admin", ADMIN))
    admin.goto(f"{base}/admin/billing/close")
    expect(admin.locator("#will")).to_contain_text("Birchwood")
    admin.locator("#will").get_by_role("button", name="Close the month").click()
    expect(admin.get_by_role("heading", name="Billing")).to_be_visible()

    owner = visit(demo.link("org", MEMBER))
    owner.goto(f"{base}/org/birchwood/billing")
    says(owner, "Pay $19.00")
    owner.locator("#documents").get_by_role("link", name=re.compile("QT|INV")).first.click()
    expect(owner.get_by_role("heading", name=re.compile("^Invoice "))).to_be_visible()
    with owner.expect_download() as saved:
        owner.get_by_role("link", name="PDF", exact=True).click()
    assert saved.value.path().read_bytes().startswith(b"%PDF")
    owner.get_by_role("link", name=re.compile("^Pay ")).first.click()
    owner.get_by_label("Card number").fill("4242 4242 4242 4242")
    owner.get_by_role("button", name=re.compile("^Pay ")).click()
    says(owner, "Nothing is open")

    robin.get_by_role("link", name="Cancel", exact=True).click()
    dialog = robin.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("Another day")
    dialog.get_by_role("button", name="Cancel the consultation").click()
    says(robin, "went back to your organization")
    owner.goto(f"{base}/org/birchwood/billing?view=credit_notes")
    expect(owner.locator("#documents")).to_contain_text("−$19.00")
    owner.locator("#documents").get_by_role("link", name=re.compile("C-")).first.click()
    expect(owner.locator("main")).to_contain_text("was paid already and stays in the funds")
    eventually(demo.idle)
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
