"""A new contract: with whom, from which template, then the template's fields. Looking at it first changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.contracts import queries, rules, service
from app.contracts.service import DraftForm
from app.contracts.states import SigningOrder
from app.core.errors import Invalid, Refusal
from app.core.scope import Permission
from app.payees import queries as payees
from portals.org import asking, bp
from portals.shared.contracts import witness
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

SHOWN = 20


class NewForm(OnceForm):
    """The fields of the template are added by `form_for`, named `field_<name>`."""

    signing_order = SelectField(
        _l("Who signs"),
        choices=[
            (SigningOrder.PAYEE_FIRST.value, _l("The payee, then the organization")),
            (SigningOrder.ORGANIZATION_FIRST.value, _l("The organization, then the payee")),
            (SigningOrder.PAYEE_ONLY.value, _l("The payee alone")),
        ],
    )
    expires_days = IntegerField(
        _l("Days to sign"), [InputRequired(_l("Give a number of days.")), NumberRange(*rules.EXPIRES_DAYS)]
    )
    needs_code = BooleanField(_l("Ask the payee for a code sent by e-mail"))
    replaces = SelectField(_l("Replaces"), validate_choice=True)

    def blame(self, refusal: Refusal) -> None:
        """The service names a field as the template does."""
        known = {name if name in self._fields else f"field_{name}": text for name, text in refusal.fields.items()}
        super().blame(Invalid(refusal.message, fields=known))


def form_for(fields: list[dict[str, Any]], replaceable: Any) -> Any:
    """The form of one template: an own class, as WTForms wants it."""

    class Filled(NewForm):
        pass

    for field in fields:
        kind = (
            TextAreaField
            if field["type"] == "paragraph"
            else BooleanField
            if field["type"] == "yes_no"
            else StringField
        )
        checks = [InputRequired(_("Fill this in."))] if field["required"] and kind is not BooleanField else [Optional()]
        setattr(Filled, f"field_{field['name']}", kind(field["label"], checks))
    form = Filled(expires_days=14)
    form.replaces.choices = [("", _("Nothing"))] + [(str(row.id), f"{row.number} {row.title}") for row in replaceable]
    return form


@bp.get("/contracts/new")
@require(Permission.CONTRACT_MANAGE)
def new_contract() -> ResponseReturnValue:
    """`?payee=<id>&q=<name>`: choose with whom, then from which template."""
    payee_id, search = asking.one_id(request.args, "payee"), request.args.get("q", "").strip()[:100]
    payee = payees.detail(db(), g.organization.id, payee_id) if payee_id else None
    return page(
        "org/contracts/choose.html",
        fragment="org/contracts/_choose.html",
        payee=payee,
        found=None if payee else payees.payees(db(), g.organization.id, search=search, limit=SHOWN),
        search=search,
        templates=queries.templates(db(), g.organization.id, active_only=True) if payee else [],
    )


@bp.route("/payees/<uuid:payee_id>/contracts/from/<uuid:template_id>", methods=["GET", "POST"])
@require(Permission.CONTRACT_MANAGE)
def draft_contract(payee_id: UUID, template_id: UUID) -> ResponseReturnValue:
    payee = payees.detail(db(), g.organization.id, payee_id)
    template = queries.template(db(), g.organization.id, template_id)
    form = form_for(template.fields, queries.replaceable(db(), g.organization.id, payee_id))
    text = None
    if form.accepts():
        with form.refusals():
            wanted = _wanted(form, template)
            if request.form.get("send") != "preview":
                made = service.draft(db(), g.actor, g.organization.id, payee_id, wanted, witness())
                return done(back=url_for(".contract", contract_id=made.id), toast=_("Draft made"))
            text = Markup(service.preview(db(), g.organization.id, payee_id, wanted))  # noqa: S704 - our own tags
    return page(
        "org/contracts/new.html",
        fragment="org/contracts/_new.html",
        form=form,
        payee=payee,
        source=template,
        text=text,
        fields=[form[f"field_{field['name']}"] for field in template.fields],
    )


def _wanted(form: Any, template: Any) -> DraftForm:
    values = {}
    for field in template.fields:
        given = form[f"field_{field['name']}"].data
        values[field["name"]] = ("yes" if given else "no") if field["type"] == "yes_no" else str(given or "")
    return DraftForm(
        template.id,
        values,
        SigningOrder(form.signing_order.data),
        form.needs_code.data,
        form.expires_days.data,
        UUID(form.replaces.data) if form.replaces.data else None,
    )
