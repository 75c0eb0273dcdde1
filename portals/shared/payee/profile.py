"""The person's own profile: name, how dates and amounts are written; and what organizations keep about the payee."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.audit import service as audit
from app.core.formats import format_day, format_money
from app.core.money import Money
from app.identity import service
from app.payees import queries as payees
from app.payees import rules
from app.payees import service as payee_service
from app.payees.rules import Business
from portals.shared.business import business_choices, chosen_business, tax_difference
from portals.shared.payee import payers
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

LOCALES = ("en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "en_KE", "en_NG", "en_NZ", "en_SG", "en_ZA")
_SAMPLE_CURRENCY, _SAMPLE_DAY = "USD", date(2026, 11, 24)


def locale_choices() -> list[tuple[str, str]]:
    """Each with a date and an amount as it writes them."""
    return [
        (
            tag,
            f"{Locale.parse(tag).get_territory_name('en')} · {format_day(_SAMPLE_DAY, tag, 'medium')} · "
            f"{format_money(Money(123_450, _SAMPLE_CURRENCY), tag)}",
        )
        for tag in LOCALES
    ]


class ProfileForm(BaseForm):
    name = StringField(_l("Your name"), [InputRequired(_l("Write your name.")), Length(max=100)])
    locale = SelectField(_l("Dates and amounts as in"), choices=locale_choices)
    time_zone = SelectField(_l("Time zone"), choices=lambda: sorted(available_timezones()))


class BusinessForm(BaseForm):
    is_submitted_here = False

    business_type = SelectField(_l("Business type"), choices=business_choices, default="")
    legal_name = StringField(
        _l("Legal name"), [Length(max=rules.LONGEST_NAME)], description=_l("On remittance advices and contracts.")
    )
    trading_name = StringField(
        _l("Trading name"), [Length(max=rules.LONGEST_NAME)], description=_l("If it differs from the legal name.")
    )
    registration_number = StringField(
        _l("Registration number"),
        [Length(max=rules.LONGEST_REGISTRATION)],
        description=_l("Of the company register, or for VAT. A personal tax number belongs on the tax form only."),
        render_kw={"autocomplete": "off"},
    )

    def show(self, payee: Any) -> None:
        """Fill in what is known. `payee`: a row of `payees.card`."""
        for name in Business.__slots__:
            self[name].data = getattr(payee, name) or ""

    def stated(self) -> Business:
        return Business(
            chosen_business(self.business_type.data),
            self.legal_name.data,
            self.trading_name.data,
            self.registration_number.data,
        )


def profile() -> ResponseReturnValue:
    account = g.account
    form = ProfileForm(name=account.name, locale=account.locale, time_zone=account.time_zone)
    if form.accepts():
        with form.refusals():
            service.set_profile(
                db(),
                account.account_id,
                name=form.name.data,
                locale=form.locale.data,
                time_zone=form.time_zone.data,
            )
            audit.record(db(), g.actor, "account.profile_changed", "account", account.account_id)
            return done(back=url_for(".profile"), toast=_("Your profile is saved"))
    return _page(form, BusinessForm(formdata=None) if payers.is_business() else None)


def _page(form: ProfileForm, business: BusinessForm | None) -> ResponseReturnValue:
    """Whole, or the form that was sent."""
    engaged = payers.mine()
    payee = payees.card(db(), g.actor.payee_id)
    if business is not None and not business.is_submitted_here:
        business.show(payee)
    sent = "_business" if business is not None and business.is_submitted_here else "_form"
    return page(
        "shared/payee/profile/index.html",
        fragment=f"shared/payee/profile/{sent}.html",
        form=form,
        business=business,
        difference=tax_difference(payee.id, payee.business_type) if business is not None else "",
        payee=payee,
        payers=engaged,
    )


def business_details() -> ResponseReturnValue:
    """What the vendor is in law. The page is the profile's; only a form that was sent comes here."""
    business = BusinessForm()
    business.is_submitted_here = True
    if business.accepts():
        with business.refusals():
            payee_service.state_business(db(), g.actor, g.actor.payee_id, business.stated())
            return done(back=url_for(".profile"), toast=_("Your business details are saved"))
    account = g.account
    form = ProfileForm(formdata=None, name=account.name, locale=account.locale, time_zone=account.time_zone)
    return _page(form, business)


def mount(bp: Blueprint) -> None:
    bp.route("/settings/profile", methods=["GET", "POST"])(profile)


def mount_business(bp: Blueprint) -> None:
    """For payees that are businesses."""
    bp.post("/settings/profile/business")(business_details)
