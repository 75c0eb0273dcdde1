"""Payouts made by hand on the page of a payee: of what is ready, with a reason, approved by somebody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.factories import payouts as make
from tests.factories.payouts import Shop
from tests.portals.admin.conftest import status
from tests.portals.conftest import Browser


def here(place: Shop) -> str:
    return f"/admin/payees/{place.payee_ids[0]}/payouts/new"


def form(place: Shop, **more: str) -> dict[str, str]:
    return {"owed": f"{place.organization_id}:GBP", "amount": "60.00", "reason": "Owed since May", **more}


def test_made_and_approved_by_somebody_else(browser: Browser, second: Browser, place: Shop) -> None:
    payee = f"/admin/payees/{place.payee_ids[0]}"
    assert here(place) not in browser.get(payee).text and browser.get(here(place)).status_code == 409
    make.earn(place, 100_00)
    assert here(place) in browser.get(payee).text
    assert "Shop · £100.00 ready" in browser.get(here(place)).text
    made = browser.post(here(place), form(place))
    assert made.status_code == 303, made.text
    payout_id = UUID(made.location.rsplit("/", 1)[1])
    page = browser.get(made.location).text
    assert "£60.00" in page and "Owed since May" in page and "You asked for this payout yourself" in page
    assert browser.post("/admin/payouts/approvals", {"id": str(payout_id)}).status_code == 409
    assert status(payout_id) == "pending"
    second.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert status(payout_id) == "approved"
    assert "Shop · £40.00 ready" in browser.get(here(place)).text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "100.01"}, "An amount up to £100.00."),
        ({"amount": "0"}, "above zero"),
        ({"amount": "much"}, "amount"),
        ({"amount": ""}, "Write an amount."),
        ({"reason": " "}, "Say why"),
        ({"owed": "nobody"}, "Not a valid choice"),
    ],
)
def test_wrong_input_loses_nothing(browser: Browser, place: Shop, wrong: dict[str, str], said: str) -> None:
    make.earn(place, 100_00)
    answer = browser.post(here(place), form(place, **wrong))
    assert answer.status_code == 422 and said in answer.text
    kept = wrong.get("reason", "Owed since May").strip()
    assert kept in answer.text
    assert "Shop · £100.00 ready" in browser.get(here(place)).text


def test_no_sign_stands_before_the_amount_while_the_currency_is_to_be_chosen(browser: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    assert '<span class="pre">£</span>' in browser.get(here(place)).text
    make.earn(place, 50_00, currency="USD")
    page = browser.get(here(place)).text
    assert "Shop · $50.00 ready" in page and 'class="pre"' not in page
    made = browser.post(here(place), form(place, owed=f"{place.organization_id}:USD", amount="50.00"))
    assert made.status_code == 303 and "$50.00" in browser.get(made.location).text


def test_sent_twice_it_is_made_once(browser: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    sent = form(place, idempotency_key="once")
    first, again = browser.post(here(place), sent), browser.post(here(place), sent)
    assert first.location == again.location
    assert "£40.00 ready" in browser.get(here(place)).text


def test_after_a_fresh_proof_only(browser: Browser, place: Shop, superuser: Any) -> None:
    make.earn(place, 100_00)
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")
    assert browser.get(here(place)).status_code == 303
    assert browser.post(here(place), form(place)).status_code == 303
    assert superuser.execute("SELECT count(*) FROM payouts").fetchone() == (0,)


def test_it_works_as_a_sheet(browser: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    sheet = browser.htmx("GET", here(place))
    assert sheet.status_code == 200 and "<html" not in sheet.text and 'id="new-payout"' in sheet.text
    wrong = browser.htmx("POST", here(place), form(place, amount="100.01"))
    assert wrong.status_code == 422 and "An amount up to £100.00." in wrong.text


def test_strangers_find_nothing(strangers: list[Browser], client: Browser, place: Shop) -> None:
    assert client.get(here(place)).status_code == 303
    for stranger in strangers:
        assert stranger.get(here(place)).status_code == 404
        assert stranger.post(here(place), form(place)).status_code == 404
