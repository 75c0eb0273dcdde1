"""An account for somebody who opens an organization. Nobody is told whether an address has one already."""

from __future__ import annotations

from collections.abc import Callable

from flask import session as cookie
from flask import url_for
from flask.typing import ResponseReturnValue

from app.identity.states import Portal
from app.notify import sign_in as signing_in
from portals.shared.auth_pages import auth_page, safe_next, unless_home
from portals.shared.client_signup import SignUpForm
from portals.web.db import db
from portals.web.htmx import go
from portals.web.ratelimit import limiter

WIZARD = "/org/new/"


@limiter.limit("5 per minute; 20 per hour", methods=["POST"])
def sign_up(portal: Portal) -> ResponseReturnValue:
    form = SignUpForm()
    if form.accepts():
        with form.refusals():
            email, wanted = form.email.data or "", unless_home(portal, safe_next(portal, form.next.data)) or WIZARD
            if not form.company_url.data:
                signing_in.open_account(db(), portal, email, form.name.data or "", form.time_zone.data, wanted)
            cookie["mailed"] = {"email": email.strip()[:254], "what": "link", "next": wanted}
            return go(url_for(".check_inbox"))
    return auth_page(portal, "org_sign_up", form=form)


def mount(add: Callable[..., None]) -> None:
    add("/signup", "sign_up", sign_up, methods=["GET", "POST"])
