"""Orders that a program of the organization writes down, or reads. The rules are those of the shops' webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.clock import utc_now
from app.core.errors import Invalid, NotFound
from app.core.scope import Permission
from app.gateways.shops import LONGEST_ID, ChangeKind, ShopChange, ShopOrder
from app.sales import queries, rules, service
from app.sales.states import Commission, OrderSource, OrderStatus
from portals.api import organizations
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.jsonio import Body, amount, cursor, limit, listed


@organizations.get("/orders")
def orders(organization_id: UUID) -> Response:
    """Newest first; `status`, `commission`, `source` and `code` narrow."""
    g.actor.require(Permission.SALES_READ)
    asked = Asked()
    status, commission = asked.word(OrderStatus, "status"), asked.word(Commission, "commission")
    source, code = asked.word(OrderSource, "source"), asked.text("code")
    asked.check()
    found = queries.orders(
        db(), organization_id=organization_id, status=status, commission=commission, source=source, code=code,
        cursor=cursor(), limit=limit(),
    )  # fmt: skip
    return listed(found, [_order(row) for row in found.items])


@organizations.post("/orders")
def new_order(organization_id: UUID) -> ResponseReturnValue:
    """`{orderId, number?, codes | code, amount, total?, orderedAt?, email?}` → 201, or 200 for one known already.

    `amount` is what commission is computed from: the goods after discounts, without tax and shipping.
    """
    body = Body()
    order_id = body.text("order_id", required=True, longest=LONGEST_ID)
    codes = body.names("codes") if body.has("codes") else [body.text("code", longest=LONGEST_ID)]
    basis = body.money()
    total = body.money("total", basis.currency) if body.has("total") else basis
    moment = _moment(body, "ordered_at")
    number = body.text("number", longest=LONGEST_ID, default=order_id)
    email = body.text("email", longest=254)
    if not any(code.strip() for code in codes):
        body.fault("code", _("Without a discount code an order is nobody's."))
    if basis.minor < 0 or total.minor < 0:
        body.fault("amount", _("Zero or more."))
    if total.currency != basis.currency:
        body.fault("total", _("In the same currency as the amount."))
    body.check()
    written = tuple(dict.fromkeys(code.strip()[: rules.LONGEST_CODE] for code in codes if code.strip()))
    told = ShopOrder(order_id, number, written, basis, total, moment, email)
    done = service.record_orders(db(), g.actor, organization_id, OrderSource.API, [told])
    row = queries.order_of_source(db(), organization_id, OrderSource.API, order_id)
    return jsonify(_order(row)), 201 if done.new else 200


@organizations.post("/orders/<reference>/changes")
def new_change(organization_id: UUID, reference: str) -> ResponseReturnValue:
    """`{changeId, kind: refund | cancel | chargeback, amount?, occurredAt?, note?}` → 201, or 200 for a known one.

    `reference` is the caller's own id of an order it sent, or will send. Without `amount`: the whole order.
    """
    g.actor.require(Permission.SALES_RECORD)
    body, currency = Body(), _currency(organization_id, reference)
    change_id = body.text("change_id", required=True, longest=LONGEST_ID)
    kind = body.choice("kind", ChangeKind, ChangeKind.REFUND)
    back = body.money("amount", currency or "USD") if body.has("amount") or body.has("amount_minor") else None
    moment, note = _moment(body, "occurred_at"), body.text("note", longest=300)
    if back is not None and back.minor <= 0:
        body.fault("amount", _("More than zero."))
    if back is not None and currency is not None and back.currency != currency:
        body.fault("amount", _("In the currency of the order, %(currency)s.", currency=currency))
    body.check()
    if len(reference) > LONGEST_ID:
        raise Invalid(_("The id of the order is too long."))
    told = ShopChange(change_id, reference, kind, moment, lines_minor=back.minor if back else None, note=note)
    new = service.record_change(db(), g.actor, organization_id, OrderSource.API, told)
    return jsonify(changeId=change_id, orderId=reference), 201 if new else 200


def _currency(organization_id: UUID, reference: str) -> str | None:
    """That of the order; None while it is not there."""
    try:
        return str(queries.order_of_source(db(), organization_id, OrderSource.API, reference).currency)
    except NotFound:
        return None


def _moment(body: Body, name: str) -> datetime:
    """ISO 8601 with a zone; now when it is left out."""
    given = body.text(name, longest=40)
    try:
        moment = datetime.fromisoformat(given) if given else utc_now()
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except ValueError:
        pass
    body.fault(name, _("A moment with its zone, like 2026-11-24T10:00:00Z."))
    return utc_now()


def _order(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "orderId": row.external_id,
        "source": str(row.source),
        "number": row.number,
        "code": row.code,
        "payeeId": str(row.payee_id) if row.payee_id else None,
        "amount": {"amountMinor": row.basis_minor, "currency": row.currency},
        "refunded": {"amountMinor": row.refunded_minor, "currency": row.currency},
        "orderedAt": row.ordered_at.isoformat(),
        "status": str(row.status).upper(),
        "commissionState": str(row.commission).upper(),
        "commission": amount(queries.commission_of(row)),
    }
