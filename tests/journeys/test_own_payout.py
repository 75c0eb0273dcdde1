"""A provider organization is paid what it earned itself, in real browsers.

The account is given after proving who it is, and a change of it waits; the owner asks and takes back, the platform
approves and runs; once the bank had closed the account, once the money arrives, with its paper.
"""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader
from sqlalchemy import text

import app.metadata  # noqa: F401 - all tables: a consultation points to projects
from app.db.session import unit_of_work
from app.organizations.states import OrganizationKind, Role
from app.reporting import doctor
from tests.factories import organizations, people
from tests.factories.bookings import paid_session
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, letter, link_in, says, shows, signs_in
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
SLUG, OWNER = "malabar", "owner@malabar.test"


@pytest.fixture
def malabar(demo: Demo) -> UUID:
    """An organization in rupees that was just launched, and one session of its consultant that was paid and held."""
    made = organizations.organization(SLUG, currency="INR", time_zone="Asia/Kolkata", kind=OrganizationKind.PROVIDER)
    people.member(made, Role.OWNER, OWNER)
    paid_session(made)
    return made


def change(statement: str, organization_id: UUID) -> None:
    """What only a test can do: let time pass."""
    with unit_of_work(PLATFORM) as session:
        session.execute(text(statement), {"id": organization_id})


def an_hour_passes(organization_id: UUID) -> None:
    change(
        """UPDATE sign_in_sessions SET stepped_up_at = stepped_up_at - interval '1 hour'
        WHERE account_id IN (SELECT account_id FROM members WHERE organization_id = :id)""",
        organization_id,
    )


def three_days_pass(organization_id: UUID) -> None:
    change(
        """UPDATE methods SET usable_from_at = usable_from_at - interval '72 hours'
        WHERE payee_id = (SELECT id FROM payees WHERE own_organization_id = :id)""",
        organization_id,
    )


def proves_who_it_is(owner: Any, base: str) -> None:
    """The page asks for it; the link from the mail leads back to it."""
    owner.wait_for_url(re.compile("/org/step-up"))
    owner.get_by_role("button", name=f"Email a link to {OWNER}").click()
    owner.wait_for_url(re.compile("/signin/sent"))
    signs_in(owner, link_in(letter(owner, base, OWNER, "sign-in link")))


def gives_account(owner: Any, number: str) -> None:
    owner.wait_for_url(re.compile(f"/org/{SLUG}/payout-account/new"))
    owner.get_by_label("Account holder").fill("Malabar Advisory LLP")
    owner.get_by_label("Account number").fill(number)
    owner.get_by_role("button", name="Add").last.click()
    owner.wait_for_url(re.compile(f"/org/{SLUG}/payout-account$"))


def asks(owner: Any, base: str) -> str:
    """Sees what would be paid, asks for it; returns the batch's id."""
    owner.goto(f"{base}/org/{SLUG}/provider-payouts/new")
    expect(owner.locator("main")).to_contain_text("Simulated transfer")
    expect(owner.locator("main")).to_contain_text("₹500.00")
    owner.get_by_role("button", name="Ask for it").click()
    owner.wait_for_url(re.compile(r"/provider-payouts/[0-9a-f-]{36}$"))
    says(owner, "₹500.00", "60 minutes", "Submitted")
    return str(owner.url.rsplit("/", 1)[1])


def takes_back(owner: Any, base: str) -> None:
    owner.get_by_role("link", name="Take it back").click()
    owner.locator("dialog[open]").get_by_role("button", name="Take it back").click()
    owner.locator("dialog[open]").wait_for(state="detached")
    says(owner, "The organization took it back")
    shows(owner, f"{base}/org/{SLUG}/earnings", "₹500.00 past every hold")


def approves_and_runs(admin: Any, base: str, batch_id: str) -> None:
    admin.goto(f"{base}/admin/batches/{batch_id}")
    admin.get_by_role("button", name="Approve ₹500.00").click()
    admin.get_by_role("button", name=re.compile("^(Run|Start)")).click()
    says(admin, "Done")


def read(owner: Any) -> str:
    """The remittance advice of the payout on the page, as text."""
    with owner.expect_download() as started:
        owner.get_by_role("link", name="Remittance advice").click()
    content = started.value.path().read_bytes()
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_a_provider_is_paid_what_it_earned(demo: Demo, visit: Visit, malabar: UUID) -> None:
    base = demo.services.base_url
    owner, admin = visit(demo.link("org", OWNER)), visit(demo.link("admin", "admin@quittance.test"))
    here = f"{base}/org/{SLUG}"
    shows(owner, f"{here}/earnings", "₹500.00 past every hold", "60 minutes")
    shows(owner, f"{here}/provider-payouts/new", "No payout method")

    # The account: after proving who it is. The first can be used at once, another one only after three days.
    an_hour_passes(malabar)
    owner.goto(f"{here}/payout-account/new?rail=simulated")
    proves_who_it_is(owner, base)
    gives_account(owner, "IN-MALABAR-4471")
    asks(owner, base)
    takes_back(owner, base)
    owner.goto(f"{here}/payout-account/new?rail=simulated")
    gives_account(owner, "IN-MALABAR-0000")
    says(owner, "usable from")
    shows(owner, f"{here}/provider-payouts/new", "changed lately")
    three_days_pass(malabar)

    # The bank says that the account is closed: it failed, and the money is ready again.
    failed = asks(owner, base)
    approves_and_runs(admin, base, failed)
    shows(owner, f"{here}/provider-payouts/{failed}", "Failed", "What helps", "ready again")
    assert "did not reach" in letter(visit(), base, OWNER, "did not reach")

    # The account before is used again.
    owner.goto(f"{here}/payout-account")
    owner.get_by_role("button", name="Use this one").click()
    owner.get_by_text("from now on").first.wait_for()
    paid = asks(owner, base)
    approves_and_runs(admin, base, paid)
    shows(owner, f"{here}/provider-payouts/{paid}", "Paid", "4471")
    advice = read(owner)
    assert advice.startswith("Quittance") and "₹500.00" in advice and "Malabar" in advice and "60 minutes" in advice
    history = f"{here}/provider-payouts"
    shows(owner, history, "Paid", "Failed", "Canceled", "₹500.00")
    expect(owner.get_by_role("row")).to_have_count(4)  # with the head
    shows(owner, f"{here}/earnings", "₹500.00 1 payout")
    eventually(demo.idle)
    with unit_of_work(PLATFORM) as session:
        statuses = session.execute(
            text("SELECT status FROM payouts WHERE organization_id = :id ORDER BY created_at"), {"id": malabar}
        )
        assert list(statuses.scalars()) == ["cancelled", "failed", "paid"]
        assert doctor.examine(session) == []
