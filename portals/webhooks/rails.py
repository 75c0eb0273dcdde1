"""What rails tell us: verified, stored, answered. A job applies it, so the rail never waits for our work."""

from __future__ import annotations

import logging

from flask import Response, abort, jsonify, request

from app.core.scope import Scope
from app.core.settings import settings
from app.rails.base import BadSignature
from app.rails.registry import RAILS
from app.webhooks import service
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.ratelimit import limiter
from portals.webhooks import bp

log = logging.getLogger("quittance.webhooks")
LARGEST = 2 * 1024 * 1024
FORGERIES = "60 per minute"  # from one address; then its calls are refused unread


@bp.post("/<rail_name>")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def rail_events(rail_name: str) -> Response:
    """200 once it is stored, also for a repeat; 401 when the rail did not make it or it is older than five minutes."""
    rail = RAILS.get(rail_name)
    if rail is None or rail.exports or (rail.sandbox_only and not settings().sandbox):
        abort(404)
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    try:
        events = rail.parse_event(request.headers, body)
    except BadSignature as error:
        log.warning("webhook refused: %s", error, extra={"fields": {"rail": rail_name, "bytes": len(body)}})
        return problem(401, "The signature does not fit.")
    use_scope(Scope.platform("a rail's webhook"))
    new = service.receive(db(), rail_name, events, body)
    return jsonify(events=len(events), new=new)
