"""A payee's Stripe account as admins see it: what it can do, and what went on from there to the bank."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.clock import today, utc_now
from app.db.session import unit_of_work
from app.methods.connect_models import BankPayoutStatus, ConnectedAccount, ConnectedPayout
from jobs import payouts as jobs
from tests.app.payouts.test_batches import approved, run
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes import stripe_setup
from tests.portals.conftest import Browser

ACCOUNT = "acct_1Example2345"


def account(place: Shop, **more: object) -> None:
    with unit_of_work(PLATFORM) as session:
        session.add(
            ConnectedAccount(
                payee_id=place.payee_ids[0], account=ACCOUNT, country="US", read_at=utc_now(),
                **{"details_submitted": True, "payouts_enabled": True, "transfers": "active", "currently_due": [],
                   "past_due": [], "pending": [], **more},
            )
        )  # fmt: skip


def banked(place: Shop, reference: str, status: BankPayoutStatus, failure: str = "", currency: str = "USD") -> None:
    with unit_of_work(PLATFORM) as session:
        session.add(
            ConnectedPayout(
                payee_id=place.payee_ids[0], account=ACCOUNT, reference=reference, amount_minor=52_000,
                currency=currency, status=status, made_at=utc_now(), arrival_on=today() + timedelta(days=2),
                failure_code=failure,
            )
        )  # fmt: skip


def shown(browser: Browser, place: Shop) -> str:
    page = browser.get(f"/admin/payees/{place.payee_ids[0]}").text
    return page[page.find('id="stripe"') :] if 'id="stripe"' in page else ""


def test_an_account_that_can_be_paid(browser: Browser, place: Shop) -> None:
    assert shown(browser, place) == ""
    account(place)
    page = shown(browser, place)
    assert ACCOUNT in page and "Can be paid" in page and "United States" in page
    assert "Nothing paid out yet" in page
    for nothing in ("Why it is stopped", "Stripe wants", ">By<"):
        assert nothing not in page  # what there is not is not shown


def test_what_went_on_to_the_bank_is_told_as_theirs(browser: Browser, place: Shop) -> None:
    account(place)
    banked(place, "po_1", BankPayoutStatus.PAID)
    banked(place, "po_2", BankPayoutStatus.IN_TRANSIT)
    banked(place, "po_3", BankPayoutStatus.FAILED, "account_closed")
    page = shown(browser, place)
    assert "In their bank" in page and "On its way to their bank" in page and "Came back from the bank" in page
    assert "In your bank" not in page and "to your bank" not in page
    assert "The bank account is closed." in page and page.count("arrives ") == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"transfers": "inactive", "disabled_reason": "rejected.fraud"}, ["Stopped", "Why it is stopped", "Not yet"]),
        (
            {"past_due": ["external_account"], "deadline_at": utc_now()},
            ["Details missing", "Stripe wants", "A bank account to pay out to", ">By<"],
        ),
        ({"transfers": "pending"}, ["Being checked"]),
    ],
    ids=["stopped", "due", "checked"],
)
def test_what_is_missing_is_said(browser: Browser, place: Shop, more: dict[str, object], words: list[str]) -> None:
    account(place, **more)
    page = shown(browser, place)
    assert [word for word in words if word not in page] == []


def test_paid_and_in_the_bank_are_two_steps_of_a_payout(browser: Browser, tmp_path: Path) -> None:
    place = make.shop(1, rail="stripe_connect", slug="stripe", to={"account": ACCOUNT})
    account(place)
    make.earn(place, 25_00)
    maker, checker = make.admin("maker@quittance.test"), make.admin("second@quittance.test")
    with stripe_setup.simulated(tmp_path):
        for chunk_id in run(approved(place, maker, checker), maker):
            jobs.run_chunk(chunk_id)
    with unit_of_work(PLATFORM) as session:
        payout_id = session.execute(text("SELECT id FROM payouts WHERE status = 'paid'")).scalar_one()
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "In their bank" in page and "It lies in their Stripe balance; nothing was told of the bank yet." in page
    banked(place, "po_1", BankPayoutStatus.IN_TRANSIT, currency="GBP")
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "On its way to their bank" in page and "£520.00 of their balance" in page and "nothing was told" not in page
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE connected_payouts SET status = 'failed', failure_code = 'account_closed'"))
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "Came back from the bank" in page and "The bank account is closed." in page
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE connected_payouts SET status = 'canceled'"))
    assert "the next one brings it" in browser.get(f"/admin/payouts/{payout_id}").text
