"""Who the payer is in files for banks: the platform, or an organization with an account of its own."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.organizations import queries as organizations
from app.payouts import bank_profiles as service
from app.payouts.bank_models import BankProfile
from app.rails.base import Field
from app.rails.originators import DEFAULTS, FIELDS, LABELS, ProfileKind, secrets
from portals.admin import asking, bp
from portals.web.db import db
from portals.web.formats import masked
from portals.web.forms import BaseForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page


@bp.get("/bank-profiles")
def bank_profiles() -> ResponseReturnValue:
    """With `organization` and `kind` in the address, on to that profile."""
    asked = request.args.get("kind", "")
    if asked in set(ProfileKind):
        slug = request.args.get("organization") or None
        return redirect(url_for(".bank_profile", kind=asked, organization=slug))
    rows = service.listed(db())
    there = {row.kind for row in rows if row.is_house}
    return page(
        "admin/bank_profiles/index.html",
        fragment="admin/bank_profiles/_list.html",
        rows=rows,
        missing=[kind for kind in ProfileKind if kind not in there],
        labels=LABELS,
        organizations=asking.organization_choices,
    )


@bp.route("/bank-profiles/<any(nacha, sepa, neft):kind>", methods=["GET", "POST"])
@step_up_required
def bank_profile(kind: str) -> ResponseReturnValue:
    """It says which account is debited, so whoever changes it proves who they are. `organization`: for one of them."""
    which = ProfileKind(kind)
    slug = request.args.get("organization", "")
    owner = organizations.by_slug(db(), slug) if slug else None
    owner_id = owner.id if owner is not None else service.house_of(db())
    profile = service.find(db(), owner_id, which)
    form = _form_of(which, profile)(data={**DEFAULTS[which], **(profile.details if profile else {})})
    if form.accepts():
        with form.refusals():
            typed = {field.name: form[field.name].data or "" for field in FIELDS[which]}
            service.save(db(), g.actor, owner_id, which, typed)
            toast = (_("Saved"), _("Files made from now on say it; frozen ones stay."))
            return done(back=url_for(".bank_profiles"), toast=toast)
    return page(
        "admin/bank_profiles/profile.html",
        fragment="admin/bank_profiles/_form.html",
        form=form,
        kind=which,
        label=LABELS[which],
        names=[field.name for field in FIELDS[which]],
        owner=owner,
        action=url_for(".bank_profile", kind=which.value, organization=slug or None),
    )


def _form_of(kind: ProfileKind, profile: BankProfile | None) -> type[BaseForm]:
    """A form class with the fields of the kind; what is in them is checked by `app.rails.originators`."""
    hidden = secrets(kind)
    fields: dict[str, Any] = {}
    for field in FIELDS[kind]:
        kept = field.name in hidden and profile is not None
        fields[field.name] = _field(field, masked(profile.shown) if kept and profile else "")
    return type(f"{kind.name.title()}ProfileForm", (BaseForm,), fields)


def _field(field: Field, kept: str) -> Any:
    needed = [InputRequired(_("Fill this in."))] if field.required and not kept else [Optional()]
    hint = _("%(masked)s is kept; write another one to change it.", masked=kept) if kept else field.hint
    if field.choices:
        return SelectField(field.label, needed, choices=list(field.choices), description=hint)
    if field.name == "columns":
        return TextAreaField(field.label, [*needed, Length(max=4000)], description=hint, render_kw={"rows": 10})
    extra = {"autocomplete": "off", "spellcheck": "false"}
    return StringField(field.label, [*needed, Length(max=200)], description=hint, render_kw=extra)
