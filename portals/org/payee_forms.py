"""A new payee, and changes to one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.core.errors import Conflict, Invalid
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.identity.states import Portal
from app.payees import joining, queries, rules, service
from app.payees.kinds import SPECS, spec_of
from app.payees.models import Payee
from app.payees.service import DEFAULT_TERMS_DAYS
from app.payees.states import PayeeKind
from portals.org import asking, bp, invitations
from portals.shared.business import business_choices, chosen_business
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

ADDRESS = ("address_1", "address_2", "city", "region", "postal_code")


class PayeeForm(BaseForm):
    name = StringField(_l("Name"), [InputRequired(_l("Give a name.")), Length(max=rules.LONGEST_NAME)])
    legal_name = StringField(_l("Legal name"), [Optional(), Length(max=rules.LONGEST_NAME)])
    reference = StringField(
        _l("Your reference"),
        [Optional(), Length(max=rules.LONGEST_REFERENCE)],
        description=_l("Your own number of this payee, as in the files you import."),
    )
    business_type = SelectField(_l("Business type"), choices=business_choices, default="")
    trading_name = StringField(_l("Trading name"), [Optional(), Length(max=rules.LONGEST_NAME)])
    registration_number = StringField(
        _l("Registration number"),
        [Optional(), Length(max=rules.LONGEST_REGISTRATION)],
        description=_l("Of the company register, or for VAT. No personal tax number."),
    )
    email = StringField(_l("E-mail"), [Optional(), Length(max=254)])
    currency = SelectField(_l("Currency"), choices=sorted(CURRENCIES))
    terms_days = SelectField(
        _l("Payment terms"),
        coerce=int,
        choices=rules.terms_choices,
        description=_l("A bill that names no due date is due so many days after its invoice date."),
    )
    commission = StringField(
        _l("Commission"),
        [Optional(), Length(max=10)],
        description=_l("In percent of each order with a code of theirs. Set later changes on the creator’s page."),
    )
    address_1 = StringField(_l("Address"), [Optional(), Length(max=100)])
    address_2 = StringField(_l("Address, second line"), [Optional(), Length(max=100)])
    city = StringField(_l("City"), [Optional(), Length(max=100)])
    region = StringField(_l("State or county"), [Optional(), Length(max=100)])
    postal_code = StringField(_l("Postal code"), [Optional(), Length(max=100)])
    country = StringField(
        _l("Country"), [Optional(), Length(min=2, max=2)], description=_l("Two letters, for example GB.")
    )

    def values(self) -> dict[str, Any]:
        """What the services take."""
        country = (self.country.data or "").strip().upper() or None
        address = {name: self[name].data or "" for name in ADDRESS}
        return {
            "name": self.name.data,
            "legal_name": (self.legal_name.data or "").strip() or None,
            **self._business(),
            "reference": self.reference.data or None,
            "email": self.email.data or None,
            "currency": self.currency.data,
            "terms_days": self.terms_days.data,
            **self._commission(),
            "country": country,
            "address": address if any(text.strip() for text in address.values()) else None,
        }

    def _commission(self) -> dict[str, Any]:
        """Raises Invalid for what is no percentage."""
        if self.commission is None:  # left out of changes: the rate has a form of its own, with the return window
            return {}
        bps = rules.read_commission(self.commission.data or "0")
        if bps is None:
            raise Invalid("That is no percentage.", fields={"commission": _("Write a percentage from 0 to 100.")})
        return {"commission_bps": bps}

    def _business(self) -> dict[str, Any]:
        if self.business_type is None:  # left out for payees who are none
            return {}
        return {
            "business_type": chosen_business(self.business_type.data),
            "trading_name": (self.trading_name.data or "").strip() or None,
            "registration_number": (self.registration_number.data or "").strip() or None,
        }


class NewPayeeForm(PayeeForm):
    kind = SelectField(
        _l("Kind"),
        default=PayeeKind.VENDOR.value,
        choices=[(spec.kind.value, _l(spec.label)) for spec in SPECS.values() if spec.added_by_organization],
    )
    invite = BooleanField(
        _l("Invite them by e-mail"), description=_l("The mail has a link of their own; it is valid for seven days.")
    )


@bp.route("/payees/new", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def new_payee() -> ResponseReturnValue:
    """Somebody who signs in for others already is not added but asked."""
    kind = asking.one_of(PayeeKind, request.args, "kind") or PayeeKind.VENDOR
    form = NewPayeeForm(currency=g.organization.currency, terms_days=DEFAULT_TERMS_DAYS, kind=kind.value)
    if form.accepts():
        try:
            with form.refusals():
                kind, values = PayeeKind(form.kind.data), form.values()
                if values["commission_bps"] and not spec_of(kind).earns_commission:
                    said = _("Only creators earn commission.")
                    raise Invalid(said, fields={"commission": said})
                if joining.ask(db(), g.actor, g.organization.id, kind, values["email"], values["name"]):
                    said = _("They have an account here and are asked to join you. Set their terms once they agreed.")
                    return done(back=url_for(".payees"), toast=(_("Asked by e-mail"), said))
                made = service.create(db(), g.actor, g.organization.id, kind=kind, **values)
                if form.invite.data:
                    _invite(made)
                return done(back=url_for(".payee", payee_id=made.id), toast=(_("Payee added"), made.name))
        except Conflict as taken:
            form.blame(taken)
    return page("org/payees/new.html", fragment="org/payees/_form.html", form=form, row=None)


def _invite(made: Payee) -> None:
    """Raises Invalid where the address is missing or signs in for somebody else; nobody is added then."""
    portal = spec_of(made.kind).portal
    if not made.email or portal is None:
        wrong = _("Give the address the invitation goes to.")
    else:
        wrong = invitations.invite(made.id, made.name, Portal(portal), made.email)
    if wrong:
        raise Invalid(wrong, fields={"email": wrong})


@bp.route("/payees/<uuid:payee_id>/edit", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def edit_payee(payee_id: UUID) -> ResponseReturnValue:
    row = queries.detail(db(), g.organization.id, payee_id)
    known = {**row._mapping, **(row.address or {}), "country": row.country}
    form = PayeeForm(data={**known, "business_type": row.business_type or ""})
    form.terms_days.choices = rules.terms_choices(row.terms_days)
    del form.commission
    if not spec_of(row.kind).is_business:
        del form.business_type, form.trading_name, form.registration_number
    own = spec_of(row.kind).single_engagement  # what a creator or consultant is called is theirs to change
    if form.accepts():
        try:
            with form.refusals():
                made = service.edit(db(), g.actor, g.organization.id, payee_id, **_changed(form, row, own))
                return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Saved"), made.name))
        except Conflict as taken:
            form.blame(taken)
    return page(
        "org/payees/edit.html",
        fragment="org/payees/_form.html",
        form=form,
        row=row,
        own=own,
        earns_commission=spec_of(row.kind).earns_commission,
    )


def _changed(form: PayeeForm, row: Any, own: bool) -> dict[str, Any]:
    """Only what is different: the audit trail names it, and a reference nobody saw stays as it is."""
    values = form.values()
    terms = ("reference", "currency", "terms_days")
    return {name: value for name, value in values.items() if (own or name in terms) and value != getattr(row, name)}
