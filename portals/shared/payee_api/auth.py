"""Signing in by a program. As on the pages, no answer tells who is known. Only JSON is read: no foreign page's form."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from app.core.clock import utc_now
from app.core.errors import Forbidden, Invalid, Locked
from app.identity import passwords, rules, service
from app.identity.states import Portal, TokenPurpose
from app.notify import sign_in as signing_in
from portals.shared.auth_pages import ASKING
from portals.web import session
from portals.web.db import db, keep
from portals.web.errors import problem
from portals.web.jsonio import Body
from portals.web.ratelimit import limiter

OPEN = frozenset({"magic_link", "login", "logout", "forgot_password", "reset_password"})


@limiter.limit(ASKING)
def magic_link(portal: Portal) -> ResponseReturnValue:
    """`{email}` → 202, whether or not the address is known."""
    signing_in.mail_link(db(), portal, _email())
    return _sent()


@limiter.limit(ASKING)
def login(portal: Portal) -> ResponseReturnValue:
    """`{email, password}` → 200 with a session, 401, 423 with `lockedUntil`."""
    body = Body()
    email, password = body.text("email", required=True, longest=254), body.text("password", required=True, longest=1000)
    body.check()
    keep()  # a wrong password is counted although it is refused
    try:
        opened = signing_in.by_password(db(), portal, email, password, session.browser())
    except passwords.WrongPassword as refusal:
        return problem(401, refusal.message)
    except Locked as refusal:
        return _locked(portal, email, refusal)
    if opened.signed_in.awaits_factor:
        raise Forbidden(_("This account asks for a code of its authenticator. Sign in on the page."))
    session.sign_in(opened)
    who = opened.signed_in
    return jsonify(accountId=str(who.account_id), name=who.name, email=who.email, csrfToken=generate_csrf())


def _locked(portal: Portal, email: str, refusal: Locked) -> Response:
    answer = problem(423, refusal.message)
    until = passwords.locked_until(db(), portal, rules.normal_email(email))
    body = answer.get_json(force=True)
    body["lockedUntil"] = (until or utc_now()).isoformat()
    answer.set_data(jsonify(body).get_data())
    return answer


def logout(portal: Portal) -> ResponseReturnValue:
    before = session.signed_in()
    if before is not None and before.portal is portal:
        signing_in.end_session(db(), before, before.session_id, session.browser())
        session.forget()
    return "", 204


@limiter.limit(ASKING)
def forgot_password(portal: Portal) -> ResponseReturnValue:
    """`{email}` → 202, whether or not the address is known."""
    signing_in.mail_reset(db(), portal, _email())
    return _sent()


@limiter.limit("30 per minute")
def reset_password(portal: Portal) -> ResponseReturnValue:
    """`{token, password}` with the token of the mailed link → 204; 410 for a dead link."""
    body = Body()
    token, password = body.text("token", required=True), body.text("password", required=True, longest=1000)
    body.check()
    if service.peek_link(db(), portal, token, TokenPurpose.PASSWORD_RESET) is None:
        return problem(410, _("This link was used or is too old. Ask for another."))
    signing_in.reset_password(db(), portal, token, password, session.browser())
    return "", 204


def _email() -> str:
    body = Body()
    email = body.text("email", longest=254)
    if not email:
        raise Invalid(_("Write your e-mail address."), fields={"email": _("This is needed.")})
    return email


def _sent() -> ResponseReturnValue:
    return jsonify(detail=_("If the address is known, a mail is on its way.")), 202


def mount(bp: Blueprint, portal: Portal) -> None:
    add = partial(bp.add_url_rule, defaults={"portal": portal}, methods=["POST"])
    add("/auth/magic-link", "magic_link", magic_link)
    add("/auth/logout", "logout", logout)
    if rules.has_password(portal):
        add("/auth/login", "login", login)
    if rules.has_reset(portal):
        add("/auth/forgot-password", "forgot_password", forgot_password)
        add("/auth/reset-password", "reset_password", reset_password)
