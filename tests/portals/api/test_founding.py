"""Opening an organization by a call, and changing what it is: rates are exact decimals that add up to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.identity.states import Portal
from app.organizations.states import OrganizationKind, Role
from tests.factories import organizations, people
from tests.factories.bookings import consultant
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]


def send(browser: Browser, method: str, path: str, body: str | dict[str, Any]) -> TestResponse:
    sent = {"data": body, "content_type": "application/json"} if isinstance(body, str) else {"json": body}
    return browser.open(path, method=method, headers={"X-CSRFToken": browser.csrf_token()}, **sent)  # type: ignore[arg-type]


@pytest.fixture
def nora(app: Any, sign_in: SignIn) -> Browser:
    people.account(Portal.ORG, "nora@northgate.test")
    return sign_in(Portal.ORG, "nora@northgate.test")


@pytest.fixture
def agency(app: Any) -> UUID:
    return organizations.organization("agency", kind=OrganizationKind.PROVIDER)


@pytest.fixture
def owner(agency: UUID, sign_in: SignIn) -> Browser:
    people.member(agency, Role.OWNER, "olga@agency.test")
    return sign_in(Portal.ORG, "olga@agency.test")


def create(browser: Browser, **said: Any) -> TestResponse:
    return send(browser, "POST", "/api/organizations", said)


def test_a_buyer_is_opened_and_the_caller_owns_it(nora: Browser, superuser: Any) -> None:
    answer = create(
        nora, name="Northgate", kind="BUYER", billingMode="INVOICED_MONTHLY", country="GB", currency="GBP",
        billingEmail="ap@northgate.test",
    )  # fmt: skip
    made = answer.get_json()
    assert answer.status_code == 201, made
    assert (made["slug"], made["status"], made["kind"], made["billingMode"], made["currency"]) == (
        "northgate", "ACTIVE", "BUYER", "INVOICED_MONTHLY", "GBP",
    )  # fmt: skip
    row = superuser.execute("SELECT legal_name, country, email FROM billing_profiles").fetchone()
    assert row == ("Northgate", "GB", "ap@northgate.test")
    assert nora.get(f"/api/organizations/{made['id']}").get_json()["name"] == "Northgate"
    assert create(nora, name="Northgate").get_json()["slug"] == "northgate-2"


@pytest.mark.parametrize("kind", ["PROVIDER", "HYBRID"])
def test_who_provides_is_opened_with_rates_or_not_offered(nora: Browser, kind: str) -> None:
    said = {
        "name": "Agency", "kind": kind, "orgRetainRate": "0.075", "consultantPayoutRate": "0.825",
        "platformCommissionRate": "0.1", "autoApproveConsultants": True,
    }  # fmt: skip
    made = create(nora, **said)
    assert made.status_code == 201, made.text
    body = made.get_json()
    assert (body["platformCommissionRate"], body["orgRetainRate"], body["consultantPayoutRate"]) == (
        "0.1", "0.075", "0.825",
    )  # fmt: skip
    assert body["autoApproveConsultants"] is True
    with environment(ENABLE_PROVIDER_ORGS="false"):
        assert create(nora, **said).status_code == 501


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"name": ""}, 422, "name"),
        ({"name": "A", "kind": "CLUB"}, 422, "kind"),
        ({"name": "A", "billingMode": "CASH"}, 422, "billingMode"),
        ({"name": "A", "currency": "ZZZ"}, 422, "currency"),
        ({"name": "A", "country": "XX"}, 422, "country"),
        ({"name": "A", "country": "DE", "taxId": "DE1"}, 422, "taxId"),
        ({"name": "A", "slug": "new"}, 422, "slug"),
        ({"name": "A", "currency": "EUR"}, 422, "country"),
        ({"name": "A", "country": "IN", "region": "Texas"}, 422, "region"),
        ({"name": "A", "billingEmail": "nowhere"}, 422, "email"),
        ({"name": "A", "paymentTermsDays": 45}, 422, "paymentTermsDays"),
        ({"name": "A", "kind": "PROVIDER", "billingMode": "SEAT_PACK"}, 422, "billingMode"),
        ({"name": "A", "kind": "PROVIDER", "orgRetainRate": "0.2"}, 400, "orgRetainRate"),
        ({"name": "A", "orgRetainRate": "0.05", "consultantPayoutRate": "0.85"}, 422, "orgRetainRate"),
        ({"name": "A", "kind": "PROVIDER", "platformCommissionRate": "0", "orgRetainRate": "0.15"}, 403, ""),
    ],
)
def test_what_cannot_be_opened(nora: Browser, superuser: Any, said: dict[str, Any], status: int, field: str) -> None:
    answer = create(nora, **said)
    assert answer.status_code == status, answer.text
    assert not field or field in answer.get_json()["errors"]
    assert superuser.execute("SELECT count(*) FROM organizations").fetchone() == (0,)


def test_little_is_enough_and_the_rest_is_said(nora: Browser) -> None:
    """Nobody is opened without billing details: what was not said follows from what was."""
    made = create(nora, name="Northgate", kind="BUYER", billingMode="TAG_ONLY").get_json()
    assert made["status"] == "ACTIVE" and made["country"] == "US"
    details = made["billingDetails"]
    assert (details["legalName"], details["country"], details["billingEmail"], details["paymentTermsDays"]) == (
        "Northgate", "US", "nora@northgate.test", 30,
    )  # fmt: skip
    rupees = create(nora, name="Pune Pathways", kind="PROVIDER", currency="INR").get_json()
    assert (rupees["country"], rupees["billingDetails"]["region"]) == ("IN", "")
    path = f"/api/organizations/{rupees['id']}"
    for wrong, field in (
        ({"region": "Atlantis"}, "region"), ({"taxId": "27ABC"}, "taxId"),
        ({"paymentTermsDays": 9}, "paymentTermsDays"),
        ({"billingEmail": "nowhere"}, ""), ({"country": "XX"}, "country"),
    ):  # fmt: skip
        refused = send(nora, "PATCH", path, wrong)
        assert refused.status_code == 422 and field in refused.text, wrong
    said = {"region": "Maharashtra", "city": "Pune", "billingEmail": "ap@pune.test", "paymentTermsDays": 14}
    changed = send(nora, "PATCH", path, said).get_json()["billingDetails"]
    assert (changed["region"], changed["city"], changed["billingEmail"], changed["paymentTermsDays"]) == (
        "27", "Pune", "ap@pune.test", 14,
    )  # fmt: skip
    assert send(nora, "PATCH", path, {"region": ""}).status_code == 422  # an address there is stays one


def test_all_of_it_is_kept(nora: Browser, superuser: Any) -> None:
    answer = create(
        nora, name="Ganga", currency="INR", country="in", region="karnataka",
        legalName="Ganga Learning Private Limited",
        street="4 MG Road", city="Bengaluru", postcode="560001", billingReference="PO 7", paymentTermsDays=7,
        billingMode="INVOICED_MONTHLY",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    row = superuser.execute(
        "SELECT legal_name, country, region, street, city, postcode, email, reference, terms_days FROM billing_profiles"
    ).fetchone()
    assert row == (
        "Ganga Learning Private Limited", "IN", "29", "4 MG Road", "Bengaluru", "560001", "nora@northgate.test", "PO 7",
        7,
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        '{"platformCommissionRate": 0.1, "orgRetainRate": 0.2, "consultantPayoutRate": 0.7}',
        '{"platformCommissionRate": "0.1", "orgRetainRate": "0.20", "consultantPayoutRate": "0.7000"}',
        '{"orgRetainRate": 0.2, "consultantPayoutRate": "0.7"}',
    ],
)
def test_rates_are_exact_decimals(owner: Browser, agency: UUID, body: str) -> None:
    """0.1 + 0.2 + 0.7 is no 1 in floating point."""
    answer = send(owner, "PATCH", f"/api/organizations/{agency}", body)
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["orgRetainRate"], answer.get_json()["consultantPayoutRate"]) == ("0.2", "0.7")


@pytest.mark.parametrize(
    "body",
    [
        '{"platformCommissionRate": 0.1, "orgRetainRate": 0.05, "consultantPayoutRate": 0.8}',
        '{"platformCommissionRate": "0.1", "orgRetainRate": "0.05", "consultantPayoutRate": "0.8501"}',
        '{"orgRetainRate": "0.05001", "consultantPayoutRate": "0.84999"}',
        '{"orgRetainRate": "-0.1", "consultantPayoutRate": "1"}',
        '{"orgRetainRate": "half"}',
        '{"orgRetainRate": NaN}',
        '{"orgRetainRate": true}',
        '{"orgRetainRate": 1e400}',
        '{"orgRetainRate": 0.06}',
    ],
)
def test_rates_that_are_not_the_whole_are_400(owner: Browser, agency: UUID, superuser: Any, body: str) -> None:
    answer = send(owner, "PATCH", f"/api/organizations/{agency}", body)
    assert answer.status_code == 400, answer.text
    assert "orgRetainRate" in answer.get_json()["errors"]
    assert superuser.execute("SELECT count(*) FROM organization_rates").fetchone() == (0,)


def test_who_only_buys_has_no_rates_until_it_has_consultants(owner: Browser, agency: UUID, superuser: Any) -> None:
    superuser.execute("UPDATE organizations SET kind = 'BUYER' WHERE id = %s", (agency,))
    path, said = f"/api/organizations/{agency}", {"orgRetainRate": "0.1", "consultantPayoutRate": "0.8"}
    refused = send(owner, "PATCH", path, said)
    assert refused.status_code == 422 and "no consultants" in refused.get_json()["detail"]
    assert set(refused.get_json()["errors"]) == set(said)
    assert send(owner, "PATCH", path, {"name": "Agency Ltd"}).status_code == 200
    consultant(agency)
    assert send(owner, "PATCH", path, said).status_code == 200


def test_its_people_change_what_is_theirs_and_the_platform_the_rest(owner: Browser, agency: UUID) -> None:
    path = f"/api/organizations/{agency}"
    changed = send(owner, "PATCH", path, {"name": "Agency Ltd", "autoApproveConsultants": True})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Agency Ltd")
    assert owner.get(path).get_json()["autoApproveConsultants"] is True
    for said, status in (
        ({"platformCommissionRate": "0", "orgRetainRate": "0.15"}, 403), ({"billingMode": "SEAT_PACK"}, 403),
        ({"kind": "BUYER"}, 422), ({"autoApproveConsultants": "yes"}, 422), ({"name": 7}, 422),
    ):  # fmt: skip
        assert send(owner, "PATCH", path, said).status_code == status, said
    assert send(owner, "PATCH", path, "[").status_code == 422


def test_who_is_refused(agency: UUID, client: Browser, nora: Browser, sign_in: SignIn) -> None:
    path = f"/api/organizations/{agency}"
    assert client.post("/api/organizations", {"name": "A"}).status_code == 401
    assert client.get(path).status_code == 401
    assert nora.get(path).status_code == 404
    people.account(Portal.ADMIN, "ada@quittance.test")
    assert create(sign_in(Portal.ADMIN, "ada@quittance.test"), name="A").status_code == 404
    for role, reads in ((Role.MANAGER, 200), (Role.LEARNER, 403)):
        people.member(agency, role, f"{role.label.lower()}@agency.test")
        browser = sign_in(Portal.ORG, f"{role.label.lower()}@agency.test")
        assert browser.get(path).status_code == reads
        assert send(browser, "PATCH", path, {"name": "Mine"}).status_code == 403
        assert send(browser, "PATCH", path, {}).status_code == 403
    assert browser.open("/api/organizations", method="POST", json={"name": "A"}).status_code == 400
