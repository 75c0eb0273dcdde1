"""What the pages of signing in share: their forms, where they lead afterwards, and how each is drawn."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.identity import authenticators, passkeys, rules
from app.identity.sessions import Opened, SignedIn
from app.identity.states import Portal
from portals.web import session
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.frame import LABELS, theme_of
from portals.web.htmx import go, page

ASKING = "10 per minute; 60 per hour"  # per address of the network; each e-mail address has a limit of its own
HEADINGS = {
    Portal.CREATOR: _l("Sign in to see what you earned"),
    Portal.CONTRACTOR: _l("Sign in to get paid"),
    Portal.VENDOR: _l("Sign in to follow your bills"),
    Portal.CONSULTANT: _l("Sign in to your practice"),
    Portal.ORG: _l("Sign in to your organization"),
    Portal.ADMIN: _l("Sign in to the platform"),
    Portal.CLIENT: _l("Sign in to your bookings"),
}


class EmailForm(BaseForm):
    email = EmailField(_l("Email"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])
    next = HiddenField()


class ButtonForm(BaseForm):
    next = HiddenField()


class PasswordForm(BaseForm):
    email = EmailField(_l("Email"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password."))])
    next = HiddenField()


class OwnPasswordForm(BaseForm):
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password."))])
    next = HiddenField()


class CodeForm(BaseForm):
    code = StringField(_l("Code"), [InputRequired(_l("Write the code.")), Length(max=20)])
    next = HiddenField()


class NewPasswordForm(BaseForm):
    password = PasswordField(_l("New password"), [InputRequired(_l("Choose a password."))])


def safe_next(portal: Portal, wanted: str | None) -> str:
    """`wanted` when it is a page of this portal, else the portal's start."""
    home = f"{session.portal_url(portal)}/"
    text = wanted or ""
    parts = urlsplit(text)
    plain = not parts.scheme and not parts.netloc and text.isprintable() and "\\" not in text
    own = plain and parts.path.startswith(home) and "//" not in parts.path and "/../" not in f"{parts.path}/"
    return text if own else home


def unless_home(portal: Portal, wanted: str) -> str:
    return "" if wanted == f"{session.portal_url(portal)}/" else wanted


def auth_page(portal: Portal, name: str, **context: object) -> ResponseReturnValue:
    return page(
        f"shared/auth/{name}.html",
        portal=theme_of(portal),
        portal_label=LABELS[portal],
        heading=HEADINGS[portal],
        has_password=rules.has_password(portal),
        has_reset=rules.has_reset(portal),
        has_sign_up=portal is not Portal.ADMIN,
        opens_organizations=portal is Portal.ORG,
        **context,
    )


def welcome(portal: Portal, opened: Opened, wanted: str | None) -> ResponseReturnValue:
    session.sign_in(opened)
    if opened.signed_in.awaits_factor:
        return go(url_for(".second_step", next=unless_home(portal, safe_next(portal, wanted)) or None))
    return go(safe_next(portal, wanted))


def sign_in_page(portal: Portal, form: EmailForm, **more: object) -> ResponseReturnValue:
    return auth_page(portal, "sign_in", form=form, passkey_next=form.next.data, may_use_passkey=_any_passkeys(), **more)


def second_step_page(portal: Portal, who: SignedIn, form: CodeForm, **more: object) -> ResponseReturnValue:
    """`has_app`: a code can be asked for; without, a recovery code stands in for the passkey."""
    return auth_page(
        portal, "second_step", form=form, email=who.email, passkey_next=form.next.data,
        has_app=authenticators.status(db(), who.account_id).since is not None,
        may_use_passkey=_any_passkeys() and bool(passkeys.passkeys(db(), who.account_id)), **more,
    )  # fmt: skip


def step_up_page(portal: Portal, form: OwnPasswordForm, wanted: str, **more: object) -> ResponseReturnValue:
    return auth_page(
        portal, "step_up", form=form, by_link=ButtonForm(formdata=None, next=wanted), passkey_next=wanted,
        may_use_passkey=_any_passkeys() and bool(passkeys.passkeys(db(), g.account.account_id)), **more,
    )  # fmt: skip


def _any_passkeys() -> bool:
    return passkeys.site() is not None
