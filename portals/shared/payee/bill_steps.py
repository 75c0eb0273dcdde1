"""A bill's way from its writer to the bank, as steps: what is done, what is now, what comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app.core.money import Money
from app.payables.states import RequestStatus
from app.reporting.rules import Bucket, Place
from portals.shared.payee.journey import Step, target
from portals.web.filters import date_text, money

R = RequestStatus


def bill_steps(bill: Any, place: Place, events: Sequence[Any], payout: Any | None) -> list[Step]:
    """`bill` and `place` as the money map gives them, `events` the bill's timeline, `payout` what it is paid with."""
    status = RequestStatus(bill.status)
    if status is R.DRAFT:
        return [
            Step("now", _("Draft"), _("Only you see it.")),
            Step("todo", _("%(organization)s reviews it", organization=bill.organization_name)),
            *_later(bill, None),
        ]
    steps = [Step("done", _("Sent to %(organization)s", organization=bill.organization_name), _at(_sent(bill, events)))]
    if status is R.CANCELLED:
        return [*steps, Step("bad", _("Given up"), _at(_last(events, "cancelled")))]
    if status is R.REJECTED:
        return [*steps, Step("bad", _("Rejected"), _who(bill, bill.review_reason or ""))]
    if status in (R.SUBMITTED, R.DISPUTED):
        title = _("Waiting for %(organization)s", organization=bill.organization_name)
        return [*steps, Step("now", title, place.reason), *_later(bill, None)]
    return [*steps, _approved(bill), *_paid(bill, place, payout)]


def _approved(bill: Any) -> Step:
    asked, agreed = Money(bill.amount_minor, bill.currency), Money(bill.approved_minor or 0, bill.currency)
    if asked == agreed:
        return Step("done", _("Approved"), _who(bill, ""))
    title = _("Approved with %(amount)s", amount=money(agreed))
    return Step("done", title, _who(bill, bill.review_reason or ""))


def _who(bill: Any, why: str) -> str:
    """ "Maya Chen · Wed, Nov 18 · 2:31 PM", with the reason before it."""
    return " · ".join(part for part in (why, bill.reviewed_by or "", _at(bill.reviewed_at)) if part)


def _paid(bill: Any, place: Place, payout: Any | None) -> list[Step]:
    """After the approval: terms, a payout, the bank."""
    if place.bucket is Bucket.HELD:
        until = _("Until %(day)s", day=date_text(place.next_on, "day")) if place.next_on else ""
        note = " · ".join(part for part in (place.reason, until) if part)
        title = _("Your answer") if place.state == "awaiting_acceptance" else _("Payment terms")
        return [Step("now", title, note), *_later(bill, payout)]
    ready = Step("done", _("Available"))
    if place.bucket is Bucket.READY:
        state = "hold" if place.state == "blocked" else "now"
        note = " ".join(part for part in (place.reason, place.cure) if part)
        return [Step(state, _("Available"), note), *_later(bill, None)]
    if place.bucket is Bucket.RESERVED:
        return [
            ready,
            Step("hold" if place.state == "on_hold" else "now", _("In a payout"), place.reason),
            _arrives(payout),
        ]
    if place.bucket is Bucket.SENT:
        return [ready, Step("now", _("On its way"), place.reason), _arrives(payout)]
    if place.bucket is Bucket.PAID:
        return [ready, Step("done", _("Paid"), " · ".join(p for p in (place.reason, _at(place.next_on)) if p))]
    return [Step("bad", _("Taken back"), place.reason)]


def _later(bill: Any, payout: Any | None) -> list[Step]:
    """What comes once it was approved."""
    if bill.amount_minor < 0:
        return [Step("todo", _("Taken off the next payout"))]
    return [Step("todo", _("Available to withdraw")), _arrives(payout)]


def _arrives(payout: Any | None) -> Step:
    if payout is None:
        return Step("todo", _("Paid to your payout method"))
    note = _("Expected %(day)s", day=date_text(payout.expected_on, "day")) if payout.expected_on else ""
    return Step("todo", _("Arrives at %(method)s", method=target(payout)), note)


def _sent(bill: Any, events: Sequence[Any]) -> datetime:
    """Imported bills were never sent by anybody: then it is when they came in."""
    at: datetime = bill.submitted_at or _last(events, "submitted") or bill.created_at
    return at


def _last(events: Sequence[Any], state: str) -> datetime | None:
    return next((event.at for event in reversed(events) if event.to_state == state), None)


def _at(at: Any) -> str:
    return date_text(at, "full") if at else ""
