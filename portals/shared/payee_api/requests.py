"""Bills of contractors and vendors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue

from app.core.clock import today
from app.payables import rules, service
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.reporting import money_map
from app.reporting.money_map import Group
from portals.shared.payee import payers
from portals.shared.payee.requests import mine
from portals.shared.payee_api.payments import line_json, place_json
from portals.web.asked import word
from portals.web.db import db
from portals.web.jsonio import Body, amount, cursor, limit, listed


def requests() -> ResponseReturnValue:
    """Newest first; `state` narrows to draft, review, approved or rejected ones."""
    payer = payers.chosen()
    found = money_map.bills(
        db(), g.actor.payee_id, group=word(Group, "state") or Group.ALL,
        organization_id=payer.organization_id if payer else None, cursor=cursor(), limit=limit(),
    )  # fmt: skip
    return listed(found, [line_json(line) for line in found.items])


def new_request() -> ResponseReturnValue:
    """`{description, amount, invoiceOn, workType, invoiceNumber, project, draft, evenSo}` → 201.

    A bill like another one (same amount and date) is a 409 until it is sent with `evenSo: true`.
    """
    body = Body()
    slug, all_mine = body.text("organization"), payers.mine()
    payer = payers.by_slug(slug) if slug or len(all_mine) != 1 else all_mine[0]
    content = RequestForm(
        amount=body.money(currency=payer.currency),
        description=body.text("description", required=True, longest=rules.LONGEST_DESCRIPTION),
        invoice_on=body.day("invoice_on", today()),
        work_type=body.choice("work_type", WorkType, WorkType.OTHER),
        invoice_number=body.text("invoice_number", longest=rules.LONGEST_INVOICE_NUMBER),
        project=body.text("project", longest=rules.LONGEST_PROJECT),
    )
    draft, even_so = body.flag("draft"), body.flag("even_so")
    body.check()
    if draft:
        made = service.draft(db(), g.actor, payer.organization_id, content)
    else:
        made = service.submit_new(db(), g.actor, payer.organization_id, content, even_so=even_so)
    return jsonify(_bill(mine(made.id))), 201


def show_request(request_id: Any) -> ResponseReturnValue:
    return jsonify(_bill(mine(request_id)))


def _bill(bill: Any) -> dict[str, Any]:
    return {
        "id": str(bill.id),
        "organizationName": bill.organization_name,
        "reference": bill.reference,
        "invoiceNumber": bill.invoice_number,
        "invoiceOn": bill.invoice_on.isoformat(),
        "dueOn": bill.due_on.isoformat() if bill.due_on else None,
        "description": bill.description,
        "workType": WorkType(bill.work_type).value,
        "project": bill.project,
        "status": str(bill.status).upper(),
        "amount": amount(money_map.asked(bill)),
        "approved": amount(money_map.agreed(bill)),
        "place": place_json(money_map.place_of_bill(bill)),
    }


def mount(bp: Blueprint) -> None:
    bp.get("/payments/requests")(requests)
    bp.post("/payments/requests", endpoint="new_request")(new_request)
    bp.get("/payments/requests/<uuid:request_id>", endpoint="show_request")(show_request)
