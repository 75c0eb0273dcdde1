"""The person's own profile: name, how dates and amounts are written; and what organizations keep about the payee."""

from __future__ import annotations

from datetime import date
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
    engaged = payers.mine()
    payee = payees.detail(db(), engaged[0].organization_id, g.actor.payee_id) if engaged else None
    return page(
        "shared/payee/profile/index.html",
        fragment="shared/payee/profile/_form.html",
        form=form,
        payee=payee,
        payers=engaged,
    )


def mount(bp: Blueprint) -> None:
    bp.route("/settings/profile", methods=["GET", "POST"])(profile)
