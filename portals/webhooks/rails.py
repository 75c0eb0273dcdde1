"""What rails tell us: verified, stored, answered. A job applies it, so the rail never waits for our work."""

from __future__ import annotations

import logging

from flask import Response, abort, jsonify, request

from app.core.scope import Scope
from app.rails import registry
from app.rails.base import BadSignature, Delivery, RailUnavailable
from app.webhooks import service
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.ratelimit import limiter
from portals.webhooks import bp, plain

log = logging.getLogger("quittance.webhooks")
LARGEST = 2 * 1024 * 1024
ALIASES = {"payouts": "stripe-payouts"}  # names callers know from before
FORGERIES = "60 per minute"  # from one address; then its calls are refused unread


@bp.post("/<rail_name>")
@bp.post("/<rail_name>/<path:rest>")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def rail_events(rail_name: str, rest: str = "") -> Response:
    """200 once it is stored, also for a repeat; 401 when the rail did not make it or it is too old; 503 when that
    cannot be told now, so that it comes again.

    `rest` is the rail's own, e.g. what tells one attempt's callback from another's.
    """
    rail = registry.listening(ALIASES.get(rail_name, rail_name))
    if rail is None:
        abort(404)
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    try:
        events = rail.parse_event(Delivery(dict(request.headers), body, rest, request.remote_addr or ""))
    except BadSignature as error:
        log.warning("webhook refused: %s", error, extra={"fields": {"rail": rail_name, "bytes": len(body)}})
        return problem(401, "The signature does not fit.")
    except RailUnavailable as error:
        log.warning("webhook not verified: %s", error, extra={"fields": {"rail": rail_name, "code": error.code}})
        return problem(503, "It cannot be verified at the moment.")
    use_scope(Scope.platform("a rail's webhook"))
    new = service.receive(db(), rail.name, events, body)
    return jsonify(events=len(events), new=new)


@plain.post("/stripe")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def stripe_events() -> Response:
    """The same as under its longer name."""
    return rail_events("stripe-payouts")
