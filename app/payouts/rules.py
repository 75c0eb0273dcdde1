"""Decisions about payouts: pure, no session."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from app.core.money import exponent
from app.core.scope import same_person
from app.payees.states import BusinessType, PayeeKind
from app.payouts.states import PAYOUT_TRANSITIONS, HoldCode, PayoutStatus
from app.rails.base import SendOrder
from app.tax.states import Classification

HOLD_TEXT: dict[HoldCode, str] = {
    HoldCode.AWAITING_FUNDS: "Waiting for the organization to top up its funds.",
    HoldCode.REVIEW: "Held for review.",
    HoldCode.METHOD_CHANGED: "The payout method changed after the approval; it must be approved again.",
    HoldCode.NO_METHOD: "The payout method cannot be used any more; the payee must set a new one.",
    HoldCode.RAIL_OFF: "This payout method is not set up here at the moment. Nothing was sent.",
    HoldCode.SUSPENDED: "The engagement is suspended. The money stays owed and goes on once that ends.",
}
DEFAULT_SECOND_APPROVAL_MAJOR = 10_000
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def payout_number(payout_id: UUID) -> str:
    """What people call a payout: short, and the same wherever it is shown."""
    return f"Q-{payout_id.hex[-8:].upper()}"


def send_key(payout_id: UUID, attempt: int) -> str:
    """What the rail dedupes on: kept while an outcome is unknown, new after a certain failure.

    At most 36 characters, RazorpayX takes no more; 35 up to the ninth attempt, as bank files have it.
    """
    return f"{payout_id.hex}-a{attempt}"


def file_id(key: str) -> str:
    """A `send_key` in 15 capitals and digits, for files that hold no longer one. It ends the payout's id, so that the
    payout's number can be read off it; the attempt is the two digits (base 36) behind the A."""
    payout_id, _, attempt = key.rpartition("-")
    high, low = divmod(int(attempt.removeprefix("a")) % 36**2, 36)
    return f"{payout_id.replace('-', '')[-12:].upper()}A{_DIGITS[high]}{_DIGITS[low]}"


def is_company(kind: PayeeKind, business: BusinessType | None, classification: Classification | None) -> bool | None:
    """As the tax form says, else the kind of business, else the kind of payee; None where a vendor never said."""
    if classification is not None and classification is not Classification.OTHER:
        return classification is not Classification.INDIVIDUAL
    if business is not None:
        return business is not BusinessType.SOLE_PROPRIETOR
    if kind is PayeeKind.ORGANIZATION:
        return True
    return None if kind is PayeeKind.VENDOR else False


def sources_of(to: PayoutStatus) -> list[PayoutStatus]:
    """States a payout may come from to reach `to`."""
    return [status for status, targets in PAYOUT_TRANSITIONS.items() if to in targets]


def approvals_needed(amount_minor: int, currency: str, second_approval_minor: int | None) -> int:
    """Two people above the organization's limit (default 10,000 units of the currency), one below."""
    limit = second_approval_minor
    if limit is None:
        limit = DEFAULT_SECOND_APPROVAL_MAJOR * 10 ** exponent(currency)
    return 2 if amount_minor > limit else 1


def may_approve(account_id: UUID | None, maker_id: UUID | None, approver_ids: Collection[UUID]) -> str | None:
    """Why this person may not approve, or None. Maker and checker differ, admins included (decision 11)."""
    if account_id is None:
        return "Only a signed-in person can approve."
    if account_id == maker_id:
        return "You asked for this payout yourself; somebody else has to approve it."
    if account_id in approver_ids:
        return "You approved this payout already; somebody else has to be second."
    return None


def may_confirm(proposed_by: UUID | None, proposer: str, account_id: UUID | None, label: str) -> str | None:
    """Why this person may not confirm what another said became of a payout, or None: maker and checker differ."""
    same = same_person(proposed_by, proposer, account_id, label)
    return "You said it yourself; somebody else has to confirm it." if same else None


def arrival(start: date, business_days: int) -> date:
    """`start` plus business days (Monday to Friday)."""
    day = start
    while business_days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            business_days -= 1
    return day


def request_sha256(order: SendOrder) -> str:
    """Hash of the whole instruction: the same key may never carry another one."""
    content = {
        "key": order.key,
        "amount_minor": order.amount.minor,
        "currency": order.amount.currency,
        "payee_name": order.payee_name,
        "destination": dict(order.destination),
        "reference": order.reference,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
