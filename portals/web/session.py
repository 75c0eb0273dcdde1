"""Who is signed in. The cookie carries an opaque token (Flask-Login's user id); the session is a database row."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, g, request
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from app.core.clock import utc_now
from app.core.settings import settings
from app.identity import rules, sessions
from app.identity.sessions import Browser, Opened, SignedIn
from app.identity.states import Portal
from portals.web.db import db

_login = LoginManager()
_login.session_protection = None  # addresses change on the road; the token itself is the secret


class Visitor(UserMixin):
    """What Flask-Login passes around."""

    def __init__(self, token: str, signed_in: SignedIn) -> None:
        self.token = token
        self.signed_in = signed_in

    def get_id(self) -> str:
        return self.token


@_login.user_loader
def _load(token: str) -> Visitor | None:
    found = sessions.load(db(), token)
    return Visitor(token, found) if found else None


def signed_in() -> SignedIn | None:
    """The session of this browser, whatever its portal. None when nobody is signed in, or only half."""
    found = _carried()
    return None if found is None or found.awaits_factor else found


def half_signed_in() -> SignedIn | None:
    """Whoever gave password or link and still owes the code of their authenticator."""
    found = _carried()
    return found if found is not None and found.awaits_factor else None


def _carried() -> SignedIn | None:
    return current_user.signed_in if current_user.is_authenticated else None


def browser() -> Browser:
    return Browser(request.user_agent.string, request.remote_addr)


def sign_in(opened: Opened) -> None:
    """Hand a new session to this browser. What it carried before, also a session of another portal, ends."""
    before = _carried()
    if before is not None:
        sessions.sign_out(db(), before.account_id, before.session_id)
    cookie.clear()
    cookie.permanent = True
    login_user(Visitor(opened.token, opened.signed_in))


def forget() -> None:
    """This browser carries no session any more; ending the session itself is the caller's."""
    logout_user()
    cookie.clear()


def is_stepped_up() -> bool:
    """Whether this person proved who they are recently enough to move money."""
    found = signed_in()
    return found is not None and rules.is_stepped_up(found.stepped_up_at, utc_now(), sandbox=settings().sandbox)


def read_as(found: SignedIn) -> None:
    """Dates and amounts as this account reads them."""
    g.account = found
    g.tz = found.time_zone
    g.locale = found.locale


def portal_url(portal: Portal) -> str:
    """The address every page of a portal begins with."""
    return f"/{portal.value}"


def init_app(app: Flask) -> None:
    secure = settings().https
    app.config.update(
        SESSION_COOKIE_NAME="__Host-quittance" if secure else "quittance",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    # No `current_user` in templates: the page that reports a lost database must not ask it who is there.
    _login.init_app(app, add_context_processor=False)
