"""`/api/admin/payouts` written: made by hand, approved, sent, held and all the rest; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity.states import Portal
from jobs import runtime
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.payees import vendor
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail
from tests.portals.admin.conftest import approved, status, withdrawn
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

HERE = "/api/admin/payouts"


def call(who: Browser, method: str, path: str, body: Any, **headers: str) -> TestResponse:
    return who.open(path, method=method, json=body, headers={"X-CSRFToken": who.csrf_token(), **headers})


def change(who: Browser, payout_id: UUID | str, action: str, **more: str) -> TestResponse:
    return call(who, "PATCH", f"{HERE}/{payout_id}", {"action": action, **more})


def asked(place: Shop, minor: int = 60_00, **more: Any) -> dict[str, Any]:
    wanted = {"payeeId": str(place.payee_ids[0]), "amountMinor": minor, "currency": "GBP", "reason": "Owed since May"}
    return wanted | more


def test_made_by_hand_of_what_is_ready(browser: Browser, second: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    made = call(browser, "POST", HERE, asked(place))
    assert made.status_code == 201, made.text
    told = made.get_json()
    assert (told["status"], told["amountDue"], told["origin"], told["notes"]) == (
        "PENDING", "60.00", "MANUAL", "Owed since May",
    )  # fmt: skip
    own = change(browser, told["id"], "approve")
    assert own.status_code == 403 and "somebody else has to approve it" in own.get_json()["detail"]
    assert change(second, told["id"], "approve").get_json()["status"] == "APPROVED"
    rest = call(browser, "POST", HERE, asked(place, 40_01))
    assert rest.status_code == 422 and set(rest.get_json()["errors"]) == {"amountMinor"}
    assert call(browser, "POST", HERE, asked(place, 40_00)).status_code == 201
    nothing = call(browser, "POST", HERE, asked(place, 1))
    assert nothing.status_code == 422 and "recorded first" in nothing.get_json()["detail"]


def test_sent_twice_it_is_made_once(browser: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    first, again = (call(browser, "POST", HERE, asked(place, 30_00), **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.get_json() == again.get_json() and (first.status_code, again.status_code) == (201, 201)
    assert call(browser, "POST", HERE, asked(place, 31_00), **{"Idempotency-Key": "k1"}).status_code == 422
    assert len(browser.get(HERE).get_json()["data"]) == 1


def test_several_who_owe_have_to_be_told_apart(browser: Browser, place: Shop, superuser: Any) -> None:
    make.earn(place, 100_00)
    other = make.shop(1, slug="other")
    make.earn(other, 100_00)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                "INSERT INTO engagements (organization_id, payee_id, currency, reference) VALUES (:o, :p, 'GBP', 'X')"
            ),
            {"o": other.organization_id, "p": place.payee_ids[0]},
        )
    make.earn(Shop(other.organization_id, place.payee_ids), 50_00)
    refused = call(browser, "POST", HERE, asked(place, 10_00))
    assert refused.status_code == 422 and set(refused.get_json()["errors"]) == {"organizationId"}
    assert "Other, Shop" in refused.get_json()["detail"]
    made = call(browser, "POST", HERE, asked(place, 10_00, organizationId=str(other.organization_id)))
    assert made.status_code == 201 and made.get_json()["organizationName"] == "Other"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"payeeId": "Ada"}, "payeeId"),
        ({"payeeId": None}, "payeeId"),
        ({"amountMinor": "60.00"}, "amountMinor"),
        ({"amountMinor": None}, "amountMinor"),
        ({"amountMinor": True}, "amountMinor"),
        ({"amountMinor": 2**63}, "amountMinor"),
        ({"currency": "XXX"}, "currency"),
        ({"amountMinor": 0}, "amountMinor"),
        ({"amountMinor": -1}, "amountMinor"),
        ({"currency": None}, "currency"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"organizationId": "shop"}, "organizationId"),
    ],
)
def test_bad_input_is_named(browser: Browser, place: Shop, wrong: dict[str, Any], field: str) -> None:
    make.earn(place, 100_00)
    body = {name: value for name, value in asked(place, **wrong).items() if value is not None}
    answer = call(browser, "POST", HERE, body)
    assert answer.status_code == 422 and field in answer.get_json()["errors"], answer.text


def test_a_payee_nobody_knows_or_who_cannot_be_paid(browser: Browser, place: Shop) -> None:
    assert call(browser, "POST", HERE, asked(place, payeeId=str(uuid4()))).status_code == 404
    payee_id = vendor(place.organization_id, "No Method", currency="GBP")
    make.earn(Shop(place.organization_id, [payee_id]), 100_00)
    refused = call(browser, "POST", HERE, asked(place, payeeId=str(payee_id)))
    assert refused.status_code == 422 and "method" in refused.get_json()["detail"]


def test_approve_then_trigger_and_a_job_sends(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    too_early = change(browser, payout_id, "trigger")
    assert too_early.status_code == 409
    yes = change(browser, payout_id, "approve")
    assert (yes.status_code, yes.get_json()["status"]) == (200, "APPROVED")
    assert change(browser, payout_id, "approve").status_code == 409
    with fake_rail() as rail:
        assert change(browser, payout_id, "trigger", provider="SIMULATED").status_code == 202
        runtime.run_due()
    assert rail.total_minor == 100_00 and status(payout_id) == "processing"


def test_a_large_one_needs_two(browser: Browser, second: Browser, place: Shop) -> None:
    payout_id = withdrawn(place, 9_999_99 + 2)
    first = change(browser, payout_id, "approve").get_json()
    assert (first["status"], first["approvalsNeeded"], len(first["approvals"])) == ("PENDING", 2, 1)
    assert change(browser, payout_id, "approve").status_code == 403
    assert change(second, payout_id, "approve").status_code == 200
    assert status(payout_id) == "on_hold"  # £10,000.01 against funds of £10,000.00


def test_another_provider_than_the_approved_one(browser: Browser, admin: Actor, place: Shop) -> None:
    payout_id = approved(place, admin)
    lacks = change(browser, payout_id, "trigger", provider="BANK_TRANSFER")
    assert lacks.status_code == 422 and "Ask them to add one" in lacks.get_json()["errors"]["provider"]
    with unit_of_work(PLATFORM) as session:
        make.method(session, place.payee_ids[0], "bank_file")
    other = change(browser, payout_id, "trigger", provider="BANK_TRANSFER")
    assert other.status_code == 409 and "an approval holds for one destination" in other.get_json()["detail"]
    assert change(browser, payout_id, "trigger", provider="PIGEON").status_code == 422
    assert change(browser, withdrawn(place, payee=1), "trigger", provider="BANK_TRANSFER").status_code == 409


def test_held_released_cancelled_rejected(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    nameless = change(browser, payout_id, "hold")
    assert nameless.status_code == 422 and set(nameless.get_json()["errors"]) == {"reason"}
    held = change(browser, payout_id, "hold", reason="Looks odd").get_json()
    assert (held["status"], held["notes"]) == ("ON_HOLD", "Looks odd")
    assert change(browser, payout_id, "approve").status_code == 409
    assert change(browser, payout_id, "release").get_json()["status"] == "PENDING"
    assert change(browser, payout_id, "release").status_code == 409
    assert change(browser, payout_id, "cancel", reason="Twice").get_json()["status"] == "CANCELLED"
    assert change(browser, payout_id, "cancel", reason="Twice").status_code == 409
    other = withdrawn(place, payee=1)
    assert change(browser, other, "retry").status_code == 409
    assert change(browser, other, "reject", reason="No").get_json()["status"] == "REJECTED"


def test_a_failed_one_is_tried_again(browser: Browser, admin: Actor, place: Shop) -> None:
    payout_id = approved(place, admin)
    with fake_rail() as rail:
        rail.reject_with = "account_closed"
        change(browser, payout_id, "trigger")
        runtime.run_due()
    assert status(payout_id) == "failed"
    assert change(browser, payout_id, "retry").get_json()["status"] == "PENDING"


def test_words_nobody_knows(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    for body in ({}, {"action": "burn"}, {"action": 3}):
        answer = call(browser, "PATCH", f"{HERE}/{payout_id}", body)
        assert answer.status_code == 422 and set(answer.get_json()["errors"]) == {"action"}
    assert call(browser, "PATCH", f"{HERE}/{payout_id}", ["approve"]).status_code == 422
    assert change(browser, uuid4(), "approve").status_code == 404


def test_many_at_once_each_with_its_answer(browser: Browser, admin: Actor, place: Shop) -> None:
    good, own, gone = withdrawn(place), withdrawn(place, payee=1, actor=admin), uuid4()
    ids = [str(own), str(good), str(gone), str(good)]
    answer = call(browser, "POST", f"{HERE}/bulk", {"payoutIds": ids, "action": "approve"})
    assert answer.status_code == 200
    results = answer.get_json()["results"]
    assert [(one["id"], one["done"]) for one in results] == [(str(own), False), (str(good), True), (str(gone), False)]
    assert "somebody else has to approve it" in results[0]["refused"] and results[1]["note"] == "approved"
    assert "no such payout" in results[2]["refused"]
    sent = call(browser, "POST", f"{HERE}/bulk", {"payout_ids": [str(good), str(own)], "action": "trigger"})
    assert [one["done"] for one in sent.get_json()["results"]] == [True, False]
    assert (status(good), status(own)) == ("approved", "pending")
    held = call(browser, "POST", f"{HERE}/bulk", {"payoutIds": [str(own), str(gone)], "action": "hold", "reason": "?"})
    assert [one["done"] for one in held.get_json()["results"]] == [True, False]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"payoutIds": [], "action": "approve"}, "payoutIds"),
        ({"action": "approve"}, "payoutIds"),
        ({"payoutIds": ["x"], "action": "approve"}, "payoutIds"),
        ({"payoutIds": [str(uuid4()) for _ in range(201)], "action": "approve"}, "payoutIds"),
        ({"payoutIds": [str(uuid4())], "action": "pay"}, "action"),
        ({"payoutIds": [str(uuid4())], "action": "reject"}, "reason"),
    ],
)
def test_bad_bulk_is_named(browser: Browser, body: dict[str, Any], field: str) -> None:
    answer = call(browser, "POST", f"{HERE}/bulk", body)
    assert answer.status_code == 422 and field in answer.get_json()["errors"]


def test_money_moves_after_a_fresh_proof_only(browser: Browser, admin: Actor, place: Shop, superuser: Any) -> None:
    waiting, ready = withdrawn(place), approved(place, admin, payee=1)
    make.earn(place, 100_00)
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")
    bulk = {"payoutIds": [str(waiting)], "action": "approve"}
    for answer in (
        change(browser, waiting, "approve"),
        change(browser, ready, "trigger"),
        call(browser, "POST", f"{HERE}/bulk", bulk),
        call(browser, "POST", HERE, asked(place)),
        call(browser, "POST", f"/api/v1/admin/payouts/{ready}/process", {}),
    ):
        assert answer.status_code == 403 and "Prove again" in answer.get_json()["detail"]
    assert change(browser, waiting, "hold", reason="Later").status_code == 200


def test_strangers_change_nothing(client: Browser, place: Shop, sign_in: Callable[[Portal, str], Browser]) -> None:
    payout_id = withdrawn(place)
    people.payee(place.payee_ids[0], "vendor@example.test")
    program = Caller(client, key(None, "payouts.read"))
    calls = (
        ("POST", HERE, asked(place)),
        ("PATCH", f"{HERE}/{payout_id}", {"action": "approve"}),
        ("POST", f"{HERE}/bulk", {"payoutIds": [str(payout_id)], "action": "approve"}),
    )
    vendor_browser = sign_in(Portal.VENDOR, "vendor@example.test")
    admin_browser = sign_in(Portal.ADMIN, people.admin("anna@example.test") and "anna@example.test")
    for method, path, body in calls:
        assert call(client, method, path, body).status_code == 401
        assert call(vendor_browser, method, path, body).status_code == 404
        assert admin_browser.open(path, method=method, json=body).status_code == 400  # no CSRF header
        sent = client.application.json.dumps(body).encode()
        headers = program.headers(method, path, sent)
        signed = client.open(path, method=method, data=sent, content_type="application/json", headers=headers)
        assert signed.status_code == 403
    assert status(payout_id) == "pending"
