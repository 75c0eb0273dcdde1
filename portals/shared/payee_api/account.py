"""Settings and the tax form's state. A number of an account or a taxpayer is never in an answer, only its end."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import service as audit
from app.core.errors import Forbidden
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import queries as methods
from app.methods import service as method_service
from app.notify import choices
from app.notify.models import Channel
from app.tax import queries as tax_queries
from portals.web import session
from portals.web.db import db
from portals.web.jsonio import Body, camel


def profile() -> ResponseReturnValue:
    who = g.account
    return jsonify(name=who.name, email=who.email, locale=who.locale, timeZone=who.time_zone)


def change_profile() -> ResponseReturnValue:
    """`{name?, locale?, timeZone?}`: what is left out stays."""
    body, who = Body(), g.account
    new = {
        "name": body.text("name", longest=100, default=who.name),
        "locale": body.text("locale", longest=20, default=who.locale),
        "time_zone": body.text("time_zone", longest=60, default=who.time_zone),
    }
    body.check()
    identity.set_profile(db(), who.account_id, **new)
    audit.record(db(), g.actor, "account.profile_changed", "account", who.account_id)
    return jsonify({camel(name): value for name, value in new.items()} | {"email": who.email})


def notifications() -> ResponseReturnValue:
    """Every event with whether it is mailed; under `portal` whether it stands in the portal."""
    return jsonify(_notices())


def change_notifications() -> ResponseReturnValue:
    """`{"<event>": true | false, …, "portal": {"<event>": true | false, …}}`: what is left out stays."""
    body, known = Body(), [event.name for event in choices.events_of(g.account.portal)]
    for channel, said in ((Channel.EMAIL, body), (Channel.PORTAL, body.part("portal"))):
        off = choices.off(db(), g.account.email, channel)
        on = [name for name in known if said.flag(name, default=name not in off)]
        said.check()
        choices.choose(db(), g.account, channel, on)
    return jsonify(_notices())


def _notices() -> dict[str, Any]:
    mailed, shown = (
        {camel(event.name): event.name not in off for event in choices.events_of(g.account.portal)}
        for off in (choices.off(db(), g.account.email, channel) for channel in Channel)
    )
    return {**mailed, "portal": shown}


def payout_methods() -> ResponseReturnValue:
    return jsonify(data=[_method(row) for row in methods.methods(db(), g.actor.payee_id)], nextCursor=None)


def add_payout_method() -> ResponseReturnValue:
    """`{rail, details: {…}, currency?, default?}` → 201. Needs a sign-in of the last minutes; 403 says so."""
    if not session.is_stepped_up():
        raise Forbidden(_("Sign in again first: a payout method is changed only shortly after signing in."))
    body = Body()
    rail, details = body.text("rail", required=True, longest=40), body.fields("details")
    code, default = body.text("currency", longest=3), body.flag("default", default=True)
    body.check()
    made = method_service.add(
        db(), g.actor, g.actor.payee_id, rail=rail, fields=details, currency=code or None, default=default
    )
    row = next(row for row in methods.methods(db(), g.actor.payee_id) if row.id == made.id)
    return jsonify(_method(row)), 201


def _method(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "rail": row.rail,
        "label": row.label,
        "last4": row.last4,
        "currency": row.currency,
        "isDefault": row.is_default,
        "usableFromAt": row.usable_from_at.isoformat() if row.usable_from_at else None,
    }


def tax() -> ResponseReturnValue:
    """`form` is null until one is signed; `askedBy` names who pays only with one."""
    versions = tax_queries.w9_versions(db(), g.actor.payee_id)
    newest = versions[0] if versions else None
    form = newest and {
        "kind": "W-9",
        "version": newest.version,
        "classification": str(newest.classification),
        "tinLast4": newest.tin_last4,
        "signedAt": newest.signed_at.isoformat(),
    }
    return jsonify(form=form, askedBy=tax_queries.who_asks(db(), g.actor.payee_id))


def mount(bp: Blueprint, portal: Portal) -> None:
    bp.get("/settings/profile")(profile)
    bp.patch("/settings/profile")(change_profile)
    bp.get("/settings/payout-methods")(payout_methods)
    bp.post("/settings/payout-methods")(add_payout_method)
    bp.get("/tax")(tax)
    if choices.events_of(portal):
        bp.get("/settings/notifications")(notifications)
        bp.patch("/settings/notifications")(change_notifications)
