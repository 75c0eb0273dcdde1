"""What an organization itself earned, as JSON: its payouts and where they go. For its owners, signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.methods import queries as methods
from app.methods import service
from app.organizations import own_payee
from app.organizations.gating import require_tier
from app.payouts import batches, queries
from app.payouts.rules import payout_number
from app.rails import registry
from app.reporting import provider
from portals.api import organizations, proved
from portals.web.db import db
from portals.web.jsonio import Body, cursor, limit, listed

# Words others use for fields of a bank account.
_ALSO = {"account_holder": ("account_holder_name",), "bank_code": ("ifsc", "ifsc_code"), "bic": ("swift",)}


def _own(organization_id: UUID, needed: Permission = Permission.ORGANIZATION_PAYOUT) -> UUID:
    """The organization's own payee, for its owners. Raises SwitchedOff, Forbidden, NotFound."""
    require_tier()
    g.actor.require(needed)
    g.actor.require_organization(organization_id)
    found = own_payee.find(db(), organization_id)
    if found is None:
        raise NotFound("This organization earns nothing of its own.")
    return found


@organizations.get("/payouts")
def organization_payouts(organization_id: UUID) -> Response:
    """Batches its owners asked for, newest first; for admins, too."""
    _own(organization_id, Permission.ORGANIZATION_EARNINGS)
    found = queries.batches(db(), organization_id, cursor(), limit(), own=True)
    contents = provider.contents(db(), [row.id for row in found.items])
    return listed(found, [_batch(row, contents[row.id]) for row in found.items])


def _batch(row: Any, of: provider.Contents) -> dict[str, Any]:
    return {
        "batchId": str(row.id),
        "number": row.number,
        "status": row.status.value.upper(),
        "periodStart": of.first.isoformat() if of.first else None,
        "periodEnd": of.last.isoformat() if of.last else None,
        "createdAt": row.created_at.isoformat(),
        "createdBy": row.created_by,
        "payouts": [
            {
                "payoutId": str(one.id),
                "number": payout_number(one.id),
                "status": one.status.value.upper(),
                "amountMinor": one.amount_minor,
                "currency": one.currency,
                "accountNumberLast4": one.last4,
                "failureMessage": one.failure_message,
                "paidAt": one.paid_at.isoformat() if one.paid_at else None,
            }
            for one in of.payouts
        ],
    }


@organizations.post("/payouts")
def ask_for_payout(organization_id: UUID) -> ResponseReturnValue:
    """Everything that is ready: 201 with the batch the platform approves. Nothing ready is 409."""
    _own(organization_id)
    proved()
    return jsonify({"batchId": str(batches.ask_own(db(), g.actor, organization_id).id)}), 201


@organizations.delete("/payouts/<uuid:batch_id>")
def take_payout_back(organization_id: UUID, batch_id: UUID) -> ResponseReturnValue:
    """204, and what was in it is ready again; 409 once the platform has approved it."""
    _own(organization_id)
    batches.take_back(db(), g.actor, batch_id)
    return "", 204


@organizations.get("/payout-account")
def payout_account(organization_id: UUID) -> Response:
    """The one in use; 404 without one."""
    return jsonify(_account(_used(_own(organization_id))))


@organizations.put("/payout-account")
def put_payout_account(organization_id: UUID) -> Response:
    """Be paid there from now on. Another one than the first is used after 72 hours. The same once more changes
    nothing."""
    payee_id = _own(organization_id)
    proved()
    body = Body()
    rail = registry.rail(body.text("rail", default="bank_file"))
    fields = {
        field.name: next((said for name in (field.name, *_ALSO.get(field.name, ())) if (said := body.text(name))), "")
        for field in rail.fields
    }
    if "country" in fields and not fields["country"] and (body.has("ifsc") or body.has("ifsc_code")):
        fields["country"] = "IN"
    currency = body.text("currency", longest=3).upper() or None
    body.check()
    there = service.find_same(db(), g.actor, payee_id, rail=rail.name, fields=fields, currency=currency)
    if there is None:
        made = service.add(db(), g.actor, payee_id, rail=rail.name, fields=fields, currency=currency)
    else:
        made = service.make_default(db(), g.actor, there.id)
    return jsonify(_account(_used(payee_id, made.id)))


@organizations.delete("/payout-account")
def remove_payout_account(organization_id: UUID) -> ResponseReturnValue:
    """Nothing is paid there any more; payouts on their way are not touched."""
    payee_id = _own(organization_id)
    proved()
    _used(payee_id)
    for one in methods.methods(db(), payee_id):
        service.disable(db(), g.actor, one.id)
    return "", 204


def _used(payee_id: UUID, method_id: UUID | None = None) -> AnyRow:
    """The account in use, or this one. Raises NotFound."""
    mine = methods.methods(db(), payee_id)
    found = next((one for one in mine if (one.is_default if method_id is None else one.id == method_id)), None)
    if found is None:
        raise NotFound("There is no payout account.")
    return found


def _account(row: AnyRow) -> dict[str, Any]:
    return {
        "payoutAccountId": str(row.id),
        "rail": row.rail,
        "label": row.label,
        "accountNumberLast4": row.last4,
        "currency": row.currency,
        "usableFrom": row.usable_from_at.isoformat(),
        "createdAt": row.created_at.isoformat(),
    }
