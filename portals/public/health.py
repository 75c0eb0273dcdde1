"""`/health`: this process answers. `/ready`: so do the database, the queue and the schema. For load balancers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Response, jsonify

from portals.public import bp
from portals.web import stores
from portals.web.ratelimit import limiter

log = logging.getLogger(__name__)


@bp.get("/health")
@limiter.exempt
def health() -> Response:
    return jsonify(status="ok")


@bp.get("/ready")
@limiter.exempt
def ready() -> tuple[Response, int]:
    """503 names what is missing; why is in the log, since an error may quote an address with its password."""
    checks: dict[str, Callable[[], bool]] = {
        "database": stores.database_answers,
        "redis": stores.redis_answers,
        "migrations": stores.schema_is_current,
    }
    said = {name: _said(name, check) for name, check in checks.items()}
    good = all(word == "ok" for word in said.values())
    return jsonify(status="ok" if good else "unavailable", **said), 200 if good else 503


def _said(name: str, check: Callable[[], bool]) -> str:
    try:
        return "ok" if check() else "behind" if name == "migrations" else "no answer"
    except Exception as error:
        log.warning("not ready: %s: %s", name, type(error).__name__)
        return "no answer"
