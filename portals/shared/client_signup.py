"""A client's account: made when they book for the first time. Nobody is told whether an address has one already."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import available_timezones

from flask import request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.identity.states import Portal
from app.notify import sign_in as signing_in
from portals.shared.auth_pages import auth_page, safe_next, unless_home
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import go
from portals.web.ratelimit import limiter


class SignUpForm(BaseForm):
    """`company_url` is a trap: people do not see it, programs that fill in everything do."""

    name = StringField(_l("Your name"), [InputRequired(_l("Write your name.")), Length(max=100)])
    email = EmailField(_l("Email"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])
    time_zone = SelectField(_l("Your time zone"), choices=lambda: sorted(available_timezones()), default="UTC")
    company_url = StringField(_l("Leave this empty"))
    next = HiddenField()


@limiter.limit("5 per minute; 20 per hour", methods=["POST"])
def sign_up(portal: Portal) -> ResponseReturnValue:
    form = SignUpForm(next=request.args.get("next"))
    if form.accepts():
        with form.refusals():
            wanted = safe_next(portal, form.next.data)
            email = form.email.data or ""
            if not form.company_url.data:
                signing_in.open_account(
                    db(), portal, email, form.name.data or "", form.time_zone.data, unless_home(portal, wanted)
                )
            cookie["mailed"] = {"email": email.strip()[:254], "what": "link", "next": wanted}
            return go(url_for(".check_inbox"))
    return auth_page(portal, "client_sign_up", form=form)


def mount(add: Callable[..., None]) -> None:
    add("/signup", "sign_up", sign_up, methods=["GET", "POST"])
