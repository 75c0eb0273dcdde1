"""A creator's tracking link: the visit is counted, nothing of the visitor is kept, and the shop's page opens."""

from __future__ import annotations

import re

from flask import Response, redirect, request

from app.core.scope import Scope
from app.sales import codes
from portals.public import bp
from portals.web.db import db, use_scope
from portals.web.ratelimit import limiter

# Who says of itself that nobody is looking: previews of messengers, search engines, checks of links.
_ROBOT = re.compile(
    r"bot\b|crawl|spider|slurp|preview|facebookexternalhit|embedly|whatsapp|scanner|monitor|curl|wget|python-|headless",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\bpre(fetch|render|view)\b", re.IGNORECASE)


def seen_by_somebody() -> bool:
    """Whether this looks like a person opening the link."""
    if request.method != "GET":
        return False
    hints = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    if any(_AHEAD.search(hint) for hint in hints):
        return False
    agent = request.headers.get("User-Agent", "")
    return bool(agent) and not _ROBOT.search(agent)


@bp.get("/go/<token>")
@limiter.limit("600 per minute")
def go(token: str) -> Response:
    """302 to the page the organization set; 404 where there is none."""
    use_scope(Scope.public())
    url = codes.follow(db(), token[:100], counts=seen_by_somebody())
    answer = redirect(url, 302)
    answer.headers["Cache-Control"] = "no-store"  # the next visit counts too
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    assert isinstance(answer, Response)
    return answer
