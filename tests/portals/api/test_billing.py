"""Billing as JSON: the contract's addresses, for managers and keys that may, and nobody else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import billing, people
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser


@pytest.fixture
def buyer(app: Any) -> Any:
    billing.issuer()
    made = billing.buyer()
    people.member(made, Role.OWNER, "owner@hartwell.test")
    billing.charge(made, 60_00)
    return made


def post(program: Caller, target: str, **said: Any) -> Any:
    raw = json.dumps(said).encode()
    headers = program.headers("POST", target, raw)
    return program.client.open(target, method="POST", data=raw, content_type="application/json", headers=headers)


def test_where_it_stands_and_billing_it_once(buyer: Any, client: Browser, sign_in: Any) -> None:
    here = f"/api/organizations/{buyer}/billing"
    program = Caller(client, key(buyer, "billing.write"))
    body = program.get(here).get_json()
    assert body["mode"] == "TAG_ONLY"
    assert body["unbilled"] == {"amountMinor": 60_00, "currency": "USD"}
    assert body["exposure"]["amountMinor"] == 60_00 and body["outstanding"]["amountMinor"] == 0
    made = post(program, f"{here}/generate-invoice")
    assert made.status_code == 201
    told = made.get_json()
    assert told["kind"] == "INVOICE" and told["totalMinor"] == 60_00 and told["lines"][0]["quantity"] == 1
    assert [one["id"] for one in told["invoices"]] == [told["id"]]
    assert post(program, f"{here}/generate-invoice", again=1).status_code == 409
    body = program.get(here).get_json()
    assert body["unbilled"]["amountMinor"] == 0 and body["outstanding"]["amountMinor"] == 60_00
    assert body["exposure"]["amountMinor"] == 60_00 and body["creditsLeft"] == 0


def test_the_list_one_and_its_paper(buyer: Any, client: Browser) -> None:
    here = f"/api/organizations/{buyer}/billing"
    program = Caller(client, key(buyer, "billing.write"))
    made = post(program, f"{here}/generate-invoice").get_json()
    rows = program.get(f"{here}/invoices").get_json()
    assert [row["number"] for row in rows["data"]] == [made["number"]] and rows["nextCursor"] is None
    assert program.get(f"{here}/invoices?view=paid").get_json()["data"] == []
    assert program.get(f"{here}/invoices/{made['id']}").get_json()["openMinor"] == 60_00
    paper = program.get(f"{here}/invoices/{made['id']}/pdf")
    assert paper.mimetype == "application/pdf"
    assert paper.headers["ETag"] == f'"{hashlib.sha256(paper.data).hexdigest()}"'


def test_who_is_refused(buyer: Any, client: Browser, sign_in: Any) -> None:
    here = f"/api/organizations/{buyer}/billing"
    assert client.get(here).status_code == 401
    reader = Caller(client, key(buyer, "billing.read"))
    assert reader.get(here).status_code == 200
    assert post(reader, f"{here}/generate-invoice").status_code == 403
    other = billing.buyer("cambridge")
    assert Caller(client, key(other, "billing.read")).get(here).status_code == 404
    for role, status in ((Role.MANAGER, 200), (Role.SUPPORT, 403), (Role.LEARNER, 403)):
        people.member(buyer, role, f"{role.label.lower()}@hartwell.test")
        browser = sign_in(Portal.ORG, f"{role.label.lower()}@hartwell.test")
        assert browser.get(here).status_code == status
        assert browser.post(f"{here}/generate-invoice").status_code == 403
