"""A payee's Stripe account as admins see it: what it can do, and what went on from there to the bank."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.clock import today, utc_now
from app.db.session import unit_of_work
from app.methods.connect_models import BankPayoutStatus, ConnectedAccount, ConnectedPayout
from tests.factories.payouts import PLATFORM, Shop
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


def banked(place: Shop, reference: str, status: BankPayoutStatus, failure: str = "") -> None:
    with unit_of_work(PLATFORM) as session:
        session.add(
            ConnectedPayout(
                payee_id=place.payee_ids[0], account=ACCOUNT, reference=reference, amount_minor=52_000, currency="USD",
                status=status, made_at=utc_now(), arrival_on=today() + timedelta(days=2), failure_code=failure,
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
