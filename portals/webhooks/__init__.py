"""Calls from outside that carry a signature instead of a session."""

from __future__ import annotations

from flask import Blueprint, Response

from portals.web.ratelimit import limiter
from portals.web.setup import csrf

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
v1 = Blueprint("webhooks_v1", __name__, url_prefix="/api/v1/webhooks")
plain = Blueprint("webhooks_plain", __name__, url_prefix="/webhooks")
blueprints = (bp, v1, plain)


def _say_no_limit(answer: Response) -> Response:
    """How much of the limit is left interests no provider, and would have to be asked of Redis while it waits."""
    if answer.status_code == 200:
        limiter.context.view_rate_limit = None
    return answer


for one in blueprints:
    csrf.exempt(one)
    one.after_request(_say_no_limit)

from portals.webhooks import calendar, cards, orders, rails  # noqa: E402,F401 - the views of these blueprints
