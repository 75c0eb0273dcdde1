"""Payout methods: where this payee is paid. One form for every rail, made from the fields the rail declares."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import CURRENCIES
from app.methods import queries, service
from app.methods.models import Method
from app.payees.models import Payee
from app.payouts import destinations
from app.rails import registry
from app.rails.base import Field, Rail
from portals.shared import connect
from portals.shared.payee.availability import availability
from portals.shared.payee.ways import ways
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.formats import masked
from portals.web.forms import BaseForm, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

PREFIX = "detail_"  # so that no field of a rail meets a name of the form's own


def methods() -> ResponseReturnValue:
    found = queries.methods(db(), g.actor.payee_id, disabled_too=True)
    return page(
        "shared/payee/methods/index.html",
        fragment="shared/payee/methods/_list.html",
        **_shown(found),
    )


def _shown(found: Any) -> dict[str, Any]:
    return {
        "methods": found,
        "proofs": destinations.records(db(), g.actor.payee_id),
        "now": utc_now(),
        "rails": registry.RAILS,
        "offered": _offered(),
    }


def _offered() -> list[Rail]:
    """Those whose details are typed here."""
    return registry.typed()


def form_of(rail: Rail) -> type[BaseForm]:
    """A form class with the rail's fields; the rail itself checks what is in them."""
    currencies = sorted(rail.currencies & CURRENCIES) if rail.currencies else sorted(CURRENCIES)
    any_label = _l("Any currency this method takes")
    fields: dict[str, Any] = {PREFIX + field.name: _control(field) for field in rail.fields}
    fields["currency"] = SelectField(
        _l("Use it for"), choices=lambda: [("", any_label), *((code, code) for code in currencies)], default=""
    )
    fields["default"] = BooleanField(_l("Pay me here from now on"), default=True)
    return type(f"{rail.name.title().replace('_', '')}Form", (OnceForm,), fields)


def _control(field: Field) -> Any:
    """A choice where the rail has some to offer, else a line of text."""
    wanted = InputRequired(_l("Fill this in.")) if field.required else Optional()
    if field.choices:
        empty = [] if field.required else [("", _l("Choose"))]
        return SelectField(field.label, [wanted], choices=lambda: [*empty, *field.choices], description=field.hint)
    return StringField(
        field.label,
        [wanted, Length(max=200)],
        description=field.hint,
        render_kw={
            "autocomplete": field.autocomplete,
            "spellcheck": "false",
            **({"data-only": field.only} if field.only else {}),
        },
    )


@step_up_required
def new_method() -> ResponseReturnValue:
    """Without a rail chosen, the choice; then that rail's form."""
    offered = _offered()
    rail = next((r for r in offered if r.name == request.args.get("rail")), None)
    if rail is None:
        return page("shared/payee/methods/choose.html", ways=ways(g.actor.payee_id))
    form = form_of(rail)()
    if form.accepts():
        try:
            with form.refusals():
                return _added(_add(rail, form))
        except Conflict as refusal:
            form.blame(refusal)
    waits = bool(queries.methods(db(), g.actor.payee_id, disabled_too=True))
    return page(
        "shared/payee/methods/new.html",
        fragment="shared/payee/methods/_form.html",
        form=form,
        rail=rail,
        names=[PREFIX + field.name for field in rail.fields],
        reach=availability(rail, _country()),
        several=len(offered) > 1,
        waits=waits,
    )


def _country() -> str | None:
    """Of the signed-in payee, where it is known."""
    return db().get_one(Payee, g.actor.payee_id).country


def _add(rail: Rail, form: BaseForm) -> Method:
    details = {field.name: form[PREFIX + field.name].data or "" for field in rail.fields}
    try:
        return service.add(
            db(),
            g.actor,
            g.actor.payee_id,
            rail=rail.name,
            fields=details,
            currency=form["currency"].data or None,
            default=form["default"].data,
        )
    except (Invalid, Conflict) as refusal:
        # the rail names its own fields; the form has them under a prefix
        refusal.fields = {PREFIX + n if PREFIX + n in form else n: said for n, said in refusal.fields.items()}
        raise


def _added(made: Method) -> ResponseReturnValue:
    shown = f"{made.label} {masked(made.last4)}" if made.last4 else made.label
    if made.usable_from_at > utc_now():
        text = _("It can be used from %(moment)s.", moment=date_text(made.usable_from_at, "full"))
    else:
        text = _("You are paid there from now on.") if made.is_default else ""
    return done(back=url_for(".methods"), toast=(_("%(method)s added", method=shown), text))


@step_up_required
def method_default(method_id: UUID) -> ResponseReturnValue:
    made = service.make_default(db(), g.actor, _mine(method_id))
    return _changed(_("You are paid by %(method)s from now on.", method=made.label))


@step_up_required
def method_removal(method_id: UUID) -> ResponseReturnValue:
    """Asks first; what is on its way is not touched."""
    _mine(method_id)
    form = BaseForm()
    if form.accepts():
        gone = service.disable(db(), g.actor, method_id)
        return _changed(_("%(method)s is not used any more.", method=gone.label))
    method = next((m for m in queries.methods(db(), g.actor.payee_id) if m.id == method_id), None)
    if method is None:
        raise NotFound(_("There is no such payout method."))
    return page(
        "shared/payee/methods/removal.html",
        fragment="shared/payee/methods/_removal.html",
        form=form,
        method=method,
    )


def _mine(method_id: UUID) -> UUID:
    """Staff scopes see methods of others; this page never does. Raises NotFound."""
    if all(m.id != method_id for m in queries.methods(db(), g.actor.payee_id, disabled_too=True)):
        raise NotFound(_("There is no such payout method."))
    return method_id


def _changed(said: str) -> ResponseReturnValue:
    found = queries.methods(db(), g.actor.payee_id, disabled_too=True)
    return done("shared/payee/methods/_list.html", back=url_for(".methods"), toast=said, **_shown(found))


def mount(bp: Blueprint) -> None:
    base = "/settings/payout-methods"
    connect.Pages(lambda: g.actor.payee_id, ".methods", _l("Payout methods")).mount(bp, f"{base}/stripe")
    bp.get(base)(methods)
    bp.route(f"{base}/new", methods=["GET", "POST"])(new_method)
    bp.post(f"{base}/<uuid:method_id>/default")(method_default)
    bp.route(f"{base}/<uuid:method_id>/removal", methods=["GET", "POST"])(method_removal)
