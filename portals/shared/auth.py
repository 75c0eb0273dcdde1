"""Signing in and out, mounted by every portal: link, password, forgotten password, step-up. No page tells who is known.

A link's GET shows a button and changes nothing, because mail scanners follow links; its POST consumes it.
"""

from __future__ import annotations

from functools import partial

from flask import Blueprint, g, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Gone, Invalid, Locked, NotFound
from app.core.settings import settings
from app.identity import rules, service
from app.identity.sessions import Opened
from app.identity.states import Portal, TokenPurpose
from app.notify import sign_in as signing_in
from app.organizations import member_queries
from portals.shared import (
    address,
    authenticator,
    client_signup,
    joining,
    notices,
    org_signup,
    passkeys,
    security,
    signup,
)
from portals.shared.auth_pages import (
    ASKING,
    ButtonForm,
    CodeForm,
    EmailForm,
    NewPasswordForm,
    OwnPasswordForm,
    PasswordForm,
    auth_page,
    safe_next,
    second_step_page,
    sign_in_page,
    step_up_page,
    unless_home,
    welcome,
)
from portals.web import guards, session
from portals.web.db import db, keep
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.htmx import done, go, page
from portals.web.ratelimit import limiter


@limiter.limit(ASKING, methods=["POST"])
def second_step(portal: Portal) -> ResponseReturnValue:
    """The code of the authenticator, or a recovery code. Wrong ones are counted although they are refused."""
    who = session.half_signed_in()
    if who is None or who.portal is not portal:
        return go(url_for(".sign_in", next=request.args.get("next")))
    form = CodeForm(next=request.args.get("next"))
    if form.accepts():
        keep()
        try:
            signing_in.pass_second_step(db(), who, form.code.data, session.browser())
        except (Invalid, Locked) as refusal:
            form.blame(refusal)
            g.refused_as = refusal.status
        else:
            return go(safe_next(portal, form.next.data))
    return second_step_page(portal, who, form, status=_refused_as(form))


@limiter.limit(ASKING, methods=["POST"])
def sign_in(portal: Portal) -> ResponseReturnValue:
    """Ask for a link."""
    form = EmailForm(next=request.args.get("next"))
    if form.accepts():
        with form.refusals():
            wanted = safe_next(portal, form.next.data)
            signing_in.mail_link(db(), portal, form.email.data, unless_home(portal, wanted))
            return _mailed(form.email.data, "link", wanted)
    return sign_in_page(portal, form)


def _mailed(email: str, what: str, wanted: str = "") -> ResponseReturnValue:
    cookie["mailed"] = {"email": email.strip()[:254], "what": what, "next": wanted}
    return go(url_for(".check_inbox"))


def check_inbox(portal: Portal) -> ResponseReturnValue:
    """The same for known and unknown addresses."""
    mailed = cookie.get("mailed")
    if not mailed:
        return go(url_for(".sign_in"))
    purpose = TokenPurpose.PASSWORD_RESET if mailed["what"] == "reset" else TokenPurpose.SIGN_IN
    again = EmailForm(formdata=None, email=mailed["email"], next=mailed["next"])
    minutes = int(rules.LINK_LIVES[purpose].total_seconds() // 60)
    return auth_page(
        portal, "check_inbox", email=mailed["email"], what=mailed["what"], minutes=minutes, again=again,
        sandbox_mailbox=settings().sandbox,
    )  # fmt: skip


@limiter.limit("30 per minute", methods=["POST"])
def use_link(portal: Portal, token: str) -> ResponseReturnValue:
    """The page a mailed link leads to; its button consumes the link."""
    form = ButtonForm(next=request.args.get("next"))
    if form.accepts():
        try:
            return welcome(portal, signing_in.by_link(db(), portal, token, session.browser()), form.next.data)
        except Gone:
            pass
    link = service.peek_link(db(), portal, token, TokenPurpose.SIGN_IN, TokenPurpose.INVITATION)
    if link is None:
        return auth_page(portal, "dead_link", status=410, retry_url=url_for(".sign_in", next=request.args.get("next")))
    return auth_page(portal, "link", form=form, link=link, token=token)


@limiter.limit(ASKING, methods=["POST"])
def password_sign_in(portal: Portal) -> ResponseReturnValue:
    _has_passwords(portal)
    form = PasswordForm(next=request.args.get("next"))
    if form.accepts():
        opened = _try_password(portal, form, form.email.data)
        if opened is not None:
            return welcome(portal, opened, form.next.data)
    return auth_page(portal, "password", form=form, status=_refused_as(form))


def _try_password(portal: Portal, form: PasswordForm | OwnPasswordForm, email: str) -> Opened | None:
    """A new session, or None with the reason in the form. A wrong password is counted although it is refused."""
    keep()
    try:
        return signing_in.by_password(db(), portal, email, form.password.data, session.browser())
    except (Invalid, Locked) as refusal:
        form.blame(refusal)
        g.refused_as = refusal.status
        return None


def _refused_as(form: BaseForm) -> int | None:
    """423 while the address is locked; otherwise what `page` makes of the form."""
    return g.get("refused_as") if form.faulty else None


def sign_out(portal: Portal) -> ResponseReturnValue:
    before = session.signed_in()
    if before is not None:
        signing_in.end_session(db(), before, before.session_id, session.browser())
    session.forget()
    return done(back=url_for(".sign_in"), toast=_("You are signed out."))


@limiter.limit(ASKING, methods=["POST"])
def forgot_password(portal: Portal) -> ResponseReturnValue:
    form = EmailForm()
    if form.accepts():
        with form.refusals():
            signing_in.mail_reset(db(), portal, form.email.data)
            return _mailed(form.email.data, "reset")
    return auth_page(portal, "forgot_password", form=form)


@limiter.limit("30 per minute", methods=["POST"])
def reset_password(portal: Portal, token: str) -> ResponseReturnValue:
    form = NewPasswordForm()
    link = service.peek_link(db(), portal, token, TokenPurpose.PASSWORD_RESET)
    if link is None:
        return auth_page(portal, "dead_link", status=410, retry_url=url_for(".forgot_password"))
    if form.accepts():
        with form.refusals():
            signing_in.reset_password(db(), portal, token, form.password.data, session.browser())
            return done(back=url_for(".password_sign_in"), toast=_("Your new password is set. Sign in with it."))
    return auth_page(portal, "reset_password", form=form, link=link, token=token)


@limiter.limit(ASKING, methods=["POST"])
def step_up(portal: Portal) -> ResponseReturnValue:
    """Prove again who you are, by password or by a fresh link, before money moves."""
    answer = guards.enter(portal)
    if answer is not None:
        return answer
    wanted = safe_next(portal, request.values.get("next"))
    if session.is_stepped_up():
        return go(wanted)
    form = OwnPasswordForm(next=wanted)
    if form.accepts():
        opened = _try_password(portal, form, g.account.email)
        if opened is not None:
            return welcome(portal, opened, wanted)
    return step_up_page(portal, form, wanted, status=_refused_as(form))


@limiter.limit(ASKING)
def step_up_link(portal: Portal) -> ResponseReturnValue:
    answer = guards.enter(portal)
    if answer is not None:
        return answer
    wanted = safe_next(portal, request.form.get("next"))
    signing_in.mail_link(db(), portal, g.account.email, unless_home(portal, wanted))
    return _mailed(g.account.email, "link", wanted)


def chooser(portal: Portal) -> ResponseReturnValue:
    """The start of the organization portal: straight to the only organization, else a choice."""
    answer = guards.enter(portal)
    if answer is not None:
        return answer
    if len(g.memberships) == 1:
        return redirect(f"/org/{g.memberships[0].slug}/", 303)
    return page(
        "shared/auth/chooser.html",
        portal=theme_of(portal),
        memberships=g.memberships,
        waits_for=member_queries.waits_for(db(), g.account.account_id),
    )


def start(portal: Portal) -> ResponseReturnValue:
    """Clients start with their bookings."""
    return guards.enter(portal) or redirect(url_for("client.consultations"), 303)


def _has_passwords(portal: Portal) -> None:
    if not rules.has_password(portal):
        raise NotFound(_("There are no passwords here. Ask for a sign-in link."))


def blueprint(portal: Portal) -> Blueprint:
    """The sign-in pages of one portal, named `<portal>_auth`."""
    bp = Blueprint(f"{portal.value}_auth", __name__, url_prefix=session.portal_url(portal))
    add = partial(bp.add_url_rule, defaults={"portal": portal})
    both = ["GET", "POST"]
    add("/signin", "sign_in", sign_in, methods=both)
    add("/signin/sent", "check_inbox", check_inbox)
    add("/signin/code", "second_step", second_step, methods=both)
    add("/signin/<token>", "use_link", use_link, methods=both)
    add("/signout", "sign_out", sign_out, methods=["POST"])
    add("/step-up", "step_up", step_up, methods=both)
    add("/step-up/link", "step_up_link", step_up_link, methods=["POST"])
    if rules.has_password(portal):
        add("/signin/password", "password_sign_in", password_sign_in, methods=both)
    if rules.has_reset(portal):
        add("/forgot-password", "forgot_password", forgot_password, methods=both)
        add("/reset-password/<token>", "reset_password", reset_password, methods=both)
    if portal is Portal.ORG:
        add("/", "chooser", chooser)
        org_signup.mount(add)
        joining.mount(add)
    if portal is Portal.CLIENT:
        add("/", "start", start)
    security.mount(add, portal)
    address.mount(add)
    authenticator.mount(add)
    passkeys.mount(add)
    notices.mount(add, portal)
    if portal.is_payee:
        signup.mount(add)
    if portal is Portal.CLIENT:
        client_signup.mount(add)
    return bp
