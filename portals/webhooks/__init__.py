"""Calls from outside that carry a signature instead of a session."""

from __future__ import annotations

from flask import Blueprint

from portals.web.setup import csrf

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
csrf.exempt(bp)

from portals.webhooks import orders, rails  # noqa: E402,F401 - the views of this blueprint
