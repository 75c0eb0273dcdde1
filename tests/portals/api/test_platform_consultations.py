"""What the platform's people read and do as programs: consultations, refunds, one payout sent; an organization's
consultants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from app.consultations.models import Consultation
from app.core.scope import Actor
from app.core.settings import settings
from app.db.session import unit_of_work
from app.identity import api_keys
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import bookings as make
from tests.factories import client_money, people
from tests.factories import consultations as consultants
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.admin.conftest import approved
from tests.portals.api.test_signed_calls import Caller
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]
LIST, REFUNDS = "/api/v1/admin/consultations", "/api/payments/refunds"


def send(who: Browser, path: str, body: Any, **headers: str) -> TestResponse:
    return who.open(path, method="POST", json=body, headers={"X-CSRFToken": who.csrf_token(), **headers})


def test_the_list(browser: Browser, held: Consultation) -> None:
    (row,) = browser.get(f"{LIST}?q=lovelace&status=booked&organization=fernhill").get_json()["data"]
    assert row["consultation_id"] == str(held.id) and row["client_email"] == "ada@client.test"
    assert (row["price_cents"], row["platform_fee_cents"], row["advisor_earnings_cents"]) == (100_00, 10_00, 85_00)
    assert row["payment_status"] == "succeeded" and row["organization"] == "fernhill"
    for query in (
        "q=nobody",
        "status=cancelled",
        f"payee_id={uuid4()}",
        "start_date=2099-01-01",
        "end_date=2020-01-01",
    ):
        assert browser.get(f"{LIST}?{query}").get_json() == {"data": [], "next_cursor": None}
    assert browser.get(f"{LIST}?limit=201").status_code == 422 and browser.get(f"{LIST}?limit=200").status_code == 200
    assert browser.get(f"{LIST}?organization=nowhere").status_code == 404
    make.booked(
        make.offering(held.organization_id, held.payee_id, 50_00), held.payee_id, held.client_account_id, hours=99
    )
    first = browser.get(f"{LIST}?limit=1").get_json()
    second_page = browser.get(f"{LIST}?limit=1&cursor={first['next_cursor']}").get_json()
    assert first["data"][0]["price_cents"] == 50_00 and second_page["data"][0]["price_cents"] == 100_00


def test_a_refund(browser: Browser, held: Consultation) -> None:
    payment = browser.get(LIST).get_json()["data"][0]["payment_id"]
    body = {"paymentId": payment, "amountMinor": 25_00, "reason": "The line was bad", "note": "Ticket 7"}
    for _twice in range(2):
        made = send(browser, REFUNDS, body, **{"Idempotency-Key": "one"})
        assert made.status_code == 201 and client_money.returns() == [("refund", 25_00, "pending")]
    answer = made.get_json()
    assert (answer["amountMinor"], answer["currency"], answer["status"]) == (25_00, "USD", "PENDING")
    assert answer["routedBy"] == "SIMULATED" and answer["consultationId"] == str(held.id)
    assert send(browser, REFUNDS, body | {"amountMinor": 1}, **{"Idempotency-Key": "one"}).status_code == 422
    over = send(browser, REFUNDS, {"payment_id": payment, "amount_minor": 75_01, "reason": "More"})
    assert over.status_code == 422 and "75.00 USD" in over.get_json()["errors"]["amountMinor"]
    assert send(browser, REFUNDS, {"paymentId": payment, "reason": "The rest"}).get_json()["amountMinor"] == 75_00
    for more in ({}, {"amountMinor": 1}):
        assert send(browser, REFUNDS, {"paymentId": payment, "reason": "Again", **more}).status_code == 422
    assert len(client_money.returns()) == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": ""}, "reason"), ({"reason": "For Lovelace"}, "reason"), ({"amountMinor": 0}, "amountMinor"),
        ({"amountMinor": "12"}, "amountMinor"), ({"amountMinor": True}, "amountMinor"),
        ({"paymentId": None}, "paymentId"),
    ],
)  # fmt: skip
def test_a_refund_that_cannot_be(browser: Browser, held: Consultation, wrong: dict[str, Any], field: str) -> None:
    payment = browser.get(LIST).get_json()["data"][0]["payment_id"]
    answer = send(browser, REFUNDS, {"paymentId": payment, "reason": "The line was bad", **wrong})
    assert answer.status_code == 422 and field in answer.get_json()["errors"] and client_money.returns() == []
    assert send(browser, REFUNDS, {"paymentId": str(uuid4()), "reason": "x"}).status_code == 404
    assert send(browser, REFUNDS, {"paymentId": "x", "reason": "x"}).status_code == 404


def test_who_is_refused(
    browser: Browser,
    held: Consultation,
    client: Browser,
    sign_in: SignIn,
    admin: Actor,
) -> None:
    payment = browser.get(LIST).get_json()["data"][0]["payment_id"]
    body = {"paymentId": payment, "reason": "Mine"}
    assert browser.open(REFUNDS, method="POST", json=body).status_code == 400  # without its token
    assert client.get(LIST).status_code == send(client, REFUNDS, body).status_code == 401
    people.account(Portal.CONSULTANT, "meera@consultant.test", held.payee_id)
    people.member(held.organization_id, Role.OWNER, "olga@fernhill.test")
    for portal, email in (
        (Portal.CLIENT, "ada@client.test"), (Portal.CONSULTANT, "meera@consultant.test"),
        (Portal.ORG, "olga@fernhill.test"),
    ):  # fmt: skip
        stranger = sign_in(portal, email)
        assert stranger.get(LIST).status_code == 404 and send(stranger, REFUNDS, body).status_code == 404
    with unit_of_work(PLATFORM) as session:
        program = Caller(client, api_keys.make(session, admin, "Program", ["payees.read"], organization_id=None))
    assert program.get(LIST).status_code == 403
    assert client_money.returns() == []


def test_one_payout_is_sent(browser: Browser, second: Browser, checker: Any, place: Any) -> None:
    payout_id = approved(place, checker)
    path = f"/api/v1/admin/payouts/{payout_id}/process"
    sent = send(browser, path, {})
    assert sent.status_code == 202 and sent.get_json()["id"] == str(payout_id)
    assert send(browser, f"/api/v1/admin/payouts/{uuid4()}/process", {}).status_code == 404


def test_who_consults_for_an_organization(app: Any, sign_in: SignIn) -> None:
    fernhill, other = organization("fernhill"), organization("other")
    priya = consultants.consultant(fernhill)
    consultants.consultant(other, name="Tomas Lind")
    people.member(fernhill, Role.CONSULTANT, "priya@consultant.test")
    people.member(fernhill, Role.CONSULTANT, "zoe@fernhill.test")
    people.member(fernhill, Role.MANAGER, "mona@fernhill.test")
    mona, path = sign_in(Portal.ORG, "mona@fernhill.test"), f"/api/organizations/{fernhill}/consultants"
    first, last = mona.get(path).get_json()["data"]
    assert first["payeeId"] == str(priya) and first["memberId"] and first["profile"]["practice"] == "consultant"
    assert first["email"] == "priya@consultant.test" and first["status"] == "ACTIVE"
    assert (last["name"], last["payeeId"], last["profile"], last["role"]) == ("Zoe", None, None, "ORG_CONSULTANT")
    page = mona.get(f"{path}?limit=1").get_json()
    assert mona.get(f"{path}?limit=1&cursor={page['nextCursor']}").get_json()["data"] == [last]
    assert mona.get(f"/api/organizations/{other}/consultants").status_code == 404
    assert sign_in(Portal.ORG, "zoe@fernhill.test").get(path).status_code == 403
    with environment(ENABLE_PROVIDER_ORGS="false"):
        assert not settings().provider_orgs
        assert mona.get(path).status_code == 501
    with unit_of_work(PLATFORM):
        assert mona.get(path).status_code == 200
