"""Passkeys: made, listed and removed in the settings; signed in with, as one step for two, on every portal.

The browser asks for a challenge (JSON), signs it, and the form posts its answer. Without script other ways remain.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from app.core.errors import Conflict, Invalid
from app.identity import passkeys
from app.identity.sessions import SignedIn
from app.identity.states import Portal
from app.notify import second_steps
from app.organizations import second_factors
from portals.shared.auth_pages import (
    ASKING,
    CodeForm,
    EmailForm,
    OwnPasswordForm,
    safe_next,
    second_step_page,
    sign_in_page,
    step_up_page,
    welcome,
)
from portals.shared.security import NewPasskeyForm, own, security_page
from portals.web import guards, session
from portals.web.db import db, keep
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.htmx import done, page
from portals.web.ratelimit import limiter

LONGEST = 20_000  # of a browser's answer


class AnswerForm(BaseForm):
    credential = HiddenField(validators=[InputRequired(), Length(max=LONGEST)])
    next = HiddenField()


def _present(portal: Portal) -> SignedIn | None:
    """Whoever is signed in to this portal already, fully or up to the second step."""
    who = session.signed_in() or session.half_signed_in()
    return who if who is not None and who.portal is portal else None


def _json(options: str) -> Response:
    return Response(options, mimetype="application/json")


@limiter.limit("30 per minute; 300 per hour")
def challenge(portal: Portal) -> ResponseReturnValue:
    return _json(passkeys.ask_to_sign_in(db(), portal, _present(portal)))


@limiter.limit(ASKING)
def sign_in(portal: Portal) -> ResponseReturnValue:
    """First step and second at once; for somebody half signed in the second, for somebody signed in the step-up."""
    form, who = AnswerForm(), _present(portal)
    if form.accepts():
        keep()  # a challenge counts once, also for a wrong answer
        try:
            opened = second_steps.by_passkey(db(), portal, who, form.credential.data, session.browser())
        except Invalid as refusal:
            return _refused(portal, who, refusal.message, form.next.data)
        return welcome(portal, opened, form.next.data)
    return _refused(portal, who, _("This needs a browser with scripts switched on."), form.next.data)


def _refused(portal: Portal, who: SignedIn | None, said: str, wanted: str | None) -> ResponseReturnValue:
    """The page the person came from, with what went wrong."""
    wanted = safe_next(portal, wanted)
    if who is None:
        return sign_in_page(portal, EmailForm(formdata=None, next=wanted), passkey_error=said, status=422)
    if who.awaits_factor:
        return second_step_page(portal, who, CodeForm(formdata=None, next=wanted), passkey_error=said, status=422)
    answer = guards.enter(portal)
    form = OwnPasswordForm(formdata=None, next=wanted)
    return answer or step_up_page(portal, form, wanted, passkey_error=said, status=422)


@own
@guards.step_up_required
def add_challenge(portal: Portal) -> ResponseReturnValue:
    return _json(passkeys.ask_to_add(db(), g.account))


@limiter.limit(ASKING)
@own
@guards.step_up_required
def add(portal: Portal) -> ResponseReturnValue:
    """The first one brings recovery codes, shown this once."""
    form = NewPasskeyForm()
    if form.accepts():
        keep()
        try:
            with form.refusals():
                codes = second_steps.add_passkey(
                    db(), g.account, form.credential.data, form.name.data, session.browser()
                )
                if codes:
                    home = f"{session.portal_url(portal)}/"
                    return page(
                        "shared/auth/recovery_codes.html", portal=theme_of(portal), portal_home=home, codes=codes
                    )
                return done(back=url_for(".security"), toast=_("The passkey “%(name)s” is added", name=form.name.data))
        except Conflict as refusal:
            form.blame(refusal)
    elif not form.credential.data:
        form.form_errors.append(_("This needs a browser with scripts switched on."))
    return security_page(portal, passkey_form=form)


@own
@guards.step_up_required
def removal(portal: Portal, passkey_id: UUID) -> ResponseReturnValue:
    must_stay = second_factors.is_required(db(), g.account)
    name = second_steps.remove_passkey(db(), g.account, passkey_id, session.browser(), one_must_stay=must_stay)
    return done(back=url_for(".security"), toast=_("The passkey “%(name)s” is removed", name=name))


def mount(add_rule: Callable[..., None]) -> None:
    base = "/settings/security/passkeys"
    add_rule("/signin/passkey/challenge", "passkey_challenge", challenge, methods=["POST"])
    add_rule("/signin/passkey", "passkey_sign_in", sign_in, methods=["POST"])
    add_rule(f"{base}/challenge", "passkey_add_challenge", add_challenge, methods=["POST"])
    add_rule(base, "passkey_add", add, methods=["POST"])
    add_rule(f"{base}/<uuid:passkey_id>/removal", "passkey_removal", removal, methods=["POST"])
