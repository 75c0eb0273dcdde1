"""`/api/admin/payouts`: every payout of every organization, one of them whole, and payouts made by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid, NotFound
from app.core.money import CURRENCIES, MAX_MINOR, Money
from app.core.scope import Permission
from app.payouts import by_hand, listing, queries
from portals.api import payout_asking as asking
from portals.api import payout_json as shown
from portals.api import platform, proved
from portals.api.payout_asking import NOBODY
from portals.web.db import db
from portals.web.jsonio import Body, cursor, limit, listed


@platform.get("/payouts")
def payouts() -> Response:
    """Newest first; the filters are `payout_asking.chosen`'s. `skip` reads at most 10,000 rows it leaves out."""
    g.actor.require(Permission.PAYOUT_READ)
    found = queries.payouts(db(), asking.chosen(), cursor(), limit(), skip=asking.skip())
    return listed(found, shown.listed_rows(found.items))


def one(payout_id: UUID) -> Any:
    """The row of one payout. Raises NotFound."""
    row = queries.payout(db(), payout_id)
    if row is None:
        raise NotFound(_("There is no such payout."))
    return row


@platform.get("/payouts/<uuid:payout_id>")
def payout(payout_id: UUID) -> Response:
    """With its timeline, every attempt, and its first 200 items."""
    g.actor.require(Permission.PAYOUT_READ)
    return jsonify(shown.whole(one(payout_id)))


@platform.get("/payouts/<uuid:payout_id>/items")
def payout_items(payout_id: UUID) -> Response:
    """What it is made of, oldest first."""
    g.actor.require(Permission.PAYOUT_READ)
    found = listing.items(db(), one(payout_id).id, cursor(), limit())
    return listed(found, [shown.item(row) for row in found.items])


@platform.post("/payouts")
def new_payout() -> ResponseReturnValue:
    """`{payeeId, amountMinor, currency, reason, organizationId?}` → 201, a payout that somebody else has to approve."""
    g.actor.require(Permission.BATCH_MANAGE)
    proved()
    body = Body()
    minor, currency = (
        body.whole("amount_minor", most=MAX_MINOR),
        body.text("currency", required=True, longest=3).upper(),
    )
    if minor is None:
        body.fault("amount_minor", _("This is needed."))
    if currency and currency not in CURRENCIES:
        body.fault("currency", _("currency is a code like USD."))
    payee_id, organization_id = _id(body, "payee_id", required=True), _id(body, "organization_id")
    reason = body.text("reason", required=True, longest=by_hand.LONGEST)
    body.check()
    try:
        made = by_hand.make(
            db(), g.actor, payee_id=payee_id or NOBODY, amount=Money(minor or 0, currency), reason=reason,
            organization_id=organization_id,
        )  # fmt: skip
    except Invalid as refusal:
        named = {"amount_minor" if name == "amount" else name: said for name, said in refusal.fields.items()}
        raise Invalid(refusal.message, fields=named) from None
    return jsonify(shown.one(one(made.id))), 201


def _id(body: Body, name: str, *, required: bool = False) -> UUID | None:
    given = body.text(name, required=required, longest=100)
    try:
        return UUID(given) if given else None
    except ValueError:
        body.fault(name, _("An id like 018f5e2e-…."))
        return None
