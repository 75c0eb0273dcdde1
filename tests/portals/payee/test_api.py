"""`/api/<portal>`: signing in, money, bills and settings as JSON; what is wrong, and who is refused."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.db.session import unit_of_work
from app.identity import passwords
from app.identity.states import Portal
from tests.factories import methods, payables
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World

BILL = {"description": "Leaflets", "amount": {"amountMinor": 120_00, "currency": "GBP"}, "invoiceOn": "2026-11-02"}


def send(browser: Browser, method: str, path: str, body: Any, **headers: str) -> TestResponse:
    sent = {"X-CSRFToken": browser.csrf_token(), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return browser.open(path, method=method, json=body, headers=sent)


def test_a_program_signs_in_by_password(world: World, client: Browser) -> None:
    contractor = world.payee(Portal.CONTRACTOR)
    with unit_of_work(PLATFORM) as session:
        assert contractor.actor.account_id
        passwords.set_first(session, contractor.actor.account_id, "correct horse battery")
    wrong = client.open(
        "/api/contractor/auth/login", method="POST", json={"email": "tomas@contractor.test", "password": "no"}
    )
    assert wrong.status_code == 401 and wrong.content_type == "application/problem+json"
    good = {"email": "tomas@contractor.test", "password": "correct horse battery"}
    answer = client.open("/api/contractor/auth/login", method="POST", json=good)
    assert answer.status_code == 200
    headers = {"X-CSRFToken": answer.get_json()["csrfToken"]}
    changed = client.patch("/api/contractor/settings/profile", json={"name": "Tomas R"}, headers=headers)
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Tomas R")
    assert client.open("/api/contractor/auth/logout", method="POST", json={}).status_code == 204
    assert client.get("/api/contractor/payments").status_code == 401


def test_five_wrong_passwords_lock(world: World, client: Browser) -> None:
    world.payee(Portal.CONTRACTOR)
    tried = {"email": "tomas@contractor.test", "password": "no"}
    for _ in range(5):
        assert client.open("/api/contractor/auth/login", method="POST", json=tried).status_code == 401
    locked = client.open("/api/contractor/auth/login", method="POST", json=tried)
    assert locked.status_code == 423 and locked.get_json()["lockedUntil"].startswith("20")


@pytest.mark.parametrize("email", ["lumen@vendor.test", "nobody@example.test"])
def test_a_link_is_promised_to_known_and_unknown_alike(
    world: World, vendor: Vendor, client: Browser, email: str
) -> None:
    answer = client.open("/api/vendor/auth/magic-link", method="POST", json={"email": email})
    assert answer.status_code == 202 and "If the address is known" in answer.get_json()["detail"]
    with unit_of_work(PLATFORM) as session:
        mails = session.connection().exec_driver_sql("SELECT to_address FROM mails WHERE template = 'sign_in'").all()
    assert [row[0] for row in mails] == ([email] if email.startswith("lumen") else [])


def test_only_json_signs_in(client: Browser) -> None:
    """A form of another site cannot send JSON."""
    assert client.post("/api/vendor/auth/magic-link", {"email": "a@b.test"}, csrf=False).status_code == 415
    assert client.open("/api/vendor/auth/magic-link", method="POST", json={"email": ""}).status_code == 422
    forgotten = {"email": "a@b.test"}
    assert client.open("/api/vendor/auth/forgot-password", method="POST", json=forgotten).status_code == 404
    assert client.open("/api/contractor/auth/forgot-password", method="POST", json=forgotten).status_code == 202
    dead = {"token": "x", "password": "correct horse battery"}
    assert client.open("/api/contractor/auth/reset-password", method="POST", json=dead).status_code == 410


def test_payments_and_a_withdrawal(world: World, vendor: Vendor) -> None:
    payables.approved(world.organization_id, vendor.actor, 300_00, description="Posters")
    found = vendor.browser.get("/api/vendor/payments").get_json()
    (balance,) = found["balances"]
    assert balance["available"] == {"amountMinor": 300_00, "currency": "GBP"} and balance["organization"] == "oxford"
    assert found["data"][0]["title"] == "Posters" and found["data"][0]["place"]["bucket"] == "ready"
    part = {"amount": {"amountMinor": 100_00, "currency": "GBP"}}
    made = send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", part, Idempotency_Key="w-1")
    assert made.status_code == 201 and made.get_json()["status"] == "PENDING"
    again = send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", part, Idempotency_Key="w-1")
    assert (again.status_code, again.get_json()) == (201, made.get_json())
    other = {"amount": {"amountMinor": 50_00, "currency": "GBP"}}
    assert (
        send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", other, Idempotency_Key="w-1").status_code
        == 422
    )
    left = vendor.browser.get("/api/vendor/payments").get_json()["balances"][0]
    assert left["available"]["amountMinor"] == 200_00
    one = vendor.browser.get(f"/api/vendor/payments/withdrawals/{made.get_json()['id']}").get_json()
    assert one["place"]["state"] == "pending"
    rest = send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", {"currency": "GBP"})
    assert rest.get_json()["amount"]["amountMinor"] == 200_00


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": {"amountMinor": 300_01, "currency": "GBP"}}, "amount"),
        ({"amount": {"amountMinor": 0, "currency": "GBP"}}, "amount"),
        ({"amount": {"amountMinor": "100", "currency": "GBP"}}, "amount"),
        ({"amount": {"amountMinor": True, "currency": "GBP"}}, "amount"),
        ({"amount_minor": 100, "currency": "XXX"}, "amount"),
        ({"amountMinor": 10**30}, "amount"),
    ],
)
def test_a_wrong_withdrawal_takes_nothing(world: World, vendor: Vendor, body: Any, field: str) -> None:
    payables.approved(world.organization_id, vendor.actor, 300_00)
    answer = send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", body)
    assert answer.status_code == 422 and field in answer.get_json()["errors"]
    assert vendor.browser.get("/api/vendor/payments").get_json()["balances"][0]["available"]["amountMinor"] == 300_00


def test_a_bill_by_program(world: World, vendor: Vendor) -> None:
    made = send(vendor.browser, "POST", "/api/vendor/payments/requests", {**BILL, "invoice_number": "A-1"})
    assert made.status_code == 201, made.text
    bill = made.get_json()
    assert (bill["status"], bill["invoiceNumber"], bill["amount"]["amountMinor"]) == ("SUBMITTED", "A-1", 120_00)
    same_number = send(vendor.browser, "POST", "/api/vendor/payments/requests", {**BILL, "invoiceNumber": "A-1"})
    assert same_number.status_code in (409, 422) and "invoiceNumber" in same_number.get_json()["errors"]
    alike = send(vendor.browser, "POST", "/api/vendor/payments/requests", BILL)
    assert alike.status_code == 409
    assert send(vendor.browser, "POST", "/api/vendor/payments/requests", {**BILL, "evenSo": True}).status_code == 201
    draft = send(vendor.browser, "POST", "/api/vendor/payments/requests", {**BILL, "draft": True}).get_json()
    assert draft["status"] == "DRAFT"
    listed = vendor.browser.get("/api/vendor/payments/requests?state=draft").get_json()["data"]
    assert [row["id"] for row in listed] == [draft["id"]]
    assert vendor.browser.get(f"/api/vendor/payments/requests/{bill['id']}").get_json() == bill


def test_everything_wrong_is_named_at_once(vendor: Vendor) -> None:
    bad = {"amount": "much", "invoiceOn": "soon", "workType": "magic", "evenSo": 1}
    answer = send(vendor.browser, "POST", "/api/vendor/payments/requests", bad)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"amount", "invoiceOn", "workType", "evenSo", "description"}
    for nonsense in ([], "text", None):
        assert send(vendor.browser, "POST", "/api/vendor/payments/requests", nonsense).status_code == 422


def test_settings(vendor: Vendor) -> None:
    api = "/api/vendor/settings"
    changed = send(vendor.browser, "PATCH", f"{api}/profile", {"timeZone": "Europe/London"}).get_json()
    assert changed["timeZone"] == "Europe/London" and vendor.browser.get(f"{api}/profile").get_json() == changed
    assert "timeZone" in send(vendor.browser, "PATCH", f"{api}/profile", {"time_zone": "Mars"}).get_json()["errors"]
    off = send(vendor.browser, "PATCH", f"{api}/notifications", {"payoutPaid": False}).get_json()
    assert off["payoutPaid"] is False and off["messages"] is True
    assert vendor.browser.get(f"{api}/notifications").get_json() == off
    assert vendor.browser.get("/api/vendor/tax").get_json() == {"form": None, "askedBy": []}


def test_methods_show_only_the_end_of_a_number(vendor: Vendor) -> None:
    api = "/api/vendor/settings/payout-methods"
    new = {"rail": "simulated", "details": {**methods.SIMULATED, "account_number": "9988776655"}}
    made = send(vendor.browser, "POST", api, new)
    assert made.status_code == 201 and made.get_json()["last4"] == "6655" and "9988776655" not in made.text
    listed = vendor.browser.get(api)
    assert len(listed.get_json()["data"]) == 2 and "1234567890" not in listed.text
    assert send(vendor.browser, "POST", api, {"rail": "pigeon", "details": {}}).status_code in (404, 422)
    assert send(vendor.browser, "POST", api, {"rail": "simulated", "details": {"account_number": 5}}).status_code == 422


def test_a_stale_sign_in_changes_no_method(vendor: Vendor) -> None:
    with unit_of_work(PLATFORM) as session:
        session.connection().exec_driver_sql("UPDATE sign_in_sessions SET stepped_up_at = NULL")
    api = "/api/vendor/settings/payout-methods"
    answer = send(vendor.browser, "POST", api, {"rail": "simulated", "details": methods.SIMULATED})
    assert answer.status_code == 403 and "Sign in again" in answer.get_json()["detail"]


def test_who_is_refused(world: World, vendor: Vendor, stranger: Vendor, client: Browser) -> None:
    bill = payables.submitted(world.organization_id, vendor.actor, 100_00)
    assert client.get("/api/vendor/payments").status_code == 401
    assert stranger.browser.get(f"/api/vendor/payments/requests/{bill}").status_code == 404
    assert stranger.browser.get("/api/vendor/payments").get_json()["data"] == []
    assert vendor.browser.get("/api/contractor/payments").status_code == 404
    no_token = vendor.browser.open("/api/vendor/settings/profile", method="PATCH", json={"name": "X"})
    assert no_token.status_code == 400


def test_payouts_are_listed_for_their_payee(world: World, vendor: Vendor) -> None:
    doctor = world.payee(Portal.CONSULTANT, "Dr Wanjiru")
    payables.approved(world.organization_id, vendor.actor, 40_00)
    send(vendor.browser, "POST", "/api/vendor/payments/withdrawals", {"currency": "GBP"})
    (row,) = vendor.browser.get("/api/vendor/payouts").get_json()["data"]
    assert (row["status"], row["amount"], row["paidAt"]) == ("PENDING", {"amountMinor": 40_00, "currency": "GBP"}, None)
    assert vendor.browser.get("/api/vendor/payouts?limit=0").status_code == 422
    for path in ("/api/consultant/payouts", "/api/doctor/payouts?limit=5"):
        answer = doctor.browser.get(path)
        assert (answer.status_code, answer.get_json()) == (200, {"data": [], "nextCursor": None}), path
        assert vendor.browser.get(path).status_code in (401, 404)
