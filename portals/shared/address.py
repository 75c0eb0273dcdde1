"""Settings: the address a person signs in with. The new one proves itself by a link; until then nothing changes."""

from __future__ import annotations

from collections.abc import Callable

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField
from wtforms.validators import InputRequired, Length

from app.core.errors import Conflict
from app.identity import addresses
from app.identity.states import Portal
from app.notify import sign_in as signing_in
from app.organizations import addresses as followers
from portals.shared.security import own
from portals.web import guards, session
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.frame import LABELS, theme_of
from portals.web.htmx import done, page
from portals.web.ratelimit import limiter


class AddressForm(BaseForm):
    email = EmailField(_l("New address"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])


@limiter.limit("5 per minute; 20 per hour", methods=["POST"])
@own
@guards.step_up_required
def address(portal: Portal) -> ResponseReturnValue:
    form = AddressForm()
    if form.accepts():
        with form.refusals():
            signing_in.mail_address_link(db(), g.account, form.email.data, session.browser())
            said = _(
                "A link was sent to %(email)s. Your address changes once you use it.", email=form.email.data.strip()
            )
            return done(back=url_for(".security"), toast=(_("Look into your new inbox"), said))
    return page(
        "shared/auth/address.html", portal=theme_of(portal), portal_home=f"{session.portal_url(portal)}/", form=form
    )


@limiter.limit("30 per minute", methods=["POST"])
def confirm_address(portal: Portal, token: str) -> ResponseReturnValue:
    """The page the link leads to; its button makes the change. Nobody needs to be signed in."""
    form, taken = BaseForm(), ""
    change = addresses.peek(db(), portal, token)
    if change is not None and form.accepts():
        try:
            followers.confirm(db(), portal, token, session.browser())
            session.forget()
            said = _("Sign in with %(email)s from now on.", email=change.new_email)
            return done(back=url_for(".sign_in"), toast=(_("Your address is changed"), said))
        except Conflict as refusal:
            taken = refusal.message
    shown = {"portal": theme_of(portal), "portal_label": LABELS[portal]}
    if change is None:
        return page("shared/auth/dead_link.html", status=410, retry_url=url_for(".sign_in"), **shown)
    return page(
        "shared/auth/address_link.html", form=form, change=change, token=token, taken=taken,
        status=409 if taken else None, **shown,
    )  # fmt: skip


def mount(add: Callable[..., None]) -> None:
    add("/settings/security/address", "address", address, methods=["GET", "POST"])
    add("/signin/address/<token>", "confirm_address", confirm_address, methods=["GET", "POST"])
