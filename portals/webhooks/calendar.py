"""What the calendar tells us of bookings: verified, stored, answered. A job applies it."""

from __future__ import annotations

import logging

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from app.core.scope import Scope
from app.core.settings import settings
from app.gateways import calcom
from app.gateways.calcom import BadSignature, Unreadable
from app.webhooks import service
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.ratelimit import limiter
from portals.webhooks import v1
from portals.webhooks.rails import FORGERIES, LARGEST

log = logging.getLogger("quittance.webhooks")


@v1.post("/calcom")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def calendar_events() -> ResponseReturnValue:
    """200 once it is stored, also for a repeat; 401 unless Cal.com signed it with our secret."""
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    try:
        calcom.verify(settings().calcom_webhook_secret, request.headers, body)
    except BadSignature as error:
        log.warning("calendar webhook refused: %s", error, extra={"fields": {"bytes": len(body)}})
        return problem(401, "The signature does not fit.")
    use_scope(Scope.platform("a calendar's webhook"))
    digest = calcom.digest_of(body)
    try:
        event = calcom.read(body)
    except Unreadable as reason:  # kept for people to look at, and nothing follows
        return _stored(f"sha256:{digest}", {"ignored": str(reason), "body_sha256": digest}, body)
    return _stored(event.event_id, calcom.kept(event, digest), body)


def _stored(event_id: str, event: dict[str, object], body: bytes) -> Response:
    """The same body has the same id, and so has the same news in another body."""
    return jsonify(new=int(service.receive_calendar(db(), "calcom", event_id, event, body)))
