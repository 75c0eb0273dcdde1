"""The card an organization keeps: what of it is shown, an invoice paid with it by one click, and removing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.billing import invoice_cards, parties
from app.billing import invoice_queries as invoices
from app.billing.documents import Bank
from app.billing.invoice_cards import CardState
from app.charges import kept
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Permission
from portals.org import bp
from portals.org.asking import one_id
from portals.shared import cards
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, go, page


def shown() -> dict[str, Any] | None:
    """The card that is kept, for pages; None: no card."""
    card = kept.active(db(), g.organization.id)
    if card is None:
        return None
    return {
        "id": card.id, "name": cards.named(card), "expires": f"{card.expiry_month:02}/{card.expiry_year}",
        "expired": kept.expired(card), "added_by": card.added_by, "added_at": card.created_at,
    }  # fmt: skip


def bank() -> Bank | None:
    """Where else invoices are paid; None while the platform has not said so."""
    with db().elevated("where an organization pays its invoices"):
        try:
            return parties.issuer(db()).bank
        except Conflict:
            return None


@bp.post("/billing/invoices/<uuid:invoice_id>/kept-card")
@require(Permission.BILLING_MANAGE)
def invoice_kept_payment(invoice_id: UUID) -> ResponseReturnValue:
    """One click, for the amount on the button. Sent twice, the card is charged once."""
    row = invoices.document(db(), invoice_id, g.organization.id)
    back = url_for(".org_invoice", invoice_id=row.id)
    if invoice_cards.standing(db(), g.actor, row.id).state in (CardState.CLOSED, CardState.SPENT):
        return go(back)
    card_id = one_id(request.form, "card")
    if card_id is None:
        raise NotFound(_("There is no such card."))
    invoice_cards.pay_kept(db(), g.actor, row.id, card_id, _on_the_button())
    return done(back=back, toast=(_("Your card is being charged"), _("The invoice is paid once it is.")))


def _on_the_button() -> Money:
    """Raises Invalid for a form that does not say what was shown."""
    try:
        return Money(int(request.form.get("minor", "")), request.form.get("currency", ""))
    except ValueError:
        raise Invalid(_("This does not say how much is paid. Look at the invoice again.")) from None


@bp.route("/billing/card/removal", methods=["GET", "POST"])
@require(Permission.BILLING_MANAGE)
def card_removal() -> ResponseReturnValue:
    """Asks first: nothing is charged with it any more."""
    card = shown()
    if card is None:
        raise NotFound(_("No card is kept."))
    form = BaseForm()
    if form.accepts():
        kept.remove(db(), g.actor, g.organization.id, card["id"])
        return done(back=url_for(".billing"), toast=_("%(card)s is removed.", card=card["name"]))
    return page("org/billing/removal.html", fragment="org/billing/_removal.html", form=form, method=card)
