"""Shops that send their orders: added with a secret shown once, given a new one, switched off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Permission
from app.core.settings import settings
from app.db.paging import AnyRow
from app.gateways.shops import Shop
from app.sales import codes as service
from app.sales import deliveries, listing
from app.sales.codes import LONGEST_NAME, LONGEST_SECRET
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

SHOPS = {Shop.SHOPIFY: _l("Shopify"), Shop.WOOCOMMERCE: _l("WooCommerce"), Shop.GENERIC: _l("Another program")}


class SecretForm(BaseForm):
    secret = StringField(
        _l("Signing secret"),
        [Optional(), Length(max=LONGEST_SECRET)],
        description=_l("The one Shopify shows. For any other shop leave it empty, and one is made."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )

    def check_shopify(self, shop: Shop) -> None:
        """Raises Invalid: Shopify signs with a secret of its own."""
        if shop is Shop.SHOPIFY and not (self.secret.data or "").strip():
            sentence = _("Copy the secret that Shopify shows below its webhooks.")
            raise Invalid(sentence, fields={"secret": sentence})


class NewStoreForm(SecretForm):
    shop = RadioField(
        _l("Which shop?"),
        [InputRequired(_l("Choose one."))],
        choices=[(shop.value, word) for shop, word in SHOPS.items()],
    )
    name = StringField(_l("Name"), [InputRequired(_l("Give a name.")), Length(max=LONGEST_NAME)])


def address_of(shop: Shop) -> str:
    """Where the shop sends its calls."""
    path = url_for("webhooks.order_events", shop_name=shop.value, organization=g.organization.slug)
    return f"{settings().base_url}{path}"


def _of(store_id: UUID) -> AnyRow:
    """Raises NotFound."""
    found = next((row for row in listing.stores(db(), g.organization.id) if row.id == store_id), None)
    if found is None:
        raise NotFound(_("There is no such store."))
    return found


@bp.get("/stores")
@require(Permission.SALES_READ)
def stores() -> ResponseReturnValue:
    found = listing.stores(db(), g.organization.id)
    return page(
        "org/stores/index.html",
        found=found,
        shops=SHOPS,
        amiss=deliveries.amiss(db(), g.actor, g.organization.id) if found else {},
        address_of=address_of,
        may_add=g.actor.can(Permission.STORE_MANAGE) and len(found) < len(SHOPS),
    )


@bp.route("/stores/new", methods=["GET", "POST"])
@require(Permission.STORE_MANAGE)
@step_up_required
def new_store() -> ResponseReturnValue:
    """The secret is in the answer itself and nowhere again."""
    form = NewStoreForm()
    taken = {row.shop.value for row in listing.stores(db(), g.organization.id)}
    form.shop.choices = [choice for choice in form.shop.choices if choice[0] not in taken]
    if form.accepts():
        try:
            with form.refusals():
                shop = Shop(form.shop.data)
                form.check_shopify(shop)
                made = service.add_store(
                    db(), g.actor, g.organization.id, shop, form.name.data, form.secret.data or ""
                )  # fmt: skip
                return _shown(made, shop, form.name.data)
        except Conflict as there:
            form.blame(there)
    return page("org/stores/new.html", fragment="org/stores/_new.html", form=form)


@bp.route("/stores/<uuid:store_id>/secret", methods=["GET", "POST"])
@require(Permission.STORE_MANAGE)
@step_up_required
def store_secret(store_id: UUID) -> ResponseReturnValue:
    """Another secret; calls signed with the former one are refused at once."""
    row = _of(store_id)
    form = SecretForm()
    if form.accepts():
        with form.refusals():
            form.check_shopify(row.shop)
            made = service.rotate(db(), g.actor, g.organization.id, store_id, form.secret.data or "")
            return _shown(made, row.shop, row.name)
    return page("org/stores/rotate.html", fragment="org/stores/_rotate.html", form=form, row=row)


def _shown(made: Any, shop: Shop, name: str) -> ResponseReturnValue:
    return page(
        "org/stores/secret.html",
        fragment="org/stores/_secret.html",
        made=made,
        shop=shop,
        name=name,
        address=address_of(shop),
        shops=SHOPS,
    )


@bp.post("/stores/<uuid:store_id>/switch")
@require(Permission.STORE_MANAGE)
def store_switch(store_id: UUID) -> ResponseReturnValue:
    """`to` is on or off."""
    row, on = _of(store_id), request.form.get("to") == "on"
    service.switch_store(db(), g.actor, g.organization.id, store_id, active=on)
    said = _("%(name)s is on", name=row.name) if on else _("%(name)s is off", name=row.name)
    return done(back=url_for(".stores"), toast=said)
