"""Consultations of every organization, and money that goes back to clients; for a signed-in admin."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.billing import invoice_queries as invoices
from app.charges import client_queries
from app.consultations import by_hand
from app.consultations import platform_queries as queries
from app.consultations.platform_queries import Wanted
from app.consultations.states import ConsultationStatus, PaidBy, Practice
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import MAX_MINOR, Money
from app.core.scope import Permission
from app.organizations import queries as organizations
from portals.api import payments, platform_v1
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.jsonio import Body, cursor, limit


@platform_v1.get("/consultations", endpoint="consultations")
def index() -> Response:
    """`q` (client, consultant, title or id), `status`, `practice`, `paid_by`, `organization` (slug), `payee_id`,
    `start_date` and `end_date` (days in UTC, both included) narrow; the latest start first."""
    g.actor.require(Permission.PLATFORM)
    asked = Asked()
    slug, start, end = asked.text("organization"), asked.day("start_date"), asked.day("end_date")
    wanted = Wanted(
        search=asked.text("q", longest=queries.LONGEST_SEARCH),
        status=asked.word(ConsultationStatus, "status"),
        practice=asked.word(Practice, "practice"),
        paid_by=asked.word(PaidBy, "paid_by"),
        organization_id=organizations.by_slug(db(), slug).id if slug else None,
        payee_id=asked.one_id("payee_id"),
        since=datetime.combine(start, time(), UTC) if start else None,
        until=datetime.combine(end + timedelta(days=1), time(), UTC) if end else None,
    )
    asked.check()
    found = queries.consultations(db(), wanted, cursor(), limit())
    return jsonify(data=[_row(row) for row in found.items], next_cursor=found.next_cursor)


def _row(row: Any) -> dict[str, Any]:
    return {
        "consultation_id": str(row.id),
        "title": row.title,
        "kind": row.kind.value,
        "practice": row.practice.value,
        "status": row.status.value,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "organization": row.slug,
        "advisor_id": str(row.payee_id),
        "advisor_name": row.consultant,
        "client_name": row.client,
        "client_email": row.client_email,
        "paid_by": row.paid_by.value,
        "buyer": row.buyer_slug,
        "own_consultant": row.buyer_organization_id == row.organization_id,
        "currency": row.currency,
        "list_price_cents": row.list_minor,
        "price_cents": row.price_minor,
        "platform_fee_cents": row.platform_minor,
        "organization_cents": row.organization_minor,
        "advisor_earnings_cents": row.consultant_minor,
        "payment_id": str(row.charge_id) if row.charge_id else None,
        "payment_status": row.charge_status.value if row.charge_status else None,
        "refunded_cents": row.refunded_minor,
        "created_at": row.created_at.isoformat(),
    }


@payments.post("/refunds")
def refund() -> ResponseReturnValue:
    """`{paymentId, amountMinor?, reason, note?}` → 201. Without an amount: all that is left. It goes the way it was
    paid and counts once the provider says so. More than is left is 422; `reason` is read by the consultant."""
    g.actor.require(Permission.PLATFORM)
    body = Body()
    given, reason = body.text("payment_id", required=True, longest=100), body.text("reason", required=True, longest=500)
    note, wanted = body.text("note", longest=500), body.whole("amount_minor", most=MAX_MINOR)
    body.check()
    try:
        payment_id = UUID(given)
    except ValueError:
        raise NotFound(_("There is no such payment.")) from None
    charge = client_queries.one_charge(db(), payment_id)
    if charge.subject_kind != queries.SUBJECT:
        raise Conflict(_("This payment is not of a consultation."))
    amount = None if wanted is None else Money(wanted, charge.currency)
    left = client_queries.left_of(charge, client_queries.returns(db(), charge.id))
    if left is not None and (not left or (amount or left) > left) and charge.amount_minor:
        said = _("%(left)s %(currency)s can still go back.", left=left.plain(), currency=left.currency)
        raise Invalid(said, fields={"amount_minor": said})
    back = by_hand.refund(db(), g.actor, charge.subject_id, amount, reason, note)
    billed = invoices.of_charge(db(), charge.id)
    return jsonify(
        {
            "refundId": str(back.id),
            "paymentId": str(charge.id),
            "consultationId": str(charge.subject_id),
            "amountMinor": back.amount_minor,
            "currency": back.currency,
            "status": back.status.value.upper(),
            "routedBy": charge.provider.value.upper(),
            "reason": back.reason,
            "creditNoteId": next((str(row.id) for row in billed if row.return_id == back.id), None),
        }
    ), 201
