"""What the organization is called, where its mail goes and in which zone its days begin."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.core.scope import Permission
from app.core.settings import settings as app_settings
from app.organizations import queries, service
from app.organizations.states import BillingMode, OrganizationKind
from app.payees.kinds import SPECS
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

BILLING = {
    BillingMode.TAG_ONLY: _l("by their own cards"),
    BillingMode.SEAT_PACK: _l("by seat credits"),
    BillingMode.INVOICED_MONTHLY: _l("from your funds, for managers and above"),
}


class SettingsForm(BaseForm):
    name = StringField(_l("Name"), [InputRequired(_l("Give a name.")), Length(max=200)])
    legal_name = StringField(
        _l("Legal name"), [Optional(), Length(max=200)], description=_l("As it stands on remittance advices.")
    )
    billing_email = StringField(
        _l("Billing e-mail"), [Optional(), Length(max=254)], description=_l("Printed on remittance advices as contact.")
    )
    time_zone = SelectField(
        _l("Time zone"),
        choices=sorted(available_timezones()),
        description=_l("Bills fall due at the start of the day there."),
    )
    tax_form_required = BooleanField(
        _l("Pay US payees only with a signed Form W-9"),
        description=_l("US payees: those whose country is the United States, or unknown while paid in US dollars."),
    )
    accepts_applications = BooleanField(
        _l("Take applications"),
        description=_l("Anybody with the link of a kind may ask to work for you; you decide about each."),
    )
    auto_approve_consultants = BooleanField(
        _l("Let consultants in at once"),
        description=_l("Otherwise each one you invite waits until somebody of yours says yes."),
    )


@bp.route("/settings", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_SETTINGS)
def settings() -> ResponseReturnValue:
    here = g.organization
    form, provides = SettingsForm(obj=here), here.kind is not OrganizationKind.BUYER
    if not provides:
        del form.auto_approve_consultants
    if form.accepts():
        with form.refusals():
            service.edit(
                db(),
                g.actor,
                here.id,
                name=form.name.data,
                legal_name=form.legal_name.data or None,
                billing_email=form.billing_email.data or None,
                time_zone=form.time_zone.data,
                tax_form_required=form.tax_form_required.data,
                accepts_applications=form.accepts_applications.data,
                auto_approve_consultants=form.auto_approve_consultants.data if provides else None,
            )
            return done(back=url_for(".settings"), toast=_("Saved"))
    return page(
        "org/settings/index.html",
        fragment="org/settings/_form.html",
        form=form,
        policies=queries.funds_policies(db(), here.id),
        billing=BILLING[here.billing_mode],
        apply_links=[
            (spec.label, f"{app_settings().base_url}/{spec.portal}/signup?organization={here.slug}")
            for spec in SPECS.values()
            if spec.portal
        ],
    )
