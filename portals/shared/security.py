"""Sign-in and security: the own password, open sessions and time zone, mounted by every portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import NotFound
from app.identity import authenticators, passkeys, queries, rules, service
from app.identity.states import Portal
from app.notify import sign_in as signing_in
from app.organizations import second_factors
from portals.web import guards, session
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.htmx import done, page


class PasswordForm(BaseForm):
    password = PasswordField(_l("New password"), [InputRequired(_l("Choose a password."))])


class ZoneForm(BaseForm):
    time_zone = SelectField(_l("Time zone"), choices=lambda: sorted(available_timezones()))


class NewPasskeyForm(BaseForm):
    name = StringField(
        _l("Name"), [InputRequired(_l("Name it, so that you recognize it.")), Length(max=rules.LONGEST_NAME)]
    )
    credential = HiddenField()


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_name(user_agent: str | None) -> str:
    """ "Firefox on Windows", as people call it; many browsers claim to be several, so the order counts."""
    text = user_agent or ""
    name = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    if name and system:
        return _("%(browser)s on %(system)s", browser=name, system=system)
    return name or system or _("Another program")


def security_page(portal: Portal, **forms: BaseForm) -> ResponseReturnValue:
    shown = {
        "password_form": PasswordForm(formdata=None),
        "passkey_form": NewPasskeyForm(formdata=None, name=browser_name(request.user_agent.string)),
        "zone_form": ZoneForm(formdata=None, time_zone=g.account.time_zone),
        **forms,
    }
    return page(
        "shared/auth/security.html",
        portal=theme_of(portal),
        portal_home=f"{session.portal_url(portal)}/",
        sessions=[
            (row, browser_name(row.user_agent)) for row in queries.open_sessions(db(), g.account.account_id, portal)
        ],
        may_have_password=rules.has_password(portal),
        fresh=session.is_stepped_up(),
        authenticator=authenticators.status(db(), g.account.account_id),
        passkeys=passkeys.passkeys(db(), g.account.account_id),
        may_have_passkeys=passkeys.site() is not None,
        factor_missing=second_factors.is_missing(db(), g.account),
        **shown,
    )


def own(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """For whoever is signed in to the portal; no organization is needed."""

    def guarded(portal: Portal, **args: Any) -> ResponseReturnValue:
        answer = guards.enter(portal)
        return view(portal, **args) if answer is None else answer

    guarded.__name__ = view.__name__
    return guarded


@own
def security(portal: Portal) -> ResponseReturnValue:
    return security_page(portal)


@own
@guards.step_up_required
def password(portal: Portal) -> ResponseReturnValue:
    form = PasswordForm()
    if form.accepts():
        with form.refusals():
            signing_in.change_password(db(), g.account, form.password.data, session.browser())
            return done(
                back=url_for(".security"), toast=(_("Your password is set"), _("Other browsers are signed out."))
            )
    return security_page(portal, password_form=form)


@own
def session_end(portal: Portal, session_id: UUID) -> ResponseReturnValue:
    """End one of the own sessions."""
    if not signing_in.end_session(db(), g.account, session_id, session.browser()):
        raise NotFound(_("This browser is signed out already."))
    if session_id == g.account.session_id:
        session.forget()
        return done(back=url_for(".sign_in"), toast=_("You are signed out."))
    return done(back=url_for(".security"), toast=_("That browser is signed out."))


@own
def other_sessions_end(portal: Portal) -> ResponseReturnValue:
    ended = signing_in.end_other_sessions(db(), g.account, session.browser())
    said = _("%(n)s other browsers are signed out.", n=ended) if ended else _("No other browser was signed in.")
    return done(back=url_for(".security"), toast=said)


@own
def time_zone(portal: Portal) -> ResponseReturnValue:
    form = ZoneForm()
    if form.accepts():
        with form.refusals():
            service.set_preferences(db(), g.account.account_id, time_zone=form.time_zone.data)
            return done(back=url_for(".security"), toast=_("Times are shown for %(zone)s.", zone=form.time_zone.data))
    return security_page(portal, zone_form=form)


def mount(add: Callable[..., None], portal: Portal) -> None:
    """Put these pages onto a portal's sign-in blueprint."""
    base = "/settings/security"
    add(base, "security", security)
    if rules.has_password(portal):
        add(f"{base}/password", "password", password, methods=["POST"])
    add(f"{base}/sessions/<uuid:session_id>/end", "session_end", session_end, methods=["POST"])
    add(f"{base}/other-sessions/end", "other_sessions_end", other_sessions_end, methods=["POST"])
    add(f"{base}/time-zone", "time_zone", time_zone, methods=["POST"])
