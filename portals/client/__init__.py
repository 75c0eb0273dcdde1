"""The clients' portal: book, pay, move, cancel, review. Scope and links are of the signed-in client."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from portals.web.guards import portal_guard
from portals.web.nav import NavItem

bp = Blueprint("client", __name__, url_prefix="/client")
ITEMS = (
    NavItem(_l("Consultations"), "calendar", "client.consultations", tab=True),
    NavItem(_l("Book"), "plus", "client.new_consultation", tab=True),
    NavItem(_l("Profile"), "user", "client.profile", tab=True),
    NavItem(_l("Sign-in and security"), "shield-lock", "client_auth.security", foot=True),
)
portal_guard(bp, Portal.CLIENT, items=ITEMS)

from portals.client import booking, consultations, paying, profile  # noqa: E402,F401 - the views of this blueprint
