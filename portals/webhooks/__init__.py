"""Calls from outside that carry a signature instead of a session."""

from __future__ import annotations

from flask import Blueprint

from portals.web.setup import csrf

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
v1 = Blueprint("webhooks_v1", __name__, url_prefix="/api/v1/webhooks")
plain = Blueprint("webhooks_plain", __name__, url_prefix="/webhooks")
blueprints = (bp, v1, plain)
for one in blueprints:
    csrf.exempt(one)

from portals.webhooks import calendar, cards, orders, rails  # noqa: E402,F401 - the views of these blueprints
