"""API keys of an organization, or of the platform: listed, made with the secret shown once, revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from app.audit import service as audit
from app.core.errors import NotFound
from app.core.scope import API_SCOPES, Permission
from app.identity import api_keys
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

SCOPES = {  # the words for `API_SCOPES`
    "payees.read": _l("Read payees"),
    "payouts.read": _l("Read payouts"),
    "credits.read": _l("Read seat credits"),
    "billing.read": _l("Read invoices"),
    "billing.write": _l("Have invoices made"),
    "orders.read": _l("Read orders"),
    "orders.write": _l("Write orders and their refunds down"),
    "appointments.write": _l("Write appointments down"),
    "statements.write": _l("Bring statements of our bank accounts"),
}

OF_PLATFORM = frozenset({"payouts.read", "statements.write"})  # there is no such call about one organization


def _offered() -> list[str]:
    """The scopes a key of this portal can have."""
    return [scope for scope in API_SCOPES if _owner() is None or scope not in OF_PLATFORM]


def _owner() -> UUID | None:
    """Whose keys this portal shows; None for the platform's."""
    owner: UUID | None = g.actor.organization_id
    return owner


def form_of() -> type[BaseForm]:
    fields: dict[str, Any] = {
        "name": StringField(
            _l("Name"),
            [InputRequired(_l("Give a name.")), Length(max=api_keys.LONGEST_NAME)],
            description=_l("Of the program that will use it, e.g. “Web shop”."),
        )
    }
    fields |= {_field(scope): BooleanField(SCOPES[scope]) for scope in _offered()}
    return type("KeyForm", (BaseForm,), fields)


def _field(scope: str) -> str:
    return scope.replace(".", "_")


def keys() -> ResponseReturnValue:
    return page("shared/keys/index.html", keys=api_keys.keys(db(), _owner()), scopes=SCOPES)


def new_key() -> ResponseReturnValue:
    """The secret is in the answer itself and nowhere again."""
    form = form_of()()
    names = [_field(scope) for scope in _offered()]
    if form.accepts():
        chosen = [scope for scope in _offered() if form[_field(scope)].data]
        if not chosen:
            form.form_errors.append(_("Choose what the key may do."))
        else:
            with form.refusals():
                made = api_keys.make(db(), g.actor, form["name"].data, chosen, organization_id=_owner())
                audit.record(
                    db(), g.actor, "api_key.made", "api_key", made.id, organization_id=_owner(), scopes=chosen
                )  # fmt: skip
                return page("shared/keys/secret.html", made=made, name=form["name"].data)
    return page("shared/keys/new.html", fragment="shared/keys/_form.html", form=form, names=names)


def key_removal(key_id: UUID) -> ResponseReturnValue:
    """Asks first: programs that use the key stop working at once."""
    found = next((row for row in api_keys.keys(db(), _owner()) if row.id == key_id), None)
    if found is None:
        raise NotFound(_("There is no such key."))
    form = BaseForm()
    if form.accepts():
        name = api_keys.revoke(db(), g.actor, key_id, organization_id=_owner())
        audit.record(db(), g.actor, "api_key.revoked", "api_key", key_id, organization_id=_owner())
        return done(back=url_for(".keys"), toast=_("“%(name)s” is revoked.", name=name))
    return page("shared/keys/removal.html", fragment="shared/keys/_removal.html", form=form, key=found)


def mount(bp: Blueprint, permission: Permission) -> None:
    """`permission` is what reading and changing needs in this portal."""
    may, base = require(permission), "/settings/keys"
    bp.get(base)(may(keys))
    bp.route(f"{base}/new", methods=["GET", "POST"])(may(step_up_required(new_key)))
    bp.route(f"{base}/<uuid:key_id>/removal", methods=["GET", "POST"])(may(step_up_required(key_removal)))
