"""The status vocabulary: one word, one glyph, one tone for each state of each kind of thing, on every page.

Tones: amber a person must act, blue moving by itself, violet deliberately stopped or waiting, green good and done,
red broken, grey not started or over. `final` states are shown quietly (no fill) inside tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

TONES = ("green", "amber", "red", "blue", "violet", "grey")


@dataclass(frozen=True, slots=True)
class Status:
    """`word` is what is read, `glyph` an icon of the sprite."""

    word: LazyString
    glyph: str
    tone: str
    final: bool = False


def _s(word: LazyString, glyph: str, tone: str, final: bool = False) -> Status:
    return Status(word, glyph, tone, final)


_DRAFT = _s(_l("Draft"), "circle-dashed", "grey")
_APPROVED = _s(_l("Approved"), "circle-check", "green")
_UNCLAIMED = _s(_l("To be claimed"), "alert-circle", "amber")
_PAID = _s(_l("Paid"), "circle-check", "green", True)
_REJECTED = _s(_l("Rejected"), "circle-x", "red", True)
_FAILED = _s(_l("Failed"), "circle-x", "red")
_CANCELED = _s(_l("Canceled"), "ban", "grey", True)
_SCHEDULED = _s(_l("Scheduled"), "calendar", "grey")
_DISPUTED = _s(_l("Disputed"), "alert-triangle", "red")
_RETURNED = _s(_l("Returned"), "arrow-back-up", "red")
_IN_PROGRESS = _s(_l("In progress"), "circle-half-2", "blue")
_REVISE = _s(_l("Revise"), "arrow-back-up", "amber")
_IN_REVIEW = _s(_l("In review"), "clock", "amber")
_REFUNDED = _s(_l("Refunded"), "receipt-refund", "grey", True)
_ON_HOLD = _s(_l("On hold"), "player-pause", "violet")
_SUBMITTED = _s(_l("Submitted"), "send", "violet")
_DONE = _s(_l("Done"), "circle-check", "green", True)
_QUEUED = _s(_l("Queued"), "circle-dashed", "grey")

VOCABULARY: dict[str, dict[str, Status]] = {
    "payout": {
        "requested": _s(_l("Requested"), "circle-dashed", "grey"),
        "pending": _s(_l("Needs approval"), "clock", "amber"),
        "needs_second": _s(_l("Needs second approval"), "user-check", "amber"),
        "approved": _APPROVED,
        "scheduled": _SCHEDULED,
        "processing": _s(_l("Processing"), "circle-half-2", "blue"),
        "in_transit": _s(_l("In transit"), "circle-arrow-right", "blue"),
        "waiting": _UNCLAIMED,
        "paid": _PAID,
        "on_hold": _ON_HOLD,
        "failed": _FAILED,
        "returned": _RETURNED,
        "rejected": _REJECTED,
        "cancelled": _CANCELED,
    },
    "batch": {
        "planning": _s(_l("Planning"), "circle-half-2", "blue"),
        "draft": _DRAFT,
        "submitted": _s(_l("Needs second approval"), "user-check", "amber"),
        "approved": _APPROVED,
        "scheduled": _SCHEDULED,
        "running": _s(_l("Running"), "circle-half-2", "blue"),
        "paused": _s(_l("Paused"), "player-pause", "violet"),
        "done": _DONE,
        "cancelled": _CANCELED,
        "failed": _FAILED,
    },
    "batch_item": {
        "queued": _QUEUED,
        "sent": _s(_l("Sent"), "circle-arrow-right", "blue"),
        "confirmed": _s(_l("Confirmed"), "circle-check", "green", True),
        "settled": _s(_l("Settled"), "circle-check", "green", True),
        "blocked": _s(_l("Blocked"), "lock", "amber"),
        "failed": _FAILED,
        "returned": _RETURNED,
    },
    "attempt": {
        "created": _QUEUED,
        "submitted": _s(_l("Sent"), "circle-arrow-right", "blue"),
        "accepted": _s(_l("Accepted"), "circle-half-2", "blue"),
        "succeeded": _s(_l("Confirmed"), "circle-check", "green", True),
        "failed": _FAILED,
        "unknown": _s(_l("Outcome unknown"), "help-circle", "amber"),
        "returned": _RETURNED,
    },
    "request": {
        "draft": _DRAFT,
        "submitted": _s(_l("Needs approval"), "clock", "amber"),
        "awaiting_acceptance": _s(_l("Amount changed"), "signature", "amber"),
        "disputed": _DISPUTED,
        "approved": _APPROVED,
        "scheduled": _SCHEDULED,
        "processing": _s(_l("Processing"), "circle-half-2", "blue"),
        "in_transit": _s(_l("In transit"), "circle-arrow-right", "blue"),
        "waiting": _UNCLAIMED,
        "blocked": _s(_l("Blocked"), "lock", "amber"),
        "tax_form": _s(_l("Waiting for your tax form"), "file-text", "amber"),
        "on_hold": _ON_HOLD,
        "paid": _PAID,
        "returned": _RETURNED,
        "rejected": _REJECTED,
        "cancelled": _CANCELED,
        "credit": _s(_l("Credit"), "receipt-refund", "violet", True),
    },
    "invoice": {
        "draft": _DRAFT,
        "submitted": _SUBMITTED,
        "in_review": _IN_REVIEW,
        "approved": _APPROVED,
        "open": _s(_l("Open"), "circle", "blue"),
        "partially_paid": _s(_l("Partially paid"), "circle-half-2", "blue"),
        "overdue": _s(_l("Overdue"), "alert-circle", "red"),
        "paid": _PAID,
        "rejected": _REJECTED,
        "void": _s(_l("Void"), "ban", "grey", True),
        "credit_note": _s(_l("Credit note"), "receipt-refund", "violet", True),
    },
    "earning": {
        "held": _s(_l("Held"), "hourglass", "violet"),
        "ready": _s(_l("Available"), "circle-check", "green", True),
        "reserved": _s(_l("In a payout"), "circle-half-2", "blue"),
        "paid": _PAID,
        "reversed": _s(_l("Reversed"), "arrow-back-up", "grey", True),
        "refunded": _REFUNDED,
        "disputed": _DISPUTED,
    },
    "method": {
        "pending": _s(_l("To verify"), "clock", "amber"),
        "active": _s(_l("Active"), "circle-check", "green", True),
        "cooling": _s(_l("Cooling off"), "hourglass", "violet"),
        "stopped": _s(_l("Stopped by its provider"), "alert-triangle", "red"),
        "disabled": _s(_l("Disabled"), "ban", "grey", True),
    },
    "application": {
        "submitted": _SUBMITTED,
        "approved": _APPROVED,
        "declined": _s(_l("Declined"), "x", "grey", True),
    },
    "proof": {
        "unproven": _s(_l("Not verified"), "help-circle", "grey"),
        "proven": _s(_l("Verified"), "circle-check", "green", True),
        "doubtful": _s(_l("Last payout failed"), "alert-triangle", "red"),
    },
    "stripe_account": {
        "ready": _s(_l("Can be paid"), "circle-check", "green"),
        "waiting": _s(_l("Being checked"), "hourglass", "violet"),
        "due": _s(_l("Details missing"), "alert-circle", "amber"),
        "unfinished": _s(_l("Set-up not finished"), "clock", "amber"),
        "stopped": _s(_l("Stopped"), "alert-triangle", "red"),
    },
    "bank_payout": {
        "pending": _s(_l("Asked for"), "clock", "grey"),
        "in_transit": _s(_l("On its way to your bank"), "send", "blue"),
        "paid": _s(_l("In your bank"), "circle-check", "green", True),
        "failed": _s(_l("Came back from the bank"), "alert-triangle", "red"),
        "canceled": _s(_l("Canceled"), "x", "grey", True),
    },
    "their_bank_payout": {
        "pending": _s(_l("Asked for"), "clock", "grey"),
        "in_transit": _s(_l("On its way to their bank"), "send", "blue"),
        "paid": _s(_l("In their bank"), "circle-check", "green", True),
        "failed": _s(_l("Came back from the bank"), "alert-triangle", "red"),
        "canceled": _s(_l("Canceled"), "x", "grey", True),
    },
    "run": {
        "running": _s(_l("Being calculated"), "circle-half-2", "blue"),
        "done": _s(_l("Calculated"), "circle-check", "green", True),
        "failed": _FAILED,
    },
    "appointment": {
        "completed": _s(_l("Held"), "clock", "amber"),
        "rated": _s(_l("In an earning"), "circle-check", "green", True),
        "dismissed": _s(_l("Taken out"), "circle-minus", "grey"),
    },
    "import": {
        "uploaded": _s(_l("Uploaded"), "circle-dashed", "grey"),
        "mapped": _s(_l("Columns matched"), "circle-dashed", "grey"),
        "checked": _s(_l("Ready to import"), "clock", "amber"),
        "running": _s(_l("Importing"), "circle-half-2", "blue"),
        "done": _s(_l("Imported"), "circle-check", "green", True),
        "failed": _FAILED,
    },
    "transfer": {
        "sent": _s(_l("On its way"), "circle-arrow-right", "blue"),
        "arrived": _s(_l("Arrived"), "circle-check", "green", True),
        "came_back": _s(_l("Came back"), "arrow-back-up", "grey", True),
    },
    "line": {
        "open": _s(_l("To explain"), "help-circle", "amber"),
        "proposed": _s(_l("Write-off to decide"), "user-check", "amber"),
        "matched": _s(_l("Matched"), "circle-check", "green", True),
        "suspended": _s(_l("In suspense"), "hourglass", "violet"),
        "written_off": _s(_l("Written off"), "circle-minus", "grey", True),
    },
    "deposit": {
        "announced": _s(_l("Announced"), "clock", "amber"),
        "confirmed": _s(_l("Confirmed"), "circle-check", "green", True),
        "rejected": _REJECTED,
    },
    "adjustment": {
        "submitted": _s(_l("To decide"), "clock", "amber"),
        "applied": _s(_l("Applied"), "circle-check", "green", True),
        "declined": _REJECTED,
    },
    "check": {
        "printed": _s(_l("To print and mail"), "printer", "amber"),
        "mailed": _s(_l("Mailed"), "mail", "blue"),
        "cleared": _s(_l("Cleared"), "circle-check", "green", True),
        "void": _s(_l("Void"), "ban", "grey", True),
        "stopped": _s(_l("Stopped"), "circle-x", "red"),
    },
    "webhook_event": {
        "received": _QUEUED,
        "applied": _s(_l("Applied"), "circle-check", "green", True),
        "ignored": _s(_l("Ignored"), "ban", "grey", True),
        "duplicate": _s(_l("Seen before"), "copy", "grey", True),
        "unmatched": _s(_l("No match"), "help-circle", "amber"),
        "failed": _FAILED,
    },
    "outbox": {
        "waiting": _QUEUED,
        "leased": _s(_l("Handed over"), "circle-arrow-right", "blue"),
        "done": _DONE,
        "failed": _FAILED,
    },
    "engagement": {
        "invited": _s(_l("Invited"), "mail", "amber"),
        "active": _s(_l("Active"), "circle-check", "green", True),
        "paused": _s(_l("Paused"), "player-pause", "violet"),
        "suspended": _s(_l("Suspended"), "ban", "red"),
        "ended": _s(_l("Ended"), "ban", "grey", True),
    },
    "member": {
        "pending": _s(_l("Needs approval"), "user-check", "amber"),
        "active": _s(_l("Active"), "circle-check", "green", True),
        "removed": _s(_l("Removed"), "ban", "grey", True),
    },
    "account": {
        "active": _s(_l("Active"), "circle-check", "green", True),
        "suspended": _s(_l("Suspended"), "player-pause", "violet"),
    },
    "order": {
        "paid": _PAID,
        "partly_refunded": _s(_l("Partly refunded"), "receipt-refund", "amber"),
        "refunded": _REFUNDED,
        "cancelled": _CANCELED,
        "disputed": _s(_l("Charged back"), "alert-triangle", "red"),
    },
    "commission": {
        "earned": _s(_l("Credited"), "circle-check", "green", True),
        "unknown_code": _s(_l("Unknown code"), "help-circle", "amber"),
        "not_active": _s(_l("Not active"), "player-pause", "amber"),
        "self_referral": _s(_l("Own purchase"), "user-check", "amber"),
        "dismissed": _s(_l("Dismissed"), "ban", "grey", True),
        "nothing": _s(_l("Nothing due"), "circle-minus", "grey", True),
    },
    "discount_code": {
        "active": _s(_l("Active"), "circle-check", "green", True),
        "paused": _s(_l("Paused"), "player-pause", "violet"),
    },
    "store": {
        "active": _s(_l("On"), "circle-check", "green", True),
        "off": _s(_l("Off"), "player-pause", "violet"),
    },
    "api_key": {
        "active": _s(_l("Active"), "circle-check", "green", True),
        "revoked": _s(_l("Revoked"), "ban", "grey", True),
    },
    "mail": {
        "queued": _QUEUED,
        "sent": _s(_l("Sent"), "circle-check", "green", True),
        "failed": _FAILED,
    },
    "export": {
        "ready": _s(_l("To release"), "user-check", "amber"),
        "released": _s(_l("Released"), "circle-check", "green", True),
        "void": _s(_l("Void"), "ban", "grey", True),
    },
    "organization": {
        "draft": _DRAFT,
        "active": _s(_l("Active"), "circle-check", "green", True),
        "suspended": _s(_l("Suspended"), "player-pause", "violet"),
        "closed": _s(_l("Closed"), "ban", "grey", True),
    },
    "project": {
        "upcoming": _s(_l("Upcoming"), "circle-dashed", "grey"),
        "in_progress": _IN_PROGRESS,
        "submitted": _SUBMITTED,
        "revise": _REVISE,
        "approved": _APPROVED,
        "payout": _s(_l("Payout"), "cash", "green", True),
        "cancelled": _CANCELED,
    },
    "deliverable": {
        "assigned": _s(_l("Assigned"), "circle-dashed", "grey"),
        "in_progress": _IN_PROGRESS,
        "in_review": _IN_REVIEW,
        "revise": _REVISE,
        "approved": _APPROVED,
        "cancelled": _CANCELED,
    },
    "contract": {
        "draft": _DRAFT,
        "sent": _s(_l("To sign"), "signature", "amber"),
        "viewed": _s(_l("Opened"), "eye", "amber"),
        "consented": _s(_l("Being signed"), "signature", "amber"),
        "signed": _s(_l("To countersign"), "signature", "blue"),
        "countersigned": _s(_l("Being sealed"), "hourglass", "blue"),
        "sealed": _s(_l("Signed"), "circle-check", "green", True),
        "on_file": _s(_l("On file"), "file-check", "green", True),
        "declined": _s(_l("Declined"), "circle-x", "red"),
        "expired": _s(_l("Expired"), "clock", "grey", True),
        "voided": _s(_l("Taken back"), "ban", "grey", True),
        "superseded": _s(_l("Replaced"), "copy", "grey", True),
    },
    "consultation": {
        "pending": _s(_l("To be paid"), "clock", "amber"),
        "booked": _s(_l("Booked"), "calendar", "blue"),
        "completed": _s(_l("Held"), "circle-check", "green", True),
        "cancelled": _CANCELED,
        "no_show_client": _s(_l("Client absent"), "alert-circle", "amber"),
        "no_show_consultant": _s(_l("Consultant absent"), "alert-circle", "red"),
        "expired": _s(_l("Not paid in time"), "hourglass", "grey", True),
    },
    "billing": {
        "open": _s(_l("Open"), "circle", "blue"),
        "overdue": _s(_l("Overdue"), "alert-circle", "red"),
        "part_paid": _s(_l("Part paid"), "circle-half-2", "amber"),
        "paid": _PAID,
        "credited": _s(_l("Credited"), "receipt-refund", "violet", True),
        "credit_note": _s(_l("Credit note"), "receipt-refund", "violet", True),
        "debit_note": _s(_l("Debit note"), "receipt", "grey", True),
    },
    "seat_pack": {
        "pending": _s(_l("To be paid"), "clock", "amber"),
        "active": _s(_l("Active"), "circle-check", "green", True),
        "expired": _s(_l("Expired"), "clock", "grey", True),
        "refunded": _REFUNDED,
        "cancelled": _CANCELED,
    },
    "charge": {
        "pending": _s(_l("To be paid"), "clock", "amber"),
        "unknown": _s(_l("No answer yet"), "help-circle", "amber"),
        "succeeded": _PAID,
        "failed": _FAILED,
        "cancelled": _CANCELED,
    },
    "refund": {
        "pending": _s(_l("On its way"), "circle-half-2", "blue"),
        "unknown": _s(_l("No answer yet"), "help-circle", "amber"),
        "succeeded": _s(_l("Gone back"), "circle-check", "green", True),
        "failed": _s(_l("Refused"), "circle-x", "red"),
        "came_back": _s(_l("Came back"), "arrow-back-up", "red"),
    },
    "dispute": {
        "pending": _s(_l("Bank decides"), "hourglass", "amber"),
        "unknown": _s(_l("No answer yet"), "help-circle", "amber"),
        "succeeded": _s(_l("Lost"), "circle-x", "red", True),
        "failed": _s(_l("Won"), "circle-check", "green", True),
        "came_back": _s(_l("Won on appeal"), "circle-check", "green", True),
    },
    "offering": {
        "active": _s(_l("Offered"), "circle-check", "green", True),
        "ended": _s(_l("Ended"), "ban", "grey", True),
    },
    "booking": {
        "confirmed": _s(_l("Confirmed"), "circle-check", "blue"),
        "in_progress": _IN_PROGRESS,
        "completed": _s(_l("Completed"), "circle-check", "green", True),
        "no_show": _s(_l("No-show"), "alert-circle", "amber"),
        "cancelled": _CANCELED,
        "refunded": _REFUNDED,
        "disputed": _DISPUTED,
    },
}


def badge_of(kind: str, state: object) -> Status:
    """The vocabulary's entry; accepts enums. Raises LookupError for a word nobody has agreed on."""
    word = str(getattr(state, "value", state)).lower()
    try:
        return VOCABULARY[kind][word]
    except KeyError:
        raise LookupError(f"no status {word!r} for {kind!r}: add it to portals/web/status.py") from None
