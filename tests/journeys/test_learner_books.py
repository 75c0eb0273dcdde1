"""An owner invites a learner, who joins by the mail's link, books an advisor at the organization's expense, and is told
the number when its limit is reached. The owner finds what was spent.

Two people, two portals and the workers in between, in a real browser.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from app.consultations.states import Practice
from app.db.session import unit_of_work
from app.organizations.states import BillingMode, Role
from app.reporting import doctor
from tests.factories import billing, consultations, organizations, people
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, is_there_at_any_hour, letter, says, shows
from tests.running import Demo

pytestmark = pytest.mark.browser
OWNER, LEARNER = "hana@hazelwood.test", "juno.thistledown@hazelwood.test"


@pytest.fixture
def school(demo: Demo) -> UUID:
    """Hazelwood is invoiced monthly, within 40 dollars; Sunniva advises at any hour."""
    payee_id = consultations.consultant(name="Sunniva Berg", practice=Practice.ADVISOR)
    is_there_at_any_hour(payee_id, "Sunniva Berg")
    made = organizations.organization("hazelwood", currency="USD", billing_mode=BillingMode.INVOICED_MONTHLY)
    billing.profile(made, legal_name="Hazelwood School", country="US", email="ap@hazelwood.test")
    organizations.credit(made, 40_00, "USD")
    people.member(made, Role.OWNER, OWNER)
    return made


def _asks(page: Any, base: str, title: str) -> None:
    """Chooses a length and the last time of next week, for Hazelwood to pay."""
    page.goto(f"{base}/client/consultations/new?consultant=sunniva-berg")
    page.get_by_role("listitem").filter(has_text=title).get_by_role("link", name="Choose").click()
    page.get_by_role("link", name="Later").click()
    page.locator("input[name=starts_at]").last.check()
    page.get_by_label("For an organization").select_option(label="Hazelwood pays")
    page.get_by_role("button", name=re.compile("Keep this time")).click()


def test_a_learner_books_on_the_account(demo: Demo, visit: Visit, school: UUID) -> None:
    base = demo.services.base_url
    owner = visit(demo.link("org", OWNER))
    owner.goto(f"{base}/org/hazelwood/members/new")
    owner.get_by_label("Addresses").fill(LEARNER)
    owner.get_by_label("Role").select_option(value="ORG_LEARNER")
    owner.get_by_role("button", name="Send invitations").click()
    owner.wait_for_url(re.compile("/members/invitations"))
    mail = letter(owner, base, LEARNER, "invites you to Quittance")
    link = re.search(r'href="(http[^"]+/org/invitations/[^"]+)"', mail)
    assert link

    learner = visit()
    learner.goto(link[1])
    learner.get_by_role("button", name="Join Hazelwood").click()
    expect(learner.get_by_text("Your role here is Learner")).to_be_visible()

    learner = visit(demo.link("client", LEARNER))
    _asks(learner, base, "30 minutes")
    expect(learner.get_by_text("Hazelwood pays from its funds.")).to_be_visible()
    learner.get_by_role("button", name=re.compile(r"Pay \$19\.00")).click()
    says(learner, "Booked")

    _asks(learner, base, "60 minutes")
    refusal = learner.get_by_text("$21.00 is left, $35.00 is needed").first
    expect(refusal).to_be_visible()
    expect(learner.get_by_label("For an organization")).to_have_value(f"invoice:{school}")  # nothing is lost
    learner.get_by_label("For an organization").select_option(label="Hazelwood, paid by my card")
    learner.get_by_role("button", name=re.compile("Keep this time")).click()
    expect(learner.get_by_label("Card number")).to_be_visible()

    shows(owner, f"{base}/org/hazelwood/billing", "$19.00")
    assert "thistledown" not in owner.locator("main").inner_text().lower()
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
