"""Signing up on a payee portal: by application, or by the invitation an organization sends.

The answer is the same for every address; the application goes into its queue once the mailed link is used.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue

from app.core.errors import Gone
from app.core.settings import settings
from app.identity.states import Portal
from app.payees import application_rules as rules
from app.payees import applications
from app.payees.kinds import of_portal
from app.payees.states import PayeeKind
from portals.shared.application_form import ApplicationForm
from portals.shared.auth_pages import auth_page
from portals.shared.consultant_signup import PRACTICES, ConsultantForm
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import go
from portals.web.ratelimit import limiter

_FORMS: dict[PayeeKind, type[ApplicationForm]] = {PayeeKind.CONSULTANT: ConsultantForm}


def _kind(portal: Portal) -> PayeeKind:
    spec = of_portal(portal.value)
    assert spec is not None
    return spec.kind


@limiter.limit("5 per minute; 20 per hour", methods=["POST"])
def sign_up(portal: Portal) -> ResponseReturnValue:
    """The form, where somebody takes applications; else whom to ask."""
    slug = request.values.get("organization", "")[:100] or None
    kind = _kind(portal)
    target = applications.target(db(), kind, slug)
    if target is None:
        return auth_page(portal, "sign_up_closed", asked=slug is not None, status=404 if slug else 200)
    form = _FORMS.get(kind, ApplicationForm)(organization=slug or "")
    if form.accepts_all():
        with form.refusals():
            form.send(kind, slug, target)
            cookie["applied"] = {"email": (form.email.data or "").strip()[:254], "to": target.name}
            return go(url_for(".sign_up_sent"))
    return auth_page(portal, "sign_up", form=form, target=target, practices=PRACTICES)


def sign_up_sent(portal: Portal) -> ResponseReturnValue:
    """The same for known and unknown addresses."""
    applied = cookie.get("applied")
    if not applied:
        return go(url_for(".sign_up"))
    return auth_page(
        portal, "sign_up_sent", email=applied["email"], to=applied["to"], days=rules.LINK_LIVES.days,
        sandbox_mailbox=settings().sandbox,
    )  # fmt: skip


@limiter.limit("30 per minute", methods=["POST"])
def confirm_application(portal: Portal, token: str) -> ResponseReturnValue:
    """The page the mailed link leads to; its button sends the application off."""
    form, kind = BaseForm(), _kind(portal)
    target = applications.peek(db(), kind, token)
    if target is not None and form.accepts():
        try:
            applications.confirm(db(), kind, token)
        except Gone:
            target = None
        else:
            return auth_page(portal, "sign_up_done", to=target.name, asks=target.asks)
    if target is None:
        return auth_page(portal, "dead_link", status=410, retry_url=url_for(".sign_up"))
    return auth_page(portal, "sign_up_link", form=form, to=target.name, asks=target.asks, token=token)


def mount(add: Callable[..., None]) -> None:
    add("/signup", "sign_up", sign_up, methods=["GET", "POST"])
    add("/signup/sent", "sign_up_sent", sign_up_sent)
    add("/signup/<token>", "confirm_application", confirm_application, methods=["GET", "POST"])
