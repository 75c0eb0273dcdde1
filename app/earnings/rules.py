"""When an earning becomes payable and why not yet: pure, no session. `service` has it in SQL; a test compares them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.earnings.models import HoldReason

ACCEPTANCE = timedelta(days=3)  # the time a payee has to dispute a reduced amount

HOLD_TEXT: dict[HoldReason, str] = {
    HoldReason.TERMS: "Waiting for the payment terms to pass.",
    HoldReason.REVIEW_WINDOW: "Waiting for the review time to pass.",
    HoldReason.ACCEPTANCE: "The amount was reduced: waiting for the payee to accept or dispute it.",
    HoldReason.RETURN_WINDOW: "Waiting for the return window of the order to pass.",
    HoldReason.SESSION: "Waiting for the session to be held.",
    HoldReason.DISPUTE: "The client’s bank has questioned the charge: waiting for its answer.",
    HoldReason.REFUND: "A refund to the client came back: waiting until it is settled.",
    HoldReason.INVOICE: "The client’s organization pays by invoice: waiting until that is paid.",
}
RELEASE_TEXT: dict[HoldReason, str] = {
    HoldReason.TERMS: "The payment terms have passed.",
    HoldReason.REVIEW_WINDOW: "The review time has passed.",
    HoldReason.ACCEPTANCE: "The time to dispute the amount has passed.",
    HoldReason.RETURN_WINDOW: "The return window has passed.",
    HoldReason.SESSION: "The session was held.",
    HoldReason.DISPUTE: "The client’s bank has decided.",
    HoldReason.REFUND: "The refund that came back is settled.",
    HoldReason.INVOICE: "The invoice was paid.",
}


@dataclass(frozen=True, slots=True)
class NotReady:
    """Why an earning cannot be paid yet. `until` None: until somebody acts."""

    reason: HoldReason
    text: str
    until: datetime | None


def not_ready(reason: HoldReason, available_at: datetime | None) -> NotReady:
    return NotReady(reason, HOLD_TEXT[reason], available_at)


def terms_end(*, invoice_on: date, due_on: date | None, terms_days: int, time_zone: str) -> datetime:
    """The start of the due day (or of invoice day + terms) in the organization's time zone, in UTC."""
    day = due_on or invoice_on + timedelta(days=terms_days)
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)


def available_at(*, approved_minor: int, amount_minor: int, terms_end: datetime, now: datetime) -> datetime:
    """When an approved amount may be paid: credits at once, a reduced amount not before it can be disputed."""
    if approved_minor < 0:
        return now
    if approved_minor < amount_minor:
        return max(terms_end, now + ACCEPTANCE)
    return terms_end


def hold_reason(*, approved_minor: int, amount_minor: int) -> HoldReason:
    return HoldReason.ACCEPTANCE if 0 < approved_minor < amount_minor else HoldReason.TERMS
