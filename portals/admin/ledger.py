"""The books of one organization, entry by entry."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.ledger import queries
from app.ledger.recipes import Account
from app.ledger.service import all_funds
from app.payees import queries as payees
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page

# The kinds of `app.ledger.recipes`, as bookkeepers call them.
KINDS = {
    "deposit_confirmed": _l("Deposit confirmed"),
    "earning_held": _l("Bill approved, not due yet"),
    "earning_ready": _l("Bill approved and due"),
    "earning_released": _l("Bill due"),
    "earning_cancelled": _l("Approval taken back"),
    "earning_withheld": _l("Waits again"),
    "processor_fee": _l("Kept by the card provider"),
    "payout_reserved": _l("Taken into a payout"),
    "payout_released": _l("Given back by a payout"),
    "payout_funded": _l("Payout covered by funds"),
    "payout_unfunded": _l("Cover given back"),
    "payout_sent": _l("Handed to a rail"),
    "payout_bounced": _l("Refused by a rail"),
    "payout_unbounced": _l("Paid by a rail after all"),
    "payout_fee": _l("Fee of a rail"),
    "payout_paid": _l("Paid"),
    "payout_returned": _l("Returned after it was paid"),
    "charge_succeeded": _l("Paid by a client"),
    "charge_returned": _l("Gone back to a client"),
    "promotion_borne": _l("Discount the platform bears"),
    "promotion_returned": _l("Discount taken back"),
    "platform_fee": _l("Platform’s part"),
    "platform_fee_returned": _l("Platform’s part given back"),
    "tax_billed": _l("Tax on an invoice"),
    "total_rounded": _l("Invoice rounded"),
    "more_billed": _l("Debit note"),
    "invoice_paid": _l("Invoice paid"),
    "booking_covered": _l("Booking of a member"),
    "booking_uncovered": _l("Booking of a member given back"),
    "credits_bought": _l("Seat credits bought by card"),
    "credits_covered": _l("Seat credits bought from funds"),
    "credit_used": _l("Seat credit used"),
    "credit_returned": _l("Seat credit given back"),
    "credits_expired": _l("Seat credits expired"),
    "credits_refunded": _l("Seat credits refunded"),
    "credits_uncovered": _l("Seat credits refunded to funds"),
    "line_suspended": _l("Statement line in suspense"),
    "line_written_off": _l("Statement line written off"),
    "transfer_sent": _l("Sent to an account of our own"),
    "transfer_arrived": _l("Arrived from an account of our own"),
}
ACCOUNTS = {
    Account.CASH: _l("Cash"),
    Account.CLEARING: _l("Clearing"),
    Account.FUNDS: _l("Funds"),
    Account.RECEIVABLE: _l("Receivable"),
    Account.PREPAID_CREDITS: _l("Prepaid credits"),
    Account.PAYEE_HELD: _l("Payee held"),
    Account.PAYEE_AVAILABLE: _l("Payee available"),
    Account.PAYEE_IN_TRANSIT: _l("Payee in transit"),
    Account.PLATFORM_REVENUE: _l("Platform revenue"),
    Account.PROMOTIONS: _l("Promotions"),
    Account.OUTPUT_TAX: _l("Output tax"),
    Account.PROCESSOR_FEES: _l("Fees of card providers"),
    Account.SUSPENSE: _l("Suspense"),
    Account.WRITE_OFFS: _l("Write-offs"),
    Account.TRANSFERS: _l("Between our accounts"),
}


@bp.get("/ledger")
def ledger() -> ResponseReturnValue:
    """Without an organization: whose books to open."""
    organization = asking.organization_named(request.args.get("organization", ""))
    if organization is None:
        return page("admin/ledger/choose.html", organizations=asking.organization_choices())
    want, kind = paging.wanted(), request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    found = queries.entries(db(), organization.id, kind=kind, cursor=want.cursor, limit=want.limit)
    lines = queries.lines(db(), [row.id for row in found.items])
    ids = {line.payee_id for entry in lines.values() for line in entry if line.payee_id}
    return page(
        "admin/ledger/index.html",
        fragment="admin/ledger/_list.html",
        found=found,
        lines=lines,
        names=payees.names(db(), list(ids)),
        neighbours=paging.neighbours(found),
        organization=organization,
        organizations=asking.organization_choices(),
        kind=kind,
        kinds=KINDS,
        accounts=ACCOUNTS,
        funds=all_funds(db(), organization.id),
    )
