"""Money of clients that goes back by hand: whole, in parts, again after a refusal, and what banks decided."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.billing import pack_returns
from app.charges import client_service
from app.charges.client_queries import ReturnView, returns_across
from app.charges.states import ChargeProvider, ReturnKind
from app.consultations.models import Consultation
from app.consultations.states import PaidBy
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.reporting import doctor, overview
from tests.factories import bookings as make
from tests.factories import client_money, credits
from tests.factories.organizations import credit, organization
from tests.factories.people import PLATFORM
from tests.portals.admin.conftest import told_of
from tests.portals.conftest import Browser

REASON = "The line was bad"


def waiting() -> int:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        return overview.counts(session, ["refunds"])["refunds"]


def test_a_part_and_then_the_rest(browser: Browser, held: Consultation) -> None:
    path = f"/admin/consultations/{held.id}/refunds/new"
    assert "$100.00" in browser.get(path).text
    once = {"amount": "25", "reason": REASON, "idempotency_key": uuid4().hex}
    for _twice in range(2):
        assert browser.post(path, once).status_code == 303
        assert client_money.returns() == [("refund", 25_00, "pending")]
    too_much = browser.post(path, {"amount": "75.01", "reason": REASON})
    assert too_much.status_code == 422 and "75.00 USD can go back" in too_much.text and REASON in too_much.text
    assert browser.post(path, {"reason": REASON}).status_code == 303  # all that is left
    assert client_money.returns()[1:] == [("refund", 75_00, "pending")]
    answer = browser.post(path, {"reason": REASON})
    assert answer.status_code == 409 and "All of it went back already" in answer.text
    assert any(REASON in note for note in told_of(held.id)) and waiting() == 0


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("amount", "lots", "amount"), ("amount", "0", "above zero"), ("reason", "", "Say why."),
        ("reason", "x" * 501, "500"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_beside_the_field(
    browser: Browser,
    held: Consultation,
    field: str,
    typed: str,
    told: str,
) -> None:
    given = {"amount": "12.50", "reason": REASON} | {field: typed}
    answer = browser.post(f"/admin/consultations/{held.id}/refunds/new", given)
    assert answer.status_code == 422 and 'class="error"' in answer.text and told in answer.text
    assert ("12.50" in answer.text or field == "amount") and client_money.returns() == []


def test_a_refused_one_waits_for_a_person_and_is_tried_again(browser: Browser, held: Consultation) -> None:
    assert "No refund was refused" in browser.get("/admin/refunds").text
    first = client_money.asked_back(held.id, 40_00)
    assert f"return-{first}" in browser.get("/admin/refunds?view=waiting").text and waiting() == 0
    client_money.refused(first)
    page = browser.get("/admin/refunds").text
    assert f"return-{first}" in page and "The card has expired." in page and waiting() == 1
    assert "Refunds that did not go through" in browser.get("/admin/").text
    for _twice in range(2):
        assert browser.post(f"/admin/refunds/{first}/retry").status_code == 303
        assert client_money.returns() == [("refund", 40_00, "failed"), ("refund", 40_00, "pending")]
    assert f"return-{first}" not in browser.get("/admin/refunds").text and waiting() == 0
    assert "Tried again" in browser.get(f"/admin/consultations/{held.id}").text
    second = newest()
    client_money.refused(second, "Still expired.")
    assert "Still expired." in browser.get("/admin/refunds").text and waiting() == 1
    assert browser.post(f"/admin/refunds/{second}/retry").status_code == 303
    client_money.returned(newest())
    assert waiting() == 0 and client_money.returns()[-1] == ("refund", 40_00, "succeeded")
    assert f"return-{newest()}" in browser.get("/admin/refunds?view=done").text
    assert browser.post(f"/admin/refunds/{newest()}/retry").status_code == 409


def test_what_no_card_paid_is_given_back_at_once_and_questioned_by_nobody(browser: Browser, held: Consultation) -> None:
    buyer = organization("buyer", currency="USD")
    credit(buyer, 1_000_00, "USD")
    offering = make.offering(held.organization_id, held.payee_id, 40_00)
    bought = make.booked(offering, held.payee_id, held.client_account_id, hours=90, paid_by=PaidBy.INVOICE, buyer=buyer)
    client_money.paid(bought, ChargeProvider.FUNDS)
    path = f"/admin/consultations/{bought.id}"
    assert "disputes/new" not in browser.get(path).text
    assert "disputes/new" in browser.get(f"/admin/consultations/{held.id}").text
    answer = browser.post(f"{path}/disputes/new", {"reason": "Fraud", "reference": "dp_9"})
    assert answer.status_code == 409 and "No card was charged" in answer.text
    assert browser.post(f"{path}/refunds/new", {"amount": "15", "reason": REASON}).status_code == 303
    assert client_money.returns() == [("refund", 15_00, "succeeded")] and waiting() == 0


def test_one_that_came_back_is_settled_or_asked_for_again(browser: Browser, held: Consultation) -> None:
    first, second = client_money.asked_back(held.id, 30_00), client_money.asked_back(held.id, 20_00)
    for back in (first, second):
        client_money.returned(back)
        client_money.came_back(back)
    assert waiting() == 2 and "Came back" in browser.get("/admin/refunds").text
    path = f"/admin/refunds/{first}/settlement"
    assert browser.get(path).status_code == 200
    refused = browser.post(path, {"note": ""})
    assert refused.status_code == 422 and "Say how it was settled." in refused.text
    assert browser.post(path, {"note": "Wired to the new account"}).status_code == 303 and waiting() == 1
    assert browser.post(path, {"note": "Again"}).status_code == 409
    assert browser.post(f"/admin/refunds/{first}/retry").status_code == 409
    assert browser.post(f"/admin/refunds/{second}/retry").status_code == 303 and waiting() == 0
    assert client_money.returns()[2:] == [("refund", 20_00, "pending")]
    assert browser.post(f"/admin/refunds/{second}/settlement", {"note": "Late"}).status_code == 409
    third = client_money.asked_back(held.id, 10_00)
    client_money.refused(third)
    assert browser.post(f"/admin/refunds/{third}/settlement", {"note": "Cash"}).status_code == 303 and waiting() == 0


def test_refunds_of_packs_stand_there_too(browser: Browser, admin: Actor) -> None:
    session_of = make.offering(organization("house", is_house=True, currency="USD"), None, 19_00)
    pack = credits.pack(credits.owner(credits.buyer()), session_of, 5)
    with unit_of_work(PLATFORM) as session:
        back = pack_returns.refund(session, admin, pack.id, "Bought twice").id
        pack_returns.not_returned(session, admin, back, "The card has expired.")
    page = browser.get("/admin/refunds").text
    assert f"return-{back}" in page and "Bought twice" in page and waiting() == 1
    assert browser.get(f"/admin/refunds/{back}/settlement").status_code == 200
    answer = browser.post(f"/admin/refunds/{back}/retry")
    assert answer.location == "/admin/refunds" and waiting() == 0
    assert client_money.returns() == [("refund", 95_00, "failed"), ("refund", 95_00, "pending")]


def newest() -> object:
    with unit_of_work(PLATFORM) as session:
        rows = [row for view in ReturnView for row in returns_across(session, view).items]
        return max(rows, key=lambda row: row.created_at).id


def test_a_dispute_whose_news_was_lost(browser: Browser, held: Consultation) -> None:
    path = f"/admin/consultations/{held.id}/disputes/new"
    assert browser.get(path).status_code == 200
    refused = browser.post(path, {"amount": "", "reason": "Fraud, says the bank", "reference": ""})
    assert refused.status_code == 422 and "The provider’s number of the dispute." in refused.text
    given = {"amount": "60", "reason": "Fraud, says the bank", "reference": "dp_123"}
    for _twice in range(2):  # the same number is the same dispute
        assert browser.post(path, given).status_code == 303
        assert client_money.returns() == [("dispute", 60_00, "pending")]
    assert "Fraud, says the bank" in browser.get("/admin/refunds?view=disputes").text
    decision = f"/admin/refunds/{newest()}/decision"
    assert browser.get(decision).status_code == 200 and browser.post(decision).status_code == 422
    assert browser.post(decision, {"outcome": "won"}).status_code == 303
    assert client_money.returns() == [("dispute", 60_00, "failed")] and waiting() == 0
    for _twice in range(2):  # an appeal
        assert browser.post(decision, {"outcome": "lost"}).status_code == 303
        assert client_money.returns() == [("dispute", 60_00, "succeeded")]
    for _twice in range(2):  # and another one
        assert browser.post(decision, {"outcome": "won"}).status_code == 303
        assert client_money.returns() == [("dispute", 60_00, "came_back")]
    assert browser.post(decision, {"outcome": "lost"}).status_code == 409
    told = " ".join(told_of(held.id))
    assert "was won." in told and "was lost" in told and "won on appeal" in told and waiting() == 0


def test_a_number_of_another_dispute(browser: Browser, held: Consultation) -> None:
    refund = client_money.asked_back(held.id, 1_00)
    with unit_of_work(PLATFORM) as session:
        client_service.return_known(session, refund, "re_1")
    given = {"reason": "Fraud", "reference": "re_1"}
    answer = browser.post(f"/admin/consultations/{held.id}/disputes/new", given)
    assert answer.status_code == 409 and client_money.returns() == [("refund", 1_00, "pending")]
    assert browser.get(f"/admin/refunds/{refund}/decision").status_code == 404
    disputed = client_money.asked_back(held.id, 1_00, ReturnKind.DISPUTE)
    assert browser.post(f"/admin/refunds/{disputed}/retry").status_code == 409
