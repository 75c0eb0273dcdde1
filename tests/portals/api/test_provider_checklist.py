"""An organization that provides, from its opening to its payout, by nothing but calls of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from werkzeug.test import TestResponse

from app.db.session import unit_of_work
from app.identity.states import Portal
from app.reporting import doctor
from tests.factories import client_money, consultations, people
from tests.factories.bookings import paid_session
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]
PRIYA, OMAR = "priya@consultant.test", "omar@consultant.test"
OPENED = {
    "name": "Malabar Advisory", "kind": "PROVIDER", "currency": "INR", "country": "IN", "orgRetainRate": "0.05",
    "consultantPayoutRate": "0.85", "platformCommissionRate": "0.1",
}  # fmt: skip
ACCOUNT = {"accountHolder": "Malabar Advisory LLP", "accountNumber": "50200012345678", "ifsc": "HDFC0000060"}


def call(who: Browser, method: str, path: str, body: Any = None) -> TestResponse:
    return who.open(path, method=method, json=body, headers={"X-CSRFToken": who.csrf_token()})


def opens(owner: Browser) -> str:
    """201, or 501 with the tier off; rates that do not add up to 1 are 400. Returns its address."""
    with environment(ENABLE_PROVIDER_ORGS="false"):
        assert call(owner, "POST", "/api/organizations", OPENED).status_code == 501
    wrong = call(owner, "POST", "/api/organizations", {**OPENED, "orgRetainRate": "0.06"})
    assert wrong.status_code == 400
    made = call(owner, "POST", "/api/organizations", OPENED)
    assert made.status_code == 201 and made.get_json()["status"] == "ACTIVE"
    here = f"/api/organizations/{made.get_json()['id']}"
    for rates in ({"orgRetainRate": "0.05", "consultantPayoutRate": "0.9"}, {"orgRetainRate": 0.04}):
        assert call(owner, "PATCH", here, rates).status_code == 400
    return here


def adds_consultants(owner: Browser, here: str) -> str:
    """One waits until somebody says yes, the next is in at once. Returns the first one's address."""
    waits = call(owner, "POST", f"{here}/members", {"email": PRIYA, "name": "Priya", "role": "ORG_CONSULTANT"})
    assert (waits.status_code, waits.get_json()["status"]) == (201, "PENDING")
    priya = f"{here}/members/{waits.get_json()['id']}"
    assert call(owner, "PATCH", priya, {"status": "ACTIVE"}).get_json()["status"] == "ACTIVE"
    assert call(owner, "PATCH", here, {"autoApproveConsultants": True}).status_code == 200
    joins = call(owner, "POST", f"{here}/members", {"email": OMAR, "name": "Omar", "role": "ORG_CONSULTANT"})
    assert (joins.status_code, joins.get_json()["status"]) == (201, "ACTIVE")
    listed = {row["email"]: row for row in owner.get(f"{here}/consultants").get_json()["data"]}
    assert [(row["role"], row["status"]) for row in listed.values()] == [("ORG_CONSULTANT", "ACTIVE")] * 2
    assert set(listed) == {PRIYA, OMAR}
    return priya


def own_earnings(organization_id: UUID) -> list[int]:
    """What the organization has ready for itself, in paise, as it was earned."""
    with unit_of_work(PLATFORM) as session:
        query = text(
            """SELECT r.amount_minor FROM ready_earnings r JOIN payees p ON p.id = r.payee_id
            WHERE p.own_organization_id = :id ORDER BY r.earning_id"""
        )
        return list(session.execute(query, {"id": organization_id}).scalars())


def refunds(admin: Browser, consultation_id: UUID, minor: int) -> None:
    """By the platform; the provider then says that it went back."""
    rows = admin.get("/api/v1/admin/consultations").get_json()["data"]
    payment = next(row["payment_id"] for row in rows if row["consultation_id"] == str(consultation_id))
    body = {"paymentId": payment, "amountMinor": minor, "reason": "The line was bad"}
    made = call(admin, "POST", "/api/payments/refunds", body)
    assert made.status_code == 201, made.text
    client_money.returned(UUID(made.get_json()["refundId"]))


def is_paid_out(owner: Browser, here: str, minor: int) -> None:
    assert call(owner, "POST", f"{here}/payouts").status_code == 409  # nowhere to pay it
    assert owner.get(f"{here}/payout-account").status_code == 404
    account = call(owner, "PUT", f"{here}/payout-account", ACCOUNT)
    assert account.get_json()["accountNumberLast4"] == "5678" and "50200012345678" not in account.text
    assert owner.get(f"{here}/payout-account").get_json() == account.get_json()
    asked = call(owner, "POST", f"{here}/payouts")
    assert asked.status_code == 201
    (batch,) = owner.get(f"{here}/payouts").get_json()["data"]
    assert batch["batchId"] == asked.get_json()["batchId"]
    assert [(one["amountMinor"], one["currency"], one["status"]) for one in batch["payouts"]] == [
        (minor, "INR", "PENDING")
    ]
    assert call(owner, "POST", f"{here}/payouts").status_code == 409  # nothing is ready any more
    assert call(owner, "DELETE", f"{here}/payout-account").status_code == 204
    assert owner.get(f"{here}/payout-account").status_code == 404


def test_from_its_opening_to_its_payout(app: Any, sign_in: SignIn) -> None:
    people.account(Portal.ORG, "nora@malabar.test")
    people.admin("ada@quittance.test")
    owner, admin = sign_in(Portal.ORG, "nora@malabar.test"), sign_in(Portal.ADMIN, "ada@quittance.test")
    here = opens(owner)
    organization_id = UUID(here.rsplit("/", 1)[1])
    priya = adds_consultants(owner, here)

    payee_id = consultations.consultant(organization_id, email=PRIYA, currency="INR")
    first = paid_session(organization_id, payee_id=payee_id)
    assert (first.platform_minor, first.organization_minor, first.consultant_minor) == (1_000_00, 500_00, 8_500_00)
    assert own_earnings(organization_id) == [500_00]

    agreed = call(owner, "PATCH", priya, {"customConsultantPayoutRate": "0.88"})
    assert agreed.get_json()["customConsultantPayoutRate"] == "0.88"
    second = paid_session(organization_id, payee_id=payee_id, hours=72)
    assert (second.platform_minor, second.organization_minor, second.consultant_minor) == (1_000_00, 200_00, 8_800_00)
    assert own_earnings(organization_id) == [500_00, 200_00]

    refunds(admin, first.id, 4_000_00)  # 5 % of it were the organization's
    assert own_earnings(organization_id) == [500_00, 200_00, -200_00]
    is_paid_out(owner, here, 500_00)
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
