"""Received events: by state, with what they said (personal data masked, or as received for a reason), and run again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.crypto import CannotOpen
from app.core.errors import Conflict
from app.db.paging import AnyRow
from app.gateways.shops import Shop
from app.payouts import queries as payouts
from app.rails import registry
from app.webhooks import bodies, queries, rules, service
from app.webhooks.models import EventStatus
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

ORDERS = {
    Shop.SHOPIFY: _l("Shopify orders"),
    Shop.WOOCOMMERCE: _l("WooCommerce orders"),
    Shop.GENERIC: _l("Orders of other programs"),
}


@bp.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    want, labels = paging.wanted(), _labels()
    status = asking.one_of(EventStatus, request.args, "status")
    source, named = request.args.get("source", ""), request.args.get("id", "").strip()[:200]
    source = source if source in labels else ""
    chosen = [source] if source else list(labels) if named else []
    found = queries.events(db(), want.cursor, want.limit, status=status, sources=chosen, named=named)
    filters = {name: value for name, value in (("source", source), ("id", named)) if value}
    return page(
        "admin/webhooks/index.html",
        fragment="admin/webhooks/_part.html",
        found=found,
        neighbours=paging.neighbours(found),
        state=status,
        states=list(EventStatus),
        counts={} if filters else queries.counts(db()),
        capped=asking.capped,
        filters=filters,
        labels=labels,
    )


def _labels() -> dict[str, str]:
    """Sources by the name they are stored under."""
    rails = {rail.name: rail.label for rail in registry.RAILS.values() if not rail.exports}
    orders = {f"{service.ORDERS}{shop.value}": str(label) for shop, label in ORDERS.items()}
    return rails | {f"{service.CARDS}stripe": _("Stripe cards"), f"{service.CALENDAR}calcom": "Cal.com"} | orders


@bp.get("/webhooks/<uuid:event_id>")
def webhook(event_id: UUID) -> ResponseReturnValue:
    row = queries.event(db(), event_id)
    body, why = _masked_body(row)
    return page(
        "admin/webhooks/event.html",
        row=row,
        source=_labels().get(row.source, row.source),
        read=rules.pretty(rules.masked(row.event)),
        body=body,
        why=why,
        payout_id=_payout_of(row.event),
    )


def _payout_of(event: dict[str, Any]) -> UUID | None:
    """The payout of ours it is about."""
    key = (event.get("result") or {}).get("key", "")
    return payouts.payout_of(db(), key) if key else None


def _masked_body(row: AnyRow) -> tuple[str, str]:
    """The delivery for reading, and else why it is not shown."""
    if row.body_sealed is None:
        if row.source.startswith((service.ORDERS, service.CALENDAR)):
            return "", _("Deliveries of shops and calendars tell of buyers and guests and are not kept.")
        return "", _("It came in one delivery with an earlier event and is kept there.")
    try:
        shown = rules.masked_text(bodies.opened(row.id, row.body_sealed))
    except CannotOpen:
        return "", _("The key it was sealed with is not among the keys of this deployment.")
    return shown, "" if shown else _("It is not JSON, so it cannot be masked and is not shown.")


class ReasonForm(BaseForm):
    """Asked for again it changes nothing, so it needs no key."""

    reason = TextAreaField(
        _l("Why you need it"),
        [InputRequired(_l("Give a reason.")), Length(max=500)],
        description=_l("It goes on the audit trail with your name."),
    )


@bp.route("/webhooks/<uuid:event_id>/received", methods=["GET", "POST"])
@step_up_required
def webhook_received(event_id: UUID) -> ResponseReturnValue:
    """The delivery as it came, nothing masked; each look is written to the audit trail."""
    row, form, shown = queries.event(db(), event_id), ReasonForm(), ""
    if form.accepts():
        with form.refusals():
            try:
                body = bodies.open_as_received(db(), g.actor, event_id, form.reason.data or "")
            except CannotOpen:
                raise Conflict(_("The key it was sealed with is not among the keys of this deployment.")) from None
            shown = body.decode("utf-8", "replace")
    return page(
        "admin/webhooks/received.html", fragment="admin/webhooks/_received.html", row=row, form=form, shown=shown
    )


@bp.post("/webhooks/<uuid:event_id>/run")
def webhook_run(event_id: UUID) -> ResponseReturnValue:
    """Apply it once more; news applied twice changes nothing."""
    service.run_again(db(), g.actor, event_id)
    back = url_for(".webhook", event_id=event_id)
    return done(back=back, toast=(_("It is run again"), _("A job applies it in a moment.")))
