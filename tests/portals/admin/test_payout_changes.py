"""What admins do to payouts, and what they are refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.payouts import queries, settling
from app.payouts.settling import News
from app.rails.base import Outcome, Result
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail
from tests.portals.admin.conftest import approved, status, withdrawn
from tests.portals.conftest import Browser


def test_one_person_approves_and_a_job_sends(browser: Browser, admin: Actor, place: Shop) -> None:
    payout_id = withdrawn(place)
    answer = browser.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert answer.status_code == 303 and answer.location == "/admin/payouts"
    assert "1 payout approved" in browser.get("/admin/payouts").text
    assert status(payout_id) == "approved"
    assert browser.post("/admin/payouts/sendings", {"id": str(payout_id)}).status_code == 303
    with fake_rail() as rail:
        jobs.send_payouts([str(payout_id)], str(place.organization_id), admin.label, str(admin.account_id))
    assert rail.total_minor == 100_00 and status(payout_id) == "processing"


def test_who_asked_may_not_approve(browser: Browser, admin: Actor, place: Shop) -> None:
    payout_id = withdrawn(place, actor=admin)
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "somebody else has to approve it" in page and "disabled" in page
    row = browser.get("/admin/payouts").text
    assert "not selectable: You asked for this payout yourself" in row
    refused = browser.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert refused.status_code == 409 and "You asked for this payout yourself" in refused.text
    assert status(payout_id) == "pending"


def test_a_large_payout_needs_two_different_people(browser: Browser, second: Browser, place: Shop) -> None:
    payout_id = withdrawn(place, 10_000_01)
    assert "Two people" in browser.get("/admin/payouts").text
    browser.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert status(payout_id) == "pending"
    assert f"payout-{payout_id}" in browser.get("/admin/payouts?view=second").text
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "You approved this payout already" in page and "Needs second approval" in page
    refused = browser.htmx("POST", "/admin/payouts/approvals", {"id": str(payout_id)})
    assert refused.status_code == 409 and "You approved this payout already" in refused.text
    assert status(payout_id) == "pending"
    second.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert status(payout_id) == "on_hold"  # £10,000.01 against funds of £10,000.00
    assert f"payout-{payout_id}" not in browser.get("/admin/payouts?view=second").text
    assert "Waits for funds" in browser.get("/admin/payouts?view=on_hold").text


def test_a_bulk_change_says_which_rows_it_left(browser: Browser, admin: Actor, place: Shop) -> None:
    good, own = withdrawn(place, payee=0), withdrawn(place, payee=1, actor=admin)
    answer = browser.htmx("POST", "/admin/payouts/approvals", {"id": [str(good), str(own)]})
    assert answer.status_code == 200
    assert f'hx-target="#payout-{good}"' in answer.text and 'hx-target="#views"' in answer.text
    refusals = answer.text.split('id="refused"')[1]
    assert "1 payout was not changed" in refusals and "Vendor 001" in refusals and "yourself" in refusals
    assert (status(good), status(own)) == ("approved", "pending")


def test_without_script_the_refused_rows_have_a_page(browser: Browser, admin: Actor, place: Shop) -> None:
    good, own = withdrawn(place, payee=0), withdrawn(place, payee=1, actor=admin)
    answer = browser.post("/admin/payouts/approvals", {"id": [str(good), str(own)]})
    assert answer.status_code == 200 and "<html" in answer.text
    assert "1 payout approved" in answer.text and "Vendor 001" in answer.text and "yourself" in answer.text
    assert (status(good), status(own)) == ("approved", "pending")  # what could be done is kept


def test_nothing_is_done_when_all_are_refused(browser: Browser, admin: Actor, place: Shop) -> None:
    ids = [withdrawn(place, payee=n, actor=admin) for n in (0, 1)]
    answer = browser.post("/admin/payouts/approvals", {"id": [str(i) for i in ids]})
    assert answer.status_code == 409 and "2 payouts were not changed" in answer.text


@pytest.mark.parametrize(
    ("noun", "button", "after"),
    [
        ("holds", "Hold", "on_hold"),
        ("rejections", "Reject", "rejected"),
        ("cancellations", "Cancel payout", "cancelled"),
    ],
)
def test_a_reason_is_asked_for(browser: Browser, place: Shop, noun: str, button: str, after: str) -> None:
    payout_id = withdrawn(place)
    sheet = browser.htmx("GET", f"/admin/payouts/{noun}?id={payout_id}")
    assert "<html" not in sheet.text and f'value="{payout_id}"' in sheet.text and button in sheet.text
    missing = browser.htmx("POST", f"/admin/payouts/{noun}", {"id": str(payout_id), "reason": ""})
    assert missing.status_code == 422 and "Say why" in missing.text
    assert status(payout_id) == "pending"
    browser.post(f"/admin/payouts/{noun}", {"id": str(payout_id), "reason": "Wrong bill"})
    assert status(payout_id) == after
    assert "Wrong bill" in browser.get(f"/admin/payouts/{payout_id}").text
    if after != "on_hold":
        assert make.balances(place) == {"payee_available": 100_00}


def test_a_hold_ends_and_needs_approval_again(browser: Browser, second: Browser, checker: Actor, place: Shop) -> None:
    payout_id = approved(place, checker)
    browser.post("/admin/payouts/holds", {"id": str(payout_id), "reason": "Call them first"})
    assert status(payout_id) == "on_hold"
    browser.post("/admin/payouts/releases", {"id": str(payout_id)})
    assert status(payout_id) == "pending"
    second.post("/admin/payouts/approvals", {"id": str(payout_id)})  # an approval before the hold does not count
    assert status(payout_id) == "approved"


def test_a_failed_payout_is_tried_again(browser: Browser, second: Browser, checker: Actor, place: Shop) -> None:
    payout_id = approved(place, checker)
    with fake_rail() as rail:
        rail.reject_with = "No such account."
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
    assert status(payout_id) == "failed"
    assert "No such account." in browser.get("/admin/payouts?view=failed").text
    assert "Try again" in browser.get(f"/admin/payouts/{payout_id}").text
    browser.post("/admin/payouts/retries", {"id": str(payout_id)})
    assert status(payout_id) == "pending"
    second.post("/admin/payouts/approvals", {"id": str(payout_id)})
    assert status(payout_id) == "approved"


def test_the_same_form_twice_is_one_change(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place, 10_000_01)
    form = {"id": str(payout_id), "idempotency_key": "k" * 32}
    first, again = (browser.post("/admin/payouts/approvals", form) for _ in range(2))
    assert (first.status_code, again.status_code) == (303, 303)  # the repeat gets the first answer
    with unit_of_work(PLATFORM) as session:
        assert len(queries.approvals(session, [payout_id])[payout_id]) == 1


def test_on_its_own_page_a_change_leads_back_to_it(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    path = f"/admin/payouts/{payout_id}"
    form = {"id": str(payout_id), "whole": "1", "back": path}
    assert browser.htmx("POST", "/admin/payouts/approvals", form).headers["HX-Redirect"] == path


def test_an_address_elsewhere_is_not_followed(browser: Browser, place: Shop) -> None:
    for back in ("https://evil.test/", "//evil.test/admin/", "/admin/../org/", "javascript:alert(1)"):
        form = {"id": str(withdrawn(place)), "whole": "1", "back": back}
        assert browser.post("/admin/payouts/approvals", form).location == "/admin/payouts"


@pytest.mark.parametrize("ids", [[], ["not-an-id"], [str(uuid4()) for _ in range(201)]])
def test_a_choice_must_make_sense(browser: Browser, place: Shop, ids: list[str]) -> None:
    assert browser.post("/admin/payouts/approvals", {"id": ids}).status_code == 422


def test_a_payout_that_does_not_exist_is_refused(browser: Browser, place: Shop) -> None:
    answer = browser.post("/admin/payouts/retries", {"id": str(uuid4())})
    assert answer.status_code == 409 and "There is no such payout." in answer.text


def test_a_decision_needs_a_fresh_proof(browser: Browser, place: Shop, superuser: object) -> None:
    payout_id = withdrawn(place)
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")  # type: ignore[attr-defined]
    for noun in ("approvals", "sendings"):
        answer = browser.post(f"/admin/payouts/{noun}", {"id": str(payout_id)})
        assert answer.status_code == 303 and "step-up" in answer.location.replace("_", "-")
    assert status(payout_id) == "pending"


def _paid(place: Shop, checker: Actor) -> UUID:
    payout_id = approved(place, checker)
    from app.core.scope import SYSTEM
    from app.payouts import settling
    from app.payouts.settling import News
    from app.rails.base import Outcome, Result

    with fake_rail() as rail:
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
    with unit_of_work(PLATFORM) as session:
        settling.apply(session, SYSTEM, [News(Result(key, Outcome.PAID, "r"), "event") for key in rail.orders])
    return payout_id


def test_the_remittance_advice_comes_once_it_was_sent(browser: Browser, checker: Actor, place: Shop) -> None:
    payout_id = withdrawn(place)
    assert browser.get(f"/admin/payouts/{payout_id}/remittance.pdf").status_code == 409
    paid = _paid(place, checker)
    answer = browser.get(f"/admin/payouts/{paid}/remittance.pdf")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF")
    page = browser.get(f"/admin/payouts/{paid}").text
    assert "remittance.pdf" in page and "Confirmed" in page and "-a1" in page  # the attempt's key is its evidence


def test_a_rail_that_speaks_is_not_spoken_for(browser: Browser, checker: Actor, place: Shop) -> None:
    paid = _paid(place, checker)
    answer = browser.post(f"/admin/payouts/{paid}/settlement", {"outcome": "paid", "note": "statement"})
    assert answer.status_code == 409 and "or has said so" in answer.text
    assert status(paid) == "paid"


def test_only_what_waits_for_its_payee_is_called_back(
    browser: Browser, checker: Actor, place: Shop, strangers: list[Browser]
) -> None:
    path = f"/admin/payouts/{_paid(place, checker)}/recall"
    assert browser.get(path).status_code == 200
    refused = browser.post(path, {"note": "A mistake"})
    assert refused.status_code == 409 and "does not wait for the payee" in refused.text
    empty = browser.post(path, {"note": " "})
    assert empty.status_code == 422 and "Say why" in empty.text
    assert all(stranger.get(path).status_code in (302, 404) for stranger in strangers)


def test_two_people_settle_a_payout_its_rail_forgot(
    browser: Browser, second: Browser, checker: Actor, place: Shop, superuser: Any
) -> None:
    payout_id = approved(place, checker)
    with fake_rail():
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
    own = f"/admin/payouts/{payout_id}"
    assert "Settle by hand" not in browser.get(own).text
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days'")
    assert "Settle by hand" in browser.get(own).text
    sheet = browser.htmx("GET", f"{own}/settlement").text
    assert "no final word for too long" in sheet and "Never paid" in sheet
    missing = browser.htmx("POST", f"{own}/settlement", {"outcome": "paid", "note": ""})
    assert missing.status_code == 422 and "Say how you know." in missing.text
    wrong = browser.htmx("POST", f"{own}/settlement", {"outcome": "returned", "note": "x"})
    assert wrong.status_code == 422
    said = {"outcome": "failed", "note": "Support: never arrived", "idempotency_key": "v"}
    assert browser.post(f"{own}/settlement", said).status_code == 303
    mine, theirs = browser.get(own).text, second.get(own).text
    assert "says that it was never paid" in mine and "somebody else has to confirm it" in mine
    assert browser.post(f"{own}/settlement/confirmation").status_code == 403
    assert "Confirm: never paid" in theirs and status(payout_id) == "processing"
    assert second.post(f"{own}/settlement/confirmation").status_code == 303
    assert status(payout_id) == "failed" and make.balances(place) == {"payee_available": 100_00}
    assert second.post(f"{own}/settlement/rejection").status_code == 404


def test_what_may_have_been_paid_is_not_tried_again(
    browser: Browser, second: Browser, checker: Actor, place: Shop
) -> None:
    payout_id = approved(place, checker)
    own = f"/admin/payouts/{payout_id}"
    with fake_rail() as rail:
        jobs.send_payouts([str(payout_id)], str(place.organization_id), "x", None)
        (key,) = rail.orders
    for outcome in (Outcome.FAILED, Outcome.PAID):
        with unit_of_work(PLATFORM) as session:
            settling.apply(session, SYSTEM, [News(Result(key, outcome, "ref"), "event")])
    page = browser.get(own).text
    assert "The rail took back its word" in page and "Settle by hand" in page and "Try again" not in page
    assert browser.post("/admin/payouts/retries", {"id": str(payout_id)}).status_code == 409
    assert "was paid, after it had failed" in browser.htmx("GET", f"{own}/settlement").text
    browser.post(f"{own}/settlement", {"outcome": "paid", "note": "Their statement", "idempotency_key": "v"})
    assert second.post(f"{own}/settlement/confirmation").status_code == 303
    assert status(payout_id) == "paid" and "The rail took back its word" not in browser.get(own).text
