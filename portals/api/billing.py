"""Billing of an organization as JSON: where it stands, its invoices and credit notes, and billing it now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from app.billing import closing, invoice_cards, queries
from app.billing import invoice_queries as invoices
from app.billing.documents import DocumentKind
from app.billing.invoice_cards import CardStanding
from app.billing.invoice_queries import Standing
from app.billing.invoice_states import InvoiceOrigin
from app.charges import kept
from app.charges.kept_models import PaymentMethod
from app.core.errors import Forbidden
from app.core.scope import Permission
from app.organizations import service as directory
from portals.api import organizations
from portals.shared import invoices as shared
from portals.web.db import db
from portals.web.jsonio import amount, cursor, limit, listed


@organizations.get("/billing")
def billing_standing(organization_id: UUID) -> Response:
    """The mode, what is owed by currency, and the credits left."""
    g.actor.require(Permission.BILLING_READ)
    found = directory.get(db(), organization_id)
    standings = invoices.standings(db(), organization_id, found.currency)
    balances = queries.balances(db(), [organization_id])
    return jsonify(
        {
            "mode": found.billing_mode.value,
            "currency": found.currency,
            "byCurrency": [_standing(one) for one in standings],
            **_standing(standings[0]),
            "creditsLeft": sum(one.left for one in balances),
            "paymentMethod": _card(kept.active(db(), organization_id)),
        }
    )


def _card(card: PaymentMethod | None) -> dict[str, Any] | None:
    return None if card is None else {
        "brand": card.brand, "last4": card.last_four, "expMonth": card.expiry_month, "expYear": card.expiry_year,
        "addedAt": card.created_at.isoformat(),
    }  # fmt: skip


def _by_card(now: CardStanding) -> dict[str, Any]:
    """Whether the caller can pay it by card now, and what that is charged."""
    return {
        "payable": now.payable, "amount": amount(now.amount) if now.payable else None, "kept": _card(now.kept),
        "whyNot": now.why_not,
    }  # fmt: skip


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "unbilled": amount(one.unbilled),
        "outstanding": amount(one.outstanding),
        "overdue": amount(one.overdue),
        "creditNotes": amount(one.credited),
        "exposure": amount(one.exposure),
        "creditLimit": amount(one.limit),
        "funds": amount(one.funds),
        "openInvoices": one.open_number,
        "nextDueOn": one.next_due_on.isoformat() if one.next_due_on else None,
    }


@organizations.post("/billing/generate-invoice")
def generate_invoice(organization_id: UUID) -> ResponseReturnValue:
    """Bills everything up to now: 201 with the invoice of the organization's own currency, or of the first one;
    `invoices` has them all, one for each currency. Nothing to bill is 409."""
    g.actor.require(Permission.BILLING_MANAGE)
    if g.actor.organization_id not in (None, organization_id):
        raise Forbidden("This belongs to another organization.")
    with db().elevated("an organization is billed now"):
        made = closing.bill_one(db(), g.actor, organization_id, origin=InvoiceOrigin.REQUEST)
    rows = [invoices.document(db(), one, organization_id) for one in made]
    own = directory.get(db(), organization_id).currency
    first = next((row for row in rows if row.currency == own), rows[0])
    return jsonify({**_whole(first), "invoices": [_row(row) for row in rows]}), 201


@organizations.get("/billing/invoices")
def organization_invoices(organization_id: UUID) -> Response:
    """`view` (all, open, overdue, part_paid, paid, credit_notes, debit_notes), `q` (number), `from` and `to` narrow."""
    g.actor.require(Permission.BILLING_READ)
    found = invoices.documents(db(), shared.wanted_of(request.args, organization_id), cursor(), limit())
    return listed(found, [_row(row) for row in found.items])


@organizations.get("/billing/invoices/<uuid:invoice_id>")
def organization_invoice(organization_id: UUID, invoice_id: UUID) -> Response:
    g.actor.require(Permission.BILLING_READ)
    return jsonify(_whole(invoices.document(db(), invoice_id, organization_id)))


@organizations.get("/billing/invoices/<uuid:invoice_id>/pdf")
def organization_invoice_pdf(organization_id: UUID, invoice_id: UUID) -> Response:
    g.actor.require(Permission.BILLING_READ)
    invoices.document(db(), invoice_id, organization_id)  # a key of the platform sees every organization
    return shared.pdf_file(invoice_id)


def _row(row: Any) -> dict[str, Any]:
    """Amounts of a credit note are positive: `kind` says which way they go."""
    credit = row.kind is DocumentKind.CREDIT_NOTE
    return {
        "id": str(row.id),
        "number": row.number,
        "kind": row.kind.value.upper(),
        "origin": row.origin.value.upper(),
        "status": row.status.value.upper(),
        "badges": [word.upper() for word in shared.badges(row)],
        "issuedOn": row.issued_on.isoformat(),
        "dueOn": row.due_on.isoformat() if row.due_on else None,
        "periodStart": row.period_start.isoformat(),
        "periodEnd": row.period_end.isoformat(),
        "corrects": str(row.corrects_id) if row.corrects_id else None,
        "reason": row.reason or None,
        "currency": row.currency,
        "netMinor": row.net_minor,
        "taxMinor": row.tax_minor,
        "roundOffMinor": row.round_off_minor,
        "totalMinor": row.total_minor,
        "paidMinor": row.paid_minor,
        "creditedMinor": row.credited_minor,
        "openMinor": 0 if credit else row.open_minor,
        "paidAt": row.paid_at.isoformat() if row.paid_at else None,
    }


def _whole(row: Any) -> dict[str, Any]:
    return {
        **_row(row),
        "card": _by_card(invoice_cards.standing(db(), g.actor, row.id)),
        "lines": [
            {
                "description": line.description, "code": line.code or None, "quantity": line.quantity,
                "netMinor": line.net_minor, "taxBps": line.rate_bps if line.tax_minor else 0,
                "taxMinor": line.tax_minor, "creditedMinor": line.credited_minor,
            }
            for line in invoices.lines(db(), row.id)
        ],
        "payments": [
            {"paidWith": one.paid_with.value.upper(), "amountMinor": one.amount_minor, "currency": one.currency,
             "receivedOn": one.received_on.isoformat()}
            for one in invoices.payments(db(), row.id)
        ],
        "notes": [
            {"id": str(one.id), "kind": one.kind.value.upper(), "number": one.number, "totalMinor": one.total_minor,
             "issuedOn": one.issued_on.isoformat(), "reason": one.reason}
            for one in invoices.notes(db(), row.id)
        ],
    }  # fmt: skip
