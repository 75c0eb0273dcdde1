"""Where a bill's or a payout's money is, in one sentence. Pure: payee, organization and admin read the same text.

Every cent is in one `Bucket`. A bill is placed by what happened last to most of its money: a part that is on its way
goes before a part that still waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from app.earnings.models import HoldReason
from app.earnings.rules import HOLD_TEXT as EARNING_HOLD_TEXT
from app.methods.rules import BLOCKED_TEXT, Blocked
from app.payables.states import RequestStatus
from app.payees.states import EngagementStatus
from app.payouts.rules import HOLD_TEXT as PAYOUT_HOLD_TEXT
from app.payouts.rules import payout_number
from app.payouts.states import HoldCode, PayoutStatus
from app.tax.rules import FORM_MISSING, FORM_MISSING_CURE


class Bucket(StrEnum):
    """`review`: asked for, not owed yet. `over`: nothing more comes of it."""

    REVIEW = "review"
    HELD = "held"
    READY = "ready"
    RESERVED = "reserved"  # in a payout that was not sent yet
    SENT = "sent"
    PAID = "paid"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Place:
    """`vocabulary` and `state` name the badge (portals/web/status.py). `next_on`: when it moves on or arrived.

    `cure` is what the reader can do about it, empty when there is nothing to do.
    """

    bucket: Bucket
    vocabulary: str
    state: str
    reason: str
    next_on: date | datetime | None = None
    payout_id: UUID | None = None
    cure: str = ""


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """What is known of a payout, as `app.payouts.queries` selects it."""

    id: UUID
    status: PayoutStatus
    hold_code: HoldCode | None = None
    hold_note: str | None = None
    expected_on: date | None = None
    paid_at: datetime | None = None
    failure_message: str | None = None
    failure_cure: str | None = None
    waiting_message: str | None = None
    waiting_cure: str | None = None


@dataclass(frozen=True, slots=True)
class EarningFacts:
    """Where the parts of an earning sit. `payout`: the newest payout on its way, else the newest of any kind.

    `ready_minor` is None when nothing of it is ready; `negative` marks a credit.
    """

    hold_reason: HoldReason | None = None
    available_at: datetime | None = None
    ready_minor: int | None = None
    payout: PayoutFacts | None = None
    blocked: Blocked | None = None
    usable_from_at: datetime | None = None
    negative: bool = False
    standing: EngagementStatus = EngagementStatus.ACTIVE
    standing_reason: str = ""
    tax_form_missing: bool = False


YOUR_FORM = "Ready, but waiting for your tax form: the organization pays only with a signed Form W-9."
YOUR_ANSWER = "The amount was reduced: waiting for you to accept or dispute it."
MOVING = frozenset({PayoutStatus.PENDING, PayoutStatus.APPROVED, PayoutStatus.ON_HOLD, PayoutStatus.PROCESSING})


def place_of_payout(facts: PayoutFacts) -> Place:
    """Where the money of a payout is."""
    match facts.status:
        case PayoutStatus.PENDING:
            return _payout(facts, Bucket.RESERVED, "pending", "Waiting for approval.")
        case PayoutStatus.APPROVED:
            return _payout(facts, Bucket.RESERVED, "approved", "Approved; it will be sent soon.")
        case PayoutStatus.ON_HOLD:
            return _payout(facts, Bucket.RESERVED, "on_hold", _hold_sentence(facts), cure=_hold_cure(facts))
        case PayoutStatus.PROCESSING:
            if facts.waiting_message:
                return _payout(facts, Bucket.SENT, "waiting", facts.waiting_message, cure=facts.waiting_cure or "")
            return _payout(facts, Bucket.SENT, "in_transit", "Sent, on its way.", facts.expected_on)
        case PayoutStatus.PAID:
            return _payout(facts, Bucket.PAID, "paid", "Arrived.", facts.paid_at)
        case PayoutStatus.REJECTED:
            reason = "Rejected; the money is back in the balance."
        case PayoutStatus.CANCELLED:
            reason = "Canceled; the money is back in the balance."
        case PayoutStatus.RETURNED:
            reason = f"{facts.failure_message or 'It came back.'} The money is back in the balance."
        case PayoutStatus.FAILED:
            reason = f"{facts.failure_message or 'It could not be paid.'} The money is back in the balance."
    cure = facts.failure_cure or "" if facts.status in (PayoutStatus.FAILED, PayoutStatus.RETURNED) else ""
    return _payout(facts, Bucket.OVER, facts.status.value, reason, cure=cure)


def _payout(
    facts: PayoutFacts,
    bucket: Bucket,
    state: str,
    reason: str,
    next_on: date | datetime | None = None,
    cure: str = "",
) -> Place:
    return Place(bucket, "payout", state, reason, next_on, facts.id, cure)


def _hold_sentence(facts: PayoutFacts) -> str:
    if facts.hold_code is None:
        return "On hold."
    if facts.hold_code is HoldCode.SUSPENDED and facts.hold_note:
        return f"On hold while the engagement is suspended: {facts.hold_note.rstrip('.')}. It stays owed."
    if facts.hold_code is HoldCode.REVIEW and facts.hold_note:
        return f"Held for review: {facts.hold_note.rstrip('.')}."
    return PAYOUT_HOLD_TEXT[facts.hold_code]


def _hold_cure(facts: PayoutFacts) -> str:
    return "Set a payout method that can be used." if facts.hold_code is HoldCode.NO_METHOD else ""


def place_of_earning(facts: EarningFacts) -> Place:
    """Where the money of an approved bill, a credit or any other earning is."""
    if facts.hold_reason is not None:
        return _held(facts)
    payout = facts.payout
    if payout is not None and payout.status in MOVING:
        place = place_of_payout(payout)
        number = payout_number(payout.id)
        partly = facts.ready_minor is not None
        where = f"In part in payout {number}, the rest is ready to be paid." if partly else f"In payout {number}."
        named = f"{where} {place.reason}"
        state = {"pending": "reserved", "approved": "reserved"}.get(place.state, place.state)
        return replace(place, vocabulary="earning" if state == "reserved" else "request", state=state, reason=named)
    if facts.ready_minor is not None:
        return _ready(facts)
    if payout is not None and payout.status is PayoutStatus.PAID:
        settled = "Taken off payout" if facts.negative else "Paid with payout"
        reason = f"{settled} {payout_number(payout.id)}."
        return Place(Bucket.PAID, "earning", "paid", reason, payout.paid_at, payout.id)
    return Place(Bucket.OVER, "earning", "reversed", "Taken back; nothing is paid for it.")


def _held(facts: EarningFacts) -> Place:
    assert facts.hold_reason is not None
    reason = EARNING_HOLD_TEXT[facts.hold_reason]
    if facts.hold_reason is HoldReason.ACCEPTANCE:
        return Place(Bucket.HELD, "request", "awaiting_acceptance", reason, facts.available_at)
    return Place(Bucket.HELD, "earning", "held", reason, facts.available_at)


def for_payee(place: Place) -> Place:
    """The same, said to the payee: what waits for them waits for "you"."""
    if place.state == "awaiting_acceptance":
        return replace(place, reason=YOUR_ANSWER)
    if place.state == "tax_form":
        return replace(place, reason=YOUR_FORM, cure=FORM_MISSING_CURE)
    return place


def _ready(facts: EarningFacts) -> Place:
    payout = facts.payout
    if facts.negative:
        return Place(Bucket.READY, "request", "credit", "It will be taken off the next payout.")
    if facts.standing is EngagementStatus.SUSPENDED:
        why = facts.standing_reason.rstrip(".") or "no reason was given"
        reason = f"On hold while the engagement is suspended: {why}. It stays owed and is paid once that ends."
        return Place(Bucket.READY, "request", "on_hold", reason)
    if facts.tax_form_missing:
        return Place(
            Bucket.READY, "request", "tax_form", f"Ready, but waiting for the payee's tax form. {FORM_MISSING}"
        )
    if facts.blocked is not None:
        cure = "" if facts.blocked is Blocked.COOLING_OFF else "Add a payout method."
        reason = f"Ready, but it cannot be paid yet. {BLOCKED_TEXT[facts.blocked]}"
        return Place(Bucket.READY, "request", "blocked", reason, facts.usable_from_at, None, cure)
    if payout is not None and payout.status in (PayoutStatus.FAILED, PayoutStatus.RETURNED):
        message = payout.failure_message or "The last payout did not arrive."
        return Place(
            Bucket.READY, "earning", "ready", f"Ready again. {message}", None, payout.id, payout.failure_cure or ""
        )
    if payout is not None and payout.status is PayoutStatus.PAID:
        return Place(Bucket.READY, "earning", "ready", "Paid in part; the rest is ready to be paid.", None, payout.id)
    if facts.standing is not EngagementStatus.ACTIVE:
        reason = f"Ready to be withdrawn. The engagement is {facts.standing.value}: batches leave it out."
        return Place(Bucket.READY, "earning", "ready", reason)
    return Place(Bucket.READY, "earning", "ready", "Ready to be paid.")


def place_of_request(
    status: RequestStatus, organization_name: str, review_reason: str | None, earning: EarningFacts | None
) -> Place:
    """Where a bill is: with its writer, with the organization, or where its earning is."""
    match status:
        case RequestStatus.APPROVED if earning is not None:
            return place_of_earning(earning)
        case RequestStatus.APPROVED:
            return Place(Bucket.REVIEW, "request", "approved", "Approved; it is being added to the balance.")
        case RequestStatus.DRAFT:
            return Place(Bucket.OVER, "request", "draft", "Not sent yet.")
        case RequestStatus.SUBMITTED:
            return Place(Bucket.REVIEW, "request", "submitted", f"Waiting for {organization_name} to approve it.")
        case RequestStatus.DISPUTED:
            reason = f"The amount is disputed: {organization_name} looks at it again."
            return Place(Bucket.REVIEW, "request", "disputed", reason)
        case RequestStatus.REJECTED:
            why = f"Rejected: {review_reason.rstrip('.')}." if review_reason else "Rejected."
            return Place(Bucket.OVER, "request", "rejected", why, cure="Change it and send it again.")
        case RequestStatus.CANCELLED:
            return Place(Bucket.OVER, "request", "cancelled", "Withdrawn.")
