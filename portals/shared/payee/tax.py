"""The tax form: a Form W-9 filled in and signed on the page; earlier versions stay listed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.payees import queries as payees
from app.tax import queries, rules, service, wording
from app.tax.states import Classification, TinKind
from portals.shared.business import TAX_LABELS, tax_difference
from portals.shared.payee import payers
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

_TEXTS = (
    "first_name", "middle_name", "last_name", "suffix", "entity_name", "business_name", "other_classification",
    "exempt_payee_code", "fatca_code", "street", "city", "state", "zip_code",
)  # fmt: skip


def _codes(codes: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [("", _l("None")), *((code, code) for code in codes)]


def _text(label: Any, hint: Any = "", autocomplete: str = "off") -> StringField:
    return StringField(label, [Length(max=rules.LONGEST)], description=hint, render_kw={"autocomplete": autocomplete})


class W9Form(OnceForm):
    classification = SelectField(
        _l("Federal tax classification"),
        choices=[(kind.value, label) for kind, label in TAX_LABELS.items()],
        description=_l("Line 3a. A single-owner LLC signs as its owner."),
    )
    other_classification = _text(_l("Which other classification"), _l("Only for Other."))
    first_name = _text(_l("First name"), _l("Line 1, for an individual."), "given-name")
    middle_name = _text(_l("Middle name"), "", "additional-name")
    last_name = _text(_l("Last name"), "", "family-name")
    suffix = _text(_l("Suffix"), _l("Such as Jr."), "honorific-suffix")
    entity_name = _text(_l("Name of the entity"), _l("Line 1, for anybody but an individual."), "organization")
    business_name = _text(_l("Business name"), _l("Line 2, if it differs from line 1."))
    exempt_payee_code = SelectField(_l("Exempt payee code"), choices=_codes(rules.EXEMPT_CODES), default="")
    fatca_code = SelectField(_l("FATCA exemption code"), choices=_codes(rules.FATCA_CODES), default="")
    street = _text(_l("Street and number"), "", "street-address")
    city = _text(_l("City"), "", "address-level2")
    state = SelectField(_l("State"), choices=[("", _l("Choose"))] + [(code, code) for code in rules.STATES])
    zip_code = _text(_l("ZIP code"), "", "postal-code")
    tin_kind = SelectField(_l("Kind of number"), choices=[(kind.value, kind.value.upper()) for kind in TinKind])
    tin = StringField(
        _l("Taxpayer identification number"),
        [InputRequired(_l("Write the nine digits.")), Length(max=20)],
        description=_l("Kept encrypted; pages show the last four digits."),
        render_kw={"autocomplete": "off", "inputmode": "numeric", "spellcheck": "false"},
    )
    backup_withholding = BooleanField(_l("Strike item 2: the IRS notified me that I am subject to backup withholding"))
    signed_name = _text(_l("Signature: type your full name"))
    certified = BooleanField(_l("I certify the above under penalties of perjury"))


def tax() -> ResponseReturnValue:
    payee_id = g.actor.payee_id
    return page(
        "shared/payee/tax/index.html",
        versions=queries.w9_versions(db(), payee_id),
        asking=queries.who_asks(db(), payee_id),
        labels=TAX_LABELS,
        difference=_difference(payee_id),
        masked=rules.masked,
    )


def _difference(payee_id: UUID) -> str:
    if not payers.is_business():
        return ""
    return tax_difference(payee_id, payees.card(db(), payee_id).business_type)


@step_up_required
def tax_form() -> ResponseReturnValue:
    """Filled with the last version's lines; the number is typed anew each time."""
    form = W9Form(data=_last())
    if form.accepts():
        with form.refusals():
            made = service.sign_w9(
                db(),
                g.actor,
                g.actor.payee_id,
                classification=Classification(form.classification.data),
                tin_kind=TinKind(form.tin_kind.data),
                tin=form.tin.data,
                values={name: form[name].data or "" for name in _TEXTS},
                backup_withholding=form.backup_withholding.data,
                certified=form.certified.data,
                signed_name=form.signed_name.data or "",
                user_agent=request.user_agent.string,
            )
            return done(back=url_for(".tax"), toast=_("Your W-9 is signed (version %(n)s).", n=made.version))
    return page(
        "shared/payee/tax/form.html",
        fragment="shared/payee/tax/_form.html",
        form=form,
        wording=wording,
    )


def _last() -> dict[str, Any]:
    versions = queries.w9_versions(db(), g.actor.payee_id)
    if not versions:
        return {}
    row = versions[0]._mapping
    return {name: row[name] or "" for name in (*_TEXTS, "classification", "tin_kind")}


def mount(bp: Blueprint) -> None:
    bp.get("/settings/tax")(tax)
    bp.route("/settings/tax/w9", methods=["GET", "POST"])(tax_form)
