"""Settings: the authenticator app asked for at sign-in, and its recovery codes. Mounted by every portal."""

from __future__ import annotations

from collections.abc import Callable

import segno
from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import Invalid, Locked
from app.identity import authenticators
from app.identity.states import Portal
from app.notify import sign_in as signing_in
from app.organizations import second_factors
from portals.shared.security import own
from portals.web import guards, session
from portals.web.db import db, keep
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.htmx import done, go, page
from portals.web.ratelimit import limiter

TRIES = "10 per minute; 60 per hour"


class ConfirmForm(BaseForm):
    code = StringField(_l("Code the app shows"), [InputRequired(_l("Write the code.")), Length(max=20)])


@own
@guards.step_up_required
def begin(portal: Portal) -> ResponseReturnValue:
    authenticators.begin(db(), g.account)
    return go(url_for(".authenticator"))


@limiter.limit(TRIES, methods=["POST"])
@own
@guards.step_up_required
def authenticator(portal: Portal) -> ResponseReturnValue:
    """The QR code, and the first code back from the app."""
    form = ConfirmForm()
    status: int | None = None
    if form.accepts():
        keep()
        try:
            return _codes(portal, signing_in.confirm_authenticator(db(), g.account, form.code.data, session.browser()))
        except (Invalid, Locked) as refusal:
            form.blame(refusal)
            status = refusal.status
    setup = authenticators.pending(db(), g.account)
    if setup is None:
        return go(url_for(".security"))
    picture = segno.make(setup.uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    key = " ".join(setup.secret[n : n + 4] for n in range(0, len(setup.secret), 4))
    return _page(portal, "authenticator", form=form, picture=picture, key=key, status=status)


@own
@guards.step_up_required
def recovery_codes(portal: Portal) -> ResponseReturnValue:
    return _codes(portal, signing_in.renew_recovery_codes(db(), g.account, session.browser()))


@own
@guards.step_up_required
def removal(portal: Portal) -> ResponseReturnValue:
    must_stay = second_factors.is_required(db(), g.account)
    signing_in.remove_authenticator(db(), g.account, session.browser(), one_must_stay=must_stay)
    return done(back=url_for(".security"), toast=_("The authenticator is removed. No code is asked for any more."))


def _codes(portal: Portal, codes: list[str]) -> ResponseReturnValue:
    """Shown in the answer itself and nowhere again: only their hashes are kept."""
    return _page(portal, "recovery_codes", codes=codes)


def _page(portal: Portal, name: str, **context: object) -> ResponseReturnValue:
    home = f"{session.portal_url(portal)}/"
    return page(f"shared/auth/{name}.html", portal=theme_of(portal), portal_home=home, **context)  # type: ignore[arg-type]


def mount(add: Callable[..., None]) -> None:
    base = "/settings/security/authenticator"
    add(base, "authenticator", authenticator, methods=["GET", "POST"])
    add(f"{base}/new", "authenticator_new", begin, methods=["POST"])
    add(f"{base}/recovery-codes", "recovery_codes", recovery_codes, methods=["POST"])
    add(f"{base}/removal", "authenticator_removal", removal, methods=["POST"])
