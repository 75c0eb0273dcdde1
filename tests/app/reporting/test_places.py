"""Where money is, in one sentence: every state has one, and the parts of an earning are told apart."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.db.types import new_id
from app.earnings.models import HoldReason
from app.methods.rules import Blocked
from app.payables.states import RequestStatus
from app.payouts.states import HoldCode, PayoutStatus
from app.reporting.rules import (
    MOVING,
    Bucket,
    EarningFacts,
    PayoutFacts,
    place_of_earning,
    place_of_payout,
    place_of_request,
)
from portals.web.status import badge_of

SOON = datetime(2026, 12, 1, tzinfo=UTC)


def payout(status: PayoutStatus, **more: object) -> PayoutFacts:
    return PayoutFacts(new_id(), status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_every_payout_has_a_place_with_a_badge(status: PayoutStatus) -> None:
    place = place_of_payout(payout(status, hold_code=HoldCode.REVIEW if status == "on_hold" else None))
    assert place.reason.endswith(".")
    assert badge_of(place.vocabulary, place.state)
    assert (place.bucket in (Bucket.RESERVED, Bucket.SENT)) == (status in MOVING)


@pytest.mark.parametrize("code", list(HoldCode))
def test_every_hold_says_why(code: HoldCode) -> None:
    place = place_of_payout(payout(PayoutStatus.ON_HOLD, hold_code=code, hold_note="Name differs from the account"))
    assert place.bucket is Bucket.RESERVED and len(place.reason) > 10
    assert ("Name differs" in place.reason) == (code in (HoldCode.REVIEW, HoldCode.SUSPENDED))
    assert bool(place.cure) == (code is HoldCode.NO_METHOD)


@pytest.mark.parametrize("status", [PayoutStatus.FAILED, PayoutStatus.RETURNED])
def test_a_failure_names_its_cure(status: PayoutStatus) -> None:
    facts = payout(status, failure_message="The account is closed.", failure_cure="Add another account.")
    place = place_of_payout(facts)
    assert place.reason == "The account is closed. The money is back in the balance."
    assert place.cure == "Add another account."
    again = place_of_earning(EarningFacts(ready_minor=100, payout=facts))
    assert (again.bucket, again.cure) == (Bucket.READY, "Add another account.")


@pytest.mark.parametrize("reason", list(HoldReason))
def test_what_is_held_says_why_and_until_when(reason: HoldReason) -> None:
    place = place_of_earning(EarningFacts(hold_reason=reason, available_at=SOON))
    assert place.bucket is Bucket.HELD and place.next_on == SOON
    assert badge_of(place.vocabulary, place.state)


@pytest.mark.parametrize("blocked", list(Blocked))
def test_what_cannot_be_paid_says_what_is_missing(blocked: Blocked) -> None:
    place = place_of_earning(EarningFacts(ready_minor=100, blocked=blocked, usable_from_at=SOON))
    assert (place.bucket, place.state) == (Bucket.READY, "blocked")
    assert (place.cure == "") == (blocked is Blocked.COOLING_OFF)


@pytest.mark.parametrize("status", sorted(MOVING))
def test_what_is_on_its_way_goes_before_what_waits(status: PayoutStatus) -> None:
    moving = payout(status, hold_code=HoldCode.AWAITING_FUNDS if status == "on_hold" else None)
    whole = place_of_earning(EarningFacts(payout=moving))
    part = place_of_earning(EarningFacts(payout=moving, ready_minor=50))
    assert whole.bucket == part.bucket == place_of_payout(moving).bucket
    assert "the rest is ready to be paid" in part.reason and "the rest" not in whole.reason
    assert badge_of(whole.vocabulary, whole.state)
    assert whole.payout_id == moving.id


def test_paid_in_part_is_not_paid() -> None:
    paid = payout(PayoutStatus.PAID, paid_at=SOON)
    assert place_of_earning(EarningFacts(payout=paid)).bucket is Bucket.PAID
    assert place_of_earning(EarningFacts(payout=paid, ready_minor=1)).bucket is Bucket.READY


def test_credits_are_taken_off_and_never_blocked() -> None:
    place = place_of_earning(EarningFacts(ready_minor=-100, negative=True, blocked=Blocked.NO_METHOD))
    assert place.reason == "It will be taken off the next payout."
    taken = EarningFacts(payout=payout(PayoutStatus.PAID, paid_at=SOON), negative=True)
    assert place_of_earning(taken).reason.startswith("Taken off payout Q-")


def test_an_earning_that_is_nowhere_was_taken_back() -> None:
    assert place_of_earning(EarningFacts()).bucket is Bucket.OVER


@pytest.mark.parametrize("status", list(RequestStatus))
def test_every_bill_has_a_place_with_a_badge(status: RequestStatus) -> None:
    place = place_of_request(status, "Oxford", "No order number.", None)
    assert place.reason.endswith(".") and not place.reason.endswith("..")
    assert badge_of(place.vocabulary, place.state)


def test_an_approved_bill_is_where_its_earning_is() -> None:
    sent = payout(PayoutStatus.PROCESSING, expected_on=date(2026, 11, 24))
    place = place_of_request(RequestStatus.APPROVED, "Oxford", None, EarningFacts(payout=sent))
    assert (place.bucket, place.next_on) == (Bucket.SENT, date(2026, 11, 24))
