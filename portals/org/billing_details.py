"""What invoices to the organization say of it: name, address, tax number, where they are mailed, its logo."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, StringField
from wtforms.validators import Length

from app.billing import profiles
from app.core.errors import NotFound
from app.core.scope import Permission
from app.files import queries as files
from app.files import service as stored
from portals.org import bp
from portals.org.settings import BILLING
from portals.org.wizard_forms import terms_text
from portals.shared.billing_details import BillingForm, indian_states, said, show_logo
from portals.shared.payee.files import download
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import done, page


class DetailsForm(BillingForm):
    email = EmailField(_l("Billing e-mail"), [Length(max=254)], description=_l("Invoices and reminders go there."))
    reference = StringField(
        _l("Reference"), [Length(max=100)], description=_l("Printed on each invoice, such as a purchase order.")
    )


@bp.route("/settings/billing", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_SETTINGS)
def billing_details() -> ResponseReturnValue:
    """What was issued keeps what it says."""
    here = g.organization
    profile = profiles.find(db(), here.id)
    begin = said(profile) or {
        "legal_name": here.legal_name or here.name, "country": here.country or "", "email": here.billing_email or "",
    }  # fmt: skip
    if profile:
        begin |= {"email": profile.email, "reference": profile.reference}
    form = DetailsForm(data=begin)
    if form.accepts_with_files():
        picture = form.picture()
        with form.refusals():
            profiles.save(db(), g.actor, here.id, form.details())
            profiles.set_contact(
                db(), g.actor, here.id, email=form.email.data or "", reference=form.reference.data or ""
            )  # fmt: skip
            if picture or form.no_logo.data:
                profiles.set_logo(db(), g.actor, here.id, picture)
            return done(back=url_for(".billing_details"), toast=_("Saved"))
    return page(
        "org/settings/billing.html", fragment="org/settings/_billing.html", form=form, states=indian_states(),
        action=url_for(".billing_details"), logo_sha256=profile.logo_sha256 if profile else None,
        logo_endpoint="org.billing_logo", mode=BILLING[here.billing_mode],
        terms=terms_text(profile.terms_days if profile else 30), documents=files.of_subject(db(), here.id),
    )  # fmt: skip


@bp.get("/settings/billing/logo")
@require(Permission.ORGANIZATION_SETTINGS)
def billing_logo() -> Response:
    return show_logo(*profiles.logo(db(), g.organization.id))


@bp.get("/settings/billing/documents/<uuid:file_id>")
@require(Permission.ORGANIZATION_SETTINGS)
def billing_document(file_id: UUID) -> Response | ResponseReturnValue:
    """Raises NotFound for a file that is no document of the organization itself."""
    found = stored.find(db(), file_id)
    if found.subject_id != g.organization.id:
        raise NotFound(_("There is no such file."))
    return download(found.name, found.content_type, found.storage_key)
