"""`/api/<portal>`: a payee portal as JSON, for the signed-in payee's own programs. Changes need the CSRF header.

    bp = payee_api(Portal.VENDOR)      # portals/vendor/api.py

Signing in is at `…/auth/login`, which answers with the token for that header.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.identity.states import Portal
from portals.shared.payee.payers import has_bills
from portals.shared.payee_api import account, auth, payments, requests
from portals.web import guards, session
from portals.web.errors import problem
from portals.web.setup import csrf


def payee_api(portal: Portal) -> Blueprint:
    """A guarded blueprint with what all payees share; a portal adds its own views."""
    bp = Blueprint(f"{portal.value}_api", f"portals.{portal.value}.api", url_prefix=f"/api/{portal.value}")
    bp.before_request(lambda: enter(portal))
    csrf.exempt(bp)  # checked in `enter`, because nobody who signs in has a token yet
    auth.mount(bp, portal)
    payments.mount(bp)
    account.mount(bp, portal)
    if has_bills(portal):
        requests.mount(bp)
    return bp


def enter(portal: Portal) -> ResponseReturnValue | None:
    """A program without a session is told so; it cannot follow a redirect to a form."""
    name = (request.endpoint or "").rpartition(".")[2]
    if name in auth.OPEN:
        return None if request.is_json else problem(415, "Send JSON, with Content-Type: application/json.")
    csrf.protect()
    if session.signed_in() is None:
        return problem(401, f"Sign in to the {portal.value} portal first.")
    return guards.enter(portal)
