"""Payouts of what an organization earned, and where they go, as JSON: for owners alone, and only with the tier on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import OrganizationKind, Role
from app.payouts import batches
from tests.factories import people
from tests.factories.bookings import paid_session
from tests.factories.organizations import organization
from tests.factories.payouts import admin
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")
SignIn = Callable[[Portal, str], Browser]
ACCOUNT = {"accountHolder": "Clinic Pvt Ltd", "accountNumber": "000123456789", "ifsc": "HDFC0001234"}


@pytest.fixture
def clinic() -> UUID:
    made = organization("clinic", currency="INR", kind=OrganizationKind.PROVIDER)
    people.member(made, Role.OWNER, "owner@clinic.test")
    return made


@pytest.fixture
def owner(clinic: UUID, sign_in: SignIn) -> Browser:
    return sign_in(Portal.ORG, "owner@clinic.test")


def call(who: Browser, method: str, path: str, body: Any = None) -> TestResponse:
    return who.open(path, method=method, json=body, headers={"X-CSRFToken": who.csrf_token()})


def test_an_account_is_put_read_and_deleted(owner: Browser, clinic: UUID) -> None:
    here = f"/api/organizations/{clinic}/payout-account"
    assert owner.get(here).status_code == 404
    wrong = call(owner, "PUT", here, {**ACCOUNT, "ifsc": "nonsense"})
    assert wrong.status_code == 422 and "bankCode" in wrong.get_json()["errors"]
    made = call(owner, "PUT", here, ACCOUNT)
    assert made.status_code == 200 and made.get_json()["accountNumberLast4"] == "6789"
    told = owner.get(here)
    assert told.get_json() == made.get_json() and "000123456789" not in told.text and "Clinic Pvt" not in told.text
    again = call(owner, "PUT", here, ACCOUNT)
    assert again.status_code == 200 and again.get_json() == made.get_json()  # nothing changed, nobody waits
    second = call(owner, "PUT", here, {**ACCOUNT, "accountNumber": "000987654321"}).get_json()
    assert second["accountNumberLast4"] == "4321" and second["usableFrom"] > made.get_json()["usableFrom"]
    assert call(owner, "PUT", here, {**ACCOUNT, "accountNumber": "000987654321"}).get_json() == second
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT action, count(*) FROM audit_records WHERE action LIKE 'method.%' GROUP BY action")
        assert [tuple(row) for row in session.execute(query)] == [("method.added", 2)]
        assert session.execute(text("SELECT count(*) FROM methods")).scalar_one() == 2
    first = call(owner, "PUT", here, ACCOUNT).get_json()  # the one before is still there: used again, not added again
    assert first == made.get_json() and owner.get(here).get_json() == first
    assert call(owner, "DELETE", here).status_code == 204
    assert owner.get(here).status_code == 404 and call(owner, "DELETE", here).status_code == 404


def test_a_batch_is_asked_for_once(owner: Browser, clinic: UUID) -> None:
    here = f"/api/organizations/{clinic}/payouts"
    assert call(owner, "POST", here).status_code == 409
    paid_session(clinic)
    nowhere = call(owner, "POST", here)
    assert nowhere.status_code == 409 and "payout method" in nowhere.get_json()["detail"]
    assert call(owner, "PUT", f"/api/organizations/{clinic}/payout-account", ACCOUNT).status_code == 200
    made = call(owner, "POST", here)
    assert made.status_code == 201
    (row,) = owner.get(here).get_json()["data"]
    assert row["batchId"] == made.get_json()["batchId"] and row["status"] == "SUBMITTED"
    (payout,) = row["payouts"]
    assert (payout["status"], payout["amountMinor"], payout["currency"]) == ("PENDING", 500_00, "INR")
    assert payout["accountNumberLast4"] == "6789" and row["periodStart"]
    assert call(owner, "POST", here).status_code == 409


def asked(owner: Browser, clinic: UUID) -> str:
    paid_session(clinic)
    assert call(owner, "PUT", f"/api/organizations/{clinic}/payout-account", ACCOUNT).status_code == 200
    return str(call(owner, "POST", f"/api/organizations/{clinic}/payouts").get_json()["batchId"])


def test_what_was_asked_for_is_taken_back_until_it_is_approved(owner: Browser, clinic: UUID) -> None:
    here = f"/api/organizations/{clinic}/payouts"
    first = asked(owner, clinic)
    assert call(owner, "DELETE", f"{here}/{first}").status_code == 204
    assert call(owner, "DELETE", f"{here}/{first}").status_code == 409
    (row,) = owner.get(here).get_json()["data"]
    assert (row["status"], row["payouts"][0]["status"]) == ("CANCELLED", "CANCELLED")
    second = call(owner, "POST", here).get_json()["batchId"]
    with unit_of_work(PLATFORM) as session:
        batches.approve(session, admin("checker@quittance.test"), UUID(second))
    late = call(owner, "DELETE", f"{here}/{second}")
    assert late.status_code == 409 and "approved" in late.get_json()["detail"]


def test_admins_read_and_owners_of_others_find_nothing(owner: Browser, clinic: UUID, sign_in: SignIn) -> None:
    here = f"/api/organizations/{clinic}/payouts"
    batch_id = asked(owner, clinic)
    people.member(clinic, Role.ADMIN, "admin@clinic.test")
    reader = sign_in(Portal.ORG, "admin@clinic.test")
    assert [row["batchId"] for row in reader.get(here).get_json()["data"]] == [batch_id]
    assert call(reader, "DELETE", f"{here}/{batch_id}").status_code == 403
    other = organization("other", currency="INR", kind=OrganizationKind.PROVIDER)
    people.member(other, Role.OWNER, "owner@other.test")
    stranger = sign_in(Portal.ORG, "owner@other.test")
    assert call(stranger, "DELETE", f"{here}/{batch_id}").status_code == 404
    assert call(stranger, "DELETE", f"/api/organizations/{other}/payouts/{batch_id}").status_code == 404
    assert owner.get(here).get_json()["data"][0]["status"] == "SUBMITTED"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.SUPPORT, Role.CONSULTANT, Role.LEARNER])
def test_others_of_the_organization_are_refused(clinic: UUID, sign_in: SignIn, role: Role) -> None:
    people.member(clinic, role, "other@clinic.test")
    other = sign_in(Portal.ORG, "other@clinic.test")
    here = f"/api/organizations/{clinic}"
    assert other.get(f"{here}/payouts").status_code == (200 if role is Role.ADMIN else 403)
    assert other.get(f"{here}/payout-account").status_code == 403
    assert call(other, "DELETE", f"{here}/payouts/{clinic}").status_code == 403
    assert call(other, "POST", f"{here}/payouts").status_code == 403
    assert call(other, "PUT", f"{here}/payout-account", ACCOUNT).status_code == 403
    assert call(other, "DELETE", f"{here}/payout-account").status_code == 403


def test_strangers_and_organizations_that_buy_find_nothing(clinic: UUID, sign_in: SignIn) -> None:
    buyer = organization("buyer")
    people.member(buyer, Role.OWNER, "owner@buyer.test")
    stranger = sign_in(Portal.ORG, "owner@buyer.test")
    for organization_id in (clinic, buyer):
        here = f"/api/organizations/{organization_id}"
        assert stranger.get(f"{here}/payouts").status_code == 404
        assert call(stranger, "PUT", f"{here}/payout-account", ACCOUNT).status_code == 404


def test_501_with_the_tier_off(owner: Browser, clinic: UUID) -> None:
    here = f"/api/organizations/{clinic}"
    with environment(ENABLE_PROVIDER_ORGS="false"):
        answers = [
            owner.get(f"{here}/payouts"),
            call(owner, "POST", f"{here}/payouts"),
            call(owner, "DELETE", f"{here}/payouts/{clinic}"),
            owner.get(f"{here}/payout-account"),
            call(owner, "PUT", f"{here}/payout-account", ACCOUNT),
            call(owner, "DELETE", f"{here}/payout-account"),
            owner.get(f"{here}/consultants"),
        ]
    assert [one.status_code for one in answers] == [501] * 7


def test_changes_want_a_session_that_has_just_proved_who_it_is(owner: Browser, clinic: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE sign_in_sessions SET stepped_up_at = NULL"))
    here = f"/api/organizations/{clinic}"
    assert call(owner, "PUT", f"{here}/payout-account", ACCOUNT).status_code == 403
    assert call(owner, "POST", f"{here}/payouts").status_code == 403
    assert owner.get("/org/clinic/payout-account/new?rail=bank_file").status_code == 303
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT count(*) FROM methods")).scalar_one() == 0
