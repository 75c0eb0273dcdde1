"""An owner invites five hundred people from a file with faults; one of them joins by the mail's link.

The preview, the job behind the bar, the mail and the first page of a learner, in a real browser.
"""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from app.organizations.states import Role
from tests.factories import organizations, people
from tests.journeys.steps import Visit, letter
from tests.running import Demo

pytestmark = pytest.mark.browser
OWNER, NOOR = "maya@cedar.test", "noor.vale@cedar.test"


@pytest.fixture
def cedar(demo: Demo) -> UUID:
    made = organizations.organization("cedar")
    people.member(made, Role.OWNER, OWNER)
    return made


def five_hundred() -> str:
    """490 to invite, and of each kind of fault some."""
    rows = [f"person{n}@cedar.test,Person {n},{'manager' if n % 50 == 0 else ''}" for n in range(489)]
    rows.insert(200, f"{NOOR},Noor Vale,learner")
    rows += ["nowhere,Nobody,learner", ",No Address,", "king@cedar.test,King,king", "queen@cedar.test,Queen,queen"]
    rows += [f"{OWNER},Maya,learner", "PERSON1@cedar.test,Twice,", f"{NOOR},Noor again,", "person2@cedar.test,,"]
    rows += ["two words@cedar.test,Odd,", "boss@,Boss,owner"]
    return "email,name,role\n" + "\n".join(rows) + "\n"


def test_five_hundred_are_invited_and_one_joins(demo: Demo, visit: Visit, cedar: UUID) -> None:
    base = demo.services.base_url
    page = visit(demo.link("org", OWNER))
    page.goto(f"{base}/org/cedar/members")
    page.get_by_role("link", name="From a file").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": five_hundred().encode()}
    )
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("heading", name="What would come of it").wait_for()
    expect(page.get_by_text("6 lines cannot be taken as they are")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Not invited")).click()
    expect(page.locator("#lines td.soft", has_text="“king” is not a role")).to_be_visible()
    expect(page.locator("#lines td.soft", has_text="there is no address")).to_be_visible()
    page.get_by_role("link", name=re.compile("^There already")).click()
    expect(page.locator("#lines td.soft", has_text="the same address as in line 202")).to_be_visible()

    page.get_by_role("button", name="Invite 490 people").click()
    expect(page.get_by_text("Tick this, or mend the lines")).to_be_visible()
    page.get_by_label("Leave the faulty lines out").check()
    page.get_by_role("button", name="Invite 490 people").click()
    page.wait_for_url(re.compile(r"/members/imports/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="people.csv")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text(re.compile(r"Invited\s*490"), timeout=90_000)  # by itself
    expect(page.locator("#progress")).not_to_contain_text("Waiting")

    mail = letter(page, base, NOOR, "invites you to Quittance")
    assert "/client/signin" in mail  # where a learner books
    link = re.search(r'href="(http[^"]+/org/invitations/[^"]+)"', mail)
    assert link
    page = visit()
    page.goto(link[1])
    page.get_by_role("button", name="Join Cedar").click()
    page.wait_for_url(re.compile("/org/cedar/$"))
    expect(page.get_by_text("Your role here is Learner")).to_be_visible()
    expect(page.get_by_role("link", name="Book a consultation")).to_have_attribute("href", "/client/signin")
    assert page.goto(link[1]).status == 410
