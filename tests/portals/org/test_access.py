"""Who may not see these pages, one by one, and what each role may not do."""

from __future__ import annotations

from typing import Any

import pytest

from app.organizations.states import BillingMode, Role
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, upload

NOBODY = "00000000-0000-4000-8000-000000000000"  # the same in each process, or xdist could not deal the tests out

PAGES = (
    "", "bills", "bills.csv", "imports", "imports/new", "payees", "payees/new", "payees/method-files/new",
    "payees/method-assignment", "funds", "funds/statement.csv", "funds/deposits", "funds/deposits/new", "payouts",
    "payouts.csv", "batches", "members", "members/new", "settings", "audit", "audit.csv",
)  # fmt: skip
CHANGES = (
    f"bills/{NOBODY}/approval", f"bills/{NOBODY}/rejection", "bills/approvals", "bills/rejections?all=1",
    f"imports/{NOBODY}/confirmation", f"imports/{NOBODY}/removal", f"payees/{NOBODY}/invitations",
    f"payees/{NOBODY}/methods/new?rail=check", f"payees/method-files/{NOBODY}/application", "funds/deposits/new",
    f"members/{NOBODY}/role", f"members/{NOBODY}/removal",
)  # fmt: skip
ONLY_ADMINS = (
    "payees/method-files/new", "payees/method-assignment", f"payees/{NOBODY}/methods/new", "funds/deposits/new",
    "members/new", f"members/{NOBODY}/role", "settings", "audit", "audit.csv", f"bills/{NOBODY}/release",
)  # fmt: skip


def test_pages_open_for_members_only(house: House, client: Browser, strangers: list[Browser]) -> None:
    for page in PAGES:
        assert house.browser.get(f"/org/oxford/{page}").status_code == 200, page
        for stranger in strangers:
            assert stranger.get(f"/org/oxford/{page}").status_code == 404, page
        signed_out = client.get(f"/org/oxford/{page}")
        assert signed_out.status_code == 303 and signed_out.location.startswith("/org/signin")


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_for_members_only(change: str, client: Browser, strangers: list[Browser]) -> None:
    for stranger in strangers:
        assert stranger.post(f"/org/oxford/{change}").status_code == 404
    assert client.post(f"/org/oxford/{change}").status_code == 303


def test_a_manager_reviews_and_imports_and_leaves_the_rest_alone(house: House) -> None:
    manager = house.member(Role.MANAGER)
    bills = house.imported()
    for page in ("", "bills", "imports", "imports/new", "payees", "payees/new", "funds", "members", "payouts"):
        assert manager.get(f"/org/oxford/{page}").status_code == 200, page
    for page in ONLY_ADMINS:
        refused = manager.get(f"/org/oxford/{page}")
        assert refused.status_code == 403, page
        assert "Manager" in refused.text and "Owner" in refused.text  # which role, whom to ask
        assert manager.post(f"/org/oxford/{page}").status_code in (403, 405), page
    assert "/org/oxford/funds/deposits/new" not in manager.get("/org/oxford/funds").text
    assert "/org/oxford/members/new" not in manager.get("/org/oxford/members").text
    listed = manager.get("/org/oxford/payees").text
    assert "method-assignment" not in listed and "method-files" not in listed
    for absent in ("/org/oxford/audit", "/org/oxford/settings"):
        assert f'href="{absent}"' not in manager.get("/org/oxford/").text
    assert manager.post(f"/org/oxford/bills/{bills['T1'].id}/approval").status_code == 303
    assert manager.post("/org/oxford/imports/new", upload(b"a,b\n1,2\n", currency="GBP")).status_code == 303


def test_support_reads_and_decides_nothing(house: House) -> None:
    support, bill = house.member(Role.SUPPORT), house.imported()["T1"]
    queue = support.get("/org/oxford/bills")
    assert queue.status_code == 200 and "SMS Connections" in queue.text
    assert "data-check" not in queue.text
    assert "/approval" not in queue.text
    assert support.get(f"/org/oxford/bills/{bill.id}").status_code == 200
    for change in (f"bills/{bill.id}/approval", f"bills/{bill.id}/rejection", "bills/approvals"):
        assert support.post(f"/org/oxford/{change}", {"id": str(bill.id), "reason": "No"}).status_code == 403
    assert support.get("/org/oxford/imports").status_code == 403
    assert house.bills()["T1"].status.value == "submitted"


def test_roles_without_work_here_are_told_whom_to_ask(house: House) -> None:
    learner = house.member(Role.LEARNER)
    start = learner.get("/org/oxford/")
    assert "Your role here is Learner" in start.text and "/client/signin" in start.text
    answer = learner.get("/org/oxford/bills")
    assert answer.status_code == 403 and "Learner" in answer.text and "Ask Owner" in answer.text


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (BillingMode.TAG_ONLY, "you pay by your own card"),
        (BillingMode.SEAT_PACK, "pays by the credits it has"),
        (BillingMode.INVOICED_MONTHLY, "It pays, up to its limit"),
    ],
)
def test_learners_read_who_pays_and_consultants_where_they_work(
    house: House, superuser: Any, mode: BillingMode, said: str
) -> None:
    superuser.execute("UPDATE organizations SET billing_mode = %s", [mode.value])
    learner = house.member(Role.LEARNER).get("/org/oxford/").text
    assert said in learner and "Search payees" not in learner
    consultant = house.member(Role.CONSULTANT).get("/org/oxford/").text
    assert "/consultant/signin" in consultant and "/client/signin" not in consultant and said not in consultant
    assert "Search payees" in house.member(Role.SUPPORT).get("/org/oxford/").text


def test_what_belongs_to_another_organization_is_not_there(house: House, strangers: list[Browser]) -> None:
    bill = house.imported()["T1"]
    other = strangers[0]
    for path in (
        f"bills/{bill.id}",
        f"payees/{bill.payee_id}",
        f"bills/{bill.id}/approval",
        f"imports/{bill.import_id}",
    ):
        assert other.get(f"/org/cambridge/{path}").status_code == 404
    assert other.post(f"/org/cambridge/bills/{bill.id}/approval").status_code == 404
    bulk = other.post("/org/cambridge/bills/approvals", {"id": str(bill.id)})
    assert bulk.status_code == 200 and "There is no such payment request" in bulk.text
    assert house.bills()["T1"].status.value == "submitted"


def test_what_does_not_exist_is_a_page_that_says_so(house: House) -> None:
    for path in ("bills", "payees", "imports", "payouts", "batches"):
        answer = house.browser.get(f"/org/oxford/{path}/{NOBODY}")
        assert answer.status_code == 404 and "There is no such" in answer.text, path
    assert house.browser.get("/org/nowhere/").status_code == 404


def test_a_change_needs_the_token_of_the_session(house: House) -> None:
    bill = house.imported()["T1"]
    assert house.browser.post(f"/org/oxford/bills/{bill.id}/approval", csrf=False).status_code == 400
    assert house.bills()["T1"].status.value == "submitted"
