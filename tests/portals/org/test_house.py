"""Members, settings and the audit trail of an organization; the overview with nothing and with something in it."""

from __future__ import annotations

import csv
import io
import re

from werkzeug.test import TestResponse

from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.organizations import service
from app.organizations.states import Role
from tests.factories import organizations, people
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House


def test_the_first_visit_says_what_will_appear(house: House) -> None:
    page = house.browser.get("/org/oxford/").text
    for said in ("Nothing waits for you", "No payouts yet", "No batches yet", "Nothing imported yet", "£0"):
        assert said in page, said


def test_the_overview_names_what_waits(house: House) -> None:
    house.imported()
    page = house.browser.get("/org/oxford/").text
    assert "3 bills to approve" in page and "2 payees have no payout method" in page
    assert '<span class="count">3</span>' in page  # beside the link


def invite(
    house: House, email: str = "new@oxford.test", role: Role = Role.MANAGER, browser: Browser | None = None
) -> TestResponse:
    fields = {"addresses": email, "role": role.value}
    return (browser or house.browser).post("/org/oxford/members/new", fields)


def joined(house: House, email: str = "new@oxford.test", role: Role = Role.MANAGER) -> None:
    people.member(house.organization_id, role, email)


def test_an_invited_member_signs_in_and_works(house: House, client: Browser) -> None:
    assert invite(house).status_code == 303
    listed = house.browser.get("/org/oxford/members/invitations").text
    assert "new@oxford.test" in listed and "Manager" in listed
    assert "new@oxford.test" not in house.browser.get("/org/oxford/members").text
    again = invite(house)
    assert again.status_code == 422 and "is invited already" in again.text
    assert invite(house, "nonsense").status_code == 422
    box = client.get("/dev/mailbox?to=new@oxford.test").text
    message = re.search(r'href="(/dev/mailbox/[0-9a-f-]{36})"', box)
    assert message
    link = re.search(r'href="http://[^/]+(/org/invitations/[^"]+)"', client.get(message[1]).text)
    assert link and client.post(link[1]).headers["Location"] == "/org/oxford/"
    assert client.get("/org/oxford/members").status_code == 200
    assert client.get("/org/oxford/bills").status_code == 200
    assert client.get("/org/oxford/members/new").status_code == 403


def member_path(house: House, name: str, noun: str) -> str:
    page = house.browser.get("/org/oxford/members").text
    row = next(part for part in page.split('id="member-')[1:] if name in part)
    return f"/org/oxford/members/{row[:36]}/{noun}"


def test_roles_change_within_ranks(house: House) -> None:
    joined(house)
    path = member_path(house, "new@oxford.test", "role")
    assert house.browser.post(path, {"role": "ORG_ADMIN"}).status_code == 303
    assert "Admin" in house.browser.get("/org/oxford/members").text
    assert house.browser.post(path, {"role": "ORG_KING"}).status_code == 422
    admin = house.member(Role.ADMIN)
    assert "ORG_OWNER" not in admin.get("/org/oxford/members/new").text
    refused = invite(house, "boss@oxford.test", Role.OWNER, admin)
    assert refused.status_code == 422
    assert "boss@oxford.test" not in house.browser.get("/org/oxford/members").text
    owner_role = member_path(house, "Owner", "role")
    assert admin.post(owner_role, {"role": "ORG_MANAGER"}).status_code == 403
    assert admin.post(owner_role.replace("role", "removal")).status_code == 403


def test_a_removed_member_is_out_and_the_last_owner_stays(house: House) -> None:
    manager = house.member(Role.MANAGER)
    assert manager.get("/org/oxford/").status_code == 200
    assert house.browser.post(member_path(house, "manager@oxford.test", "removal")).status_code == 303
    assert manager.get("/org/oxford/").status_code == 404
    last = house.browser.post(member_path(house, "owner@oxford.test", "removal"))
    assert last.status_code == 409 and "last owner" in last.text
    demoted = house.browser.post(member_path(house, "owner@oxford.test", "role"), {"role": "ORG_ADMIN"})
    assert demoted.status_code == 403


def test_a_member_leaves_by_themselves(house: House) -> None:
    manager = house.member(Role.MANAGER)
    listed = manager.get("/org/oxford/members").text
    own = re.search(r'href="(/org/oxford/members/[0-9a-f-]{36}/removal)"', listed)
    assert own and "Leave Oxford?" in manager.get(own[1]).text
    assert manager.post(own[1]).status_code == 303
    assert manager.get("/org/oxford/").status_code == 404


def test_settings(house: House) -> None:
    good = {"name": "Oxford City", "legal_name": "", "billing_email": "pay@oxford.test", "time_zone": "Europe/Paris"}
    done = house.browser.post("/org/oxford/settings", good)
    assert done.status_code == 303
    page = house.browser.get("/org/oxford/settings").text
    assert 'value="Oxford City"' in page and "pay@oxford.test" in page
    assert "Oxford City" in house.browser.get("/org/oxford/").text
    for wrong in ({"name": ""}, {"billing_email": "nowhere"}, {"time_zone": "Mars/Base"}):
        assert house.browser.post("/org/oxford/settings", {**good, **wrong}).status_code == 422, wrong
    assert "Oxford City" in house.browser.get("/org/oxford/settings").text


def test_the_audit_trail_is_this_organizations_own(house: House, strangers: list[Browser]) -> None:
    bill = house.imported()["T1"]
    house.browser.post(f"/org/oxford/bills/{bill.id}/approval")
    page = house.browser.get("/org/oxford/audit").text
    assert "request: approved" in page and "bills: imported" in page and "Owner" in page
    only = house.browser.get("/org/oxford/audit?action=request").text
    assert "request: approved" in only and "bills: imported" not in only
    assert "Nothing matches" in house.browser.get("/org/oxford/audit?actor=nobody").text
    rows = list(csv.DictReader(io.StringIO(house.browser.get("/org/oxford/audit.csv?action=request").text)))
    assert {row["Action"] for row in rows} == {"request.approved"}
    assert "request: approved" not in strangers[0].get("/org/cambridge/audit").text


def test_one_person_in_two_organizations_sees_each_alone(house: House) -> None:
    other = organizations.organization("cambridge")
    with unit_of_work(Scope.platform("tests")) as session:
        service.add_member(
            session, operator(), other, account_id=house.owner.account_id, name="Owner", email="owner@oxford.test",
            role=Role.MANAGER,
        )  # fmt: skip
    house.imported()
    page = house.browser.get("/org/cambridge/bills").text
    assert "Nothing waits for approval" in page and "/org/oxford/" in page  # to switch to
    assert house.browser.get("/org/cambridge/audit").status_code == 403
    assert house.browser.get("/org/oxford/audit").status_code == 200


def test_a_members_own_settings_are_in_the_account_menu(house: House) -> None:
    page = house.browser.get("/org/oxford/").text
    for path in ("/org/settings/security", "/org/settings/notifications"):
        assert f'href="{path}"' in page
        assert house.browser.get(path).status_code == 200
