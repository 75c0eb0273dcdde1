"""Payouts as programs read them: names of the contract for rails and states, rows, and one payout whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from app.audit import queries as history
from app.audit.models import Audience
from app.core.money import Money
from app.payees.states import PayeeKind
from app.payouts import listing, queries, review
from app.payouts.listing import Sent
from app.payouts.rules import HOLD_TEXT
from app.payouts.states import PayoutStatus
from portals.web.db import db

# What callers know rails by → the rail.
PROVIDERS = {
    "STRIPE_CONNECT": "stripe_connect",
    "PAYPAL_PAYOUTS": "paypal",
    "VENMO": "venmo",
    "MPESA_B2C": "mpesa",
    "RAZORPAYX": "razorpayx",
    "BANK_TRANSFER": "bank_file",
    "CHECK": "check",
    "SIMULATED": "simulated",
}
PROVIDER_OF = {rail: provider for provider, rail in PROVIDERS.items()}
STATUSES = {status.value.upper(): status for status in PayoutStatus} | {"COMPLETED": PayoutStatus.PAID}
ITEMS = 200  # that come with one payout; the rest is in the pages of its items


def at(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def listed_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of a list: the fields of the contract, no others."""
    sent = listing.last_attempts(db(), [row.id for row in rows])
    spans = listing.spans(db(), [row.id for row in rows if row.period_start is None])
    return [_row(row, sent.get(row.id), spans.get(row.id, (row.period_start, row.period_end))) for row in rows]


def _row(row: Any, last: Sent | None, period: tuple[date | None, date | None]) -> dict[str, Any]:
    start, end = period
    return {
        "id": str(row.id),
        "payeeId": str(row.payee_id),
        "doctorId": str(row.payee_id) if row.payee_kind == PayeeKind.CONSULTANT else None,
        "payeeName": row.payee_name,
        "status": row.status.value.upper(),
        "provider": PROVIDER_OF[row.rail],
        "providerReference": (last.reference or None) if last else None,
        "amountDue": Money(row.amount_minor, row.currency).plain(),
        "currency": row.currency,
        "periodStart": start.isoformat() if start else None,
        "periodEnd": end.isoformat() if end else None,
        "createdAt": at(row.created_at),
        "processedAt": at(row.paid_at),
        "notes": _notes(row),
    }


def _notes(row: Any) -> str | None:
    """Why it stands where it stands; else what it was made for."""
    match row.status:
        case PayoutStatus.ON_HOLD:
            return str(row.hold_note or HOLD_TEXT[row.hold_code])
        case PayoutStatus.FAILED | PayoutStatus.RETURNED:
            told = " ".join(filter(None, (row.failure_message, row.failure_cure)))
        case PayoutStatus.PROCESSING:
            told = " ".join(filter(None, (row.waiting_message, row.waiting_cure)))
        case _:
            told = ""
    return told or row.reason


def one(row: Any) -> dict[str, Any]:
    """The row, who pays, and who has approved it; while it is pending, those whose approval still counts."""
    (shown,) = listed_rows([row])
    (line,) = review.lines(db(), [row], None)
    signed = [(yes.name, yes.at) for yes in line.signatures]
    if row.status is not PayoutStatus.PENDING:
        signed = [(yes.approved_by, yes.created_at) for yes in queries.approvals(db(), [row.id]).get(row.id, [])]
    return shown | {
        "number": line.number,
        "amount": {"amountMinor": row.amount_minor, "currency": row.currency},
        "organizationId": str(row.organization_id),
        "organizationName": row.organization_name,
        "origin": row.origin.value.upper(),
        "batchId": str(row.batch_id) if row.batch_id else None,
        "method": row.method_label,
        "methodLast4": row.last4,
        "requestedBy": row.requested_by,
        "approvalsNeeded": line.needed,
        "approvals": [{"by": name, "at": at(moment)} for name, moment in signed],
        "funded": row.funded,
        "simulated": row.simulated,
        "expectedOn": row.expected_on.isoformat() if row.expected_on else None,
    }


def whole(row: Any) -> dict[str, Any]:
    """`one` with its timeline, its attempts and the first of its items."""
    found = listing.items(db(), row.id, limit=ITEMS)
    return one(row) | {
        "timeline": [_step(event) for event in history.timeline(db(), row.id, Audience.PLATFORM)],
        "attempts": [_attempt(attempt) for attempt in queries.attempts(db(), row.id)],
        "items": [item(each) for each in found.items],
        "itemsNextCursor": found.next_cursor,
    }


def _step(event: Any) -> dict[str, Any]:
    return {
        "at": at(event.at),
        "by": event.actor,
        "fromStatus": event.from_state.upper() if event.from_state else None,
        "toStatus": event.to_state.upper(),
        "note": event.note,
    }


def _attempt(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "provider": PROVIDER_OF[row.rail],
        "providerReference": row.rail_reference or None,
        "status": row.status.upper(),
        "errorCode": row.error_code,
        "errorMessage": row.error_message,
        "createdAt": at(row.created_at),
        "answeredAt": at(row.answered_at),
        "settledAt": at(row.settled_at),
        "exportNumber": row.export_number,
    }


def item(row: Any) -> dict[str, Any]:
    """`amount` is the part of the earning that this payout has, `whole` all of it; below zero where it takes."""
    return {
        "earningId": str(row.earning_id),
        "kind": row.kind.value.upper(),
        "description": row.description,
        "reference": row.reference,
        "earnedOn": row.earned_on.isoformat(),
        "amountMinor": row.amount_minor,
        "wholeMinor": row.whole_minor,
    }
