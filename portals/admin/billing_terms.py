"""What is agreed with an organization that is billed: its payment terms, and the documents it sent us."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from app.billing import profiles
from app.core.errors import NotFound
from app.files import service as stored
from app.organizations import queries as organizations
from app.payees.rules import terms_text
from portals.admin import bp
from portals.shared.payee.files import download
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

TERMS = (*profiles.TERMS, 45, 60, 90)


class TermsForm(OnceForm):
    terms_days = SelectField(
        _l("Payment terms"), coerce=int, description=_l("From the next invoice on. What is issued stays due as it is."),
    )  # fmt: skip


@bp.route("/organizations/<slug>/billing-terms", methods=["GET", "POST"])
@step_up_required
def billing_terms(slug: str) -> ResponseReturnValue:
    """Longer than an organization can choose by itself, too."""
    found = organizations.by_slug(db(), slug)
    profile = profiles.find(db(), found.id)
    if profile is None:
        raise NotFound(_("%(name)s has no billing details yet.", name=found.name))
    form = TermsForm(terms_days=profile.terms_days)
    form.terms_days.choices = [(days, terms_text(days)) for days in sorted({*TERMS, profile.terms_days})]
    if form.accepts():
        with form.refusals():
            profiles.set_contact(
                db(), g.actor, found.id, email=profile.email, reference=profile.reference,
                terms_days=form.terms_days.data,
            )  # fmt: skip
            return done(back=url_for(".billing", slug=slug), toast=_("Saved"))
    return page(
        "admin/organizations/billing_terms.html", fragment="admin/organizations/_billing_terms.html", form=form,
        organization=found,
    )  # fmt: skip


@bp.get("/organizations/<slug>/documents/<uuid:file_id>")
def organization_document(slug: str, file_id: UUID) -> Response | ResponseReturnValue:
    """Raises NotFound for a file that is no document of the organization itself."""
    found, row = organizations.by_slug(db(), slug), stored.find(db(), file_id)
    if row.subject_id != found.id:
        raise NotFound(_("There is no such file."))
    return download(row.name, row.content_type, row.storage_key)
