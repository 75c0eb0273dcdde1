"""The client's own name, language and time zone: what mails and pages are written in."""

from __future__ import annotations

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import service as audit
from app.identity import service
from portals.client import bp
from portals.shared.payee.profile import ProfileForm
from portals.web.db import db
from portals.web.htmx import done, page


@bp.route("/settings/profile", methods=["GET", "POST"])
def profile() -> ResponseReturnValue:
    account = g.account
    form = ProfileForm(name=account.name, locale=account.locale, time_zone=account.time_zone)
    if form.accepts():
        with form.refusals():
            service.set_profile(
                db(), account.account_id, name=form.name.data or "", locale=form.locale.data,
                time_zone=form.time_zone.data,
            )  # fmt: skip
            audit.record(db(), g.actor, "profile.changed", "account", account.account_id)
            return done(back=url_for(".profile"), toast=_("Your profile is saved."))
    return page("client/profile.html", form=form)
