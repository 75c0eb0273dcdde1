"""What a reviewer is offered, said beforehand; the services decide again."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from app.core.clock import utc_now
from app.payouts.review import WITH_FUNDS, choices
from app.payouts.states import PAYOUT_TRANSITIONS, HoldCode, PayoutStatus

ME, OTHER = uuid4(), uuid4()
# Where each choice leads.
LEADS_TO = {
    "approve": PayoutStatus.APPROVED,
    "hold": PayoutStatus.ON_HOLD,
    "reject": PayoutStatus.REJECTED,
    "cancel": PayoutStatus.CANCELLED,
    "send": PayoutStatus.PROCESSING,
    "release": PayoutStatus.PENDING,
    "retry": PayoutStatus.PENDING,
}


def row(status: PayoutStatus, **more: Any) -> SimpleNamespace:
    facts = {
        "status": status, "rail": "simulated", "hold_code": None, "batch_id": None, "batch_number": None,
        "batch_approved_at": None, "batch_started_at": None, "requested_by_account_id": OTHER,
    }  # fmt: skip
    facts |= {"waiting_message": None, "status_at": utc_now()}
    return SimpleNamespace(**{**facts, **more})


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_only_moves_that_exist_are_offered(status: PayoutStatus) -> None:
    for action in choices(row(status, hold_code=HoldCode.REVIEW), ME, []):
        assert action == "settle" or LEADS_TO[action] in PAYOUT_TRANSITIONS[status]


def test_a_pending_payout() -> None:
    assert choices(row(PayoutStatus.PENDING), ME, []) == {"approve": "", "hold": "", "reject": "", "cancel": ""}
    assert "yourself" in choices(row(PayoutStatus.PENDING, requested_by_account_id=ME), ME, [])["approve"]
    assert "already" in choices(row(PayoutStatus.PENDING), ME, [ME])["approve"]
    assert choices(row(PayoutStatus.PENDING), ME, [OTHER])["approve"] == ""


def test_a_batch_in_review_decides_for_its_payouts_and_a_running_one_no_more() -> None:
    in_review = row(PayoutStatus.PENDING, batch_id=uuid4(), batch_number="PB-1")
    assert choices(in_review, ME, [])["approve"] == "It belongs to batch PB-1; approve the batch."
    later = row(PayoutStatus.PENDING, batch_id=uuid4(), batch_number="PB-1", batch_approved_at="then")
    assert choices(later, ME, [])["approve"] == ""
    waits = row(PayoutStatus.APPROVED, batch_id=uuid4(), batch_number="PB-1", batch_approved_at="then")
    assert "run the batch" in choices(waits, ME, [])["send"]
    assert choices(row(PayoutStatus.APPROVED), ME, [])["send"] == ""


def test_a_hold_for_want_of_funds_ends_by_itself() -> None:
    assert choices(row(PayoutStatus.ON_HOLD, hold_code=HoldCode.AWAITING_FUNDS), ME, [])["release"] == WITH_FUNDS
    assert choices(row(PayoutStatus.ON_HOLD, hold_code=HoldCode.REVIEW), ME, [])["release"] == ""


@pytest.mark.parametrize(("rail", "offered"), [("bank_file", True), ("check", True), ("simulated", False)])
def test_only_rails_without_news_are_settled_by_hand(rail: str, offered: bool) -> None:
    for status in (PayoutStatus.PROCESSING, PayoutStatus.PAID):
        assert ("settle" in choices(row(status, rail=rail), ME, [])) is offered


def test_what_is_late_is_settled_by_people() -> None:
    late = utc_now() - timedelta(days=30)
    assert "settle" in choices(row(PayoutStatus.PROCESSING, status_at=late), ME, [])
    assert "settle" not in choices(row(PayoutStatus.PAID, status_at=late), ME, [])


@pytest.mark.parametrize("status", [PayoutStatus.REJECTED, PayoutStatus.CANCELLED])
def test_what_is_over_offers_nothing(status: PayoutStatus) -> None:
    assert choices(row(status, rail="bank_file"), ME, []) == {}
