"""What the provider of card payments tells us of: verified, stored, answered. A job asks it how things stand."""

from __future__ import annotations

import logging

from flask import Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.core.errors import Conflict
from app.core.scope import Scope
from app.gateways import providers
from app.gateways.cards import BadSignature
from app.webhooks import service
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.ratelimit import limiter
from portals.webhooks import bp
from portals.webhooks.rails import FORGERIES, LARGEST

log = logging.getLogger("quittance.webhooks")


@bp.post("/stripe-payments")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def card_events() -> ResponseReturnValue:
    """200 once it is stored, also for a repeat; 401 unless Stripe signed it within five minutes of now, either side."""
    try:
        gateway = providers.cards(providers.STRIPE)
    except Conflict:
        abort(404)
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    try:
        news = gateway.parse_event(request.headers, body)
    except BadSignature as error:
        log.warning("card webhook refused: %s", error, extra={"fields": {"bytes": len(body)}})
        return problem(401, "The signature does not fit.")
    use_scope(Scope.platform("a card provider's webhook"))
    return _stored(
        sum(
            service.receive_cards(
                db(),
                gateway.name,
                one.event_id,
                {
                    "provider": gateway.name,
                    "kind": one.kind.value if one.kind else "",
                    "reference": one.reference,
                    "ignored": one.ignored,
                },
                body,
            )
            for one in news
        )
    )


def _stored(new: int) -> Response:
    return jsonify(new=new)
