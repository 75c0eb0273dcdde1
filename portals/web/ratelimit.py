"""Limits against guessing and flooding. Counted in Redis so that all web workers share them; a lost Redis bars nobody.

from portals.web.ratelimit import limiter
@limiter.limit("10 per minute")
"""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app.core.settings import settings

limiter = Limiter(key_func=get_remote_address, headers_enabled=True)


def init_app(app: Flask) -> None:
    url = settings().redis_url or "memory://"
    if url.startswith("unix://"):
        url = f"redis+{url}"  # what the limits library calls a socket of the embedded server
    app.config.setdefault("RATELIMIT_STORAGE_URI", url)
    app.config.setdefault("RATELIMIT_STRATEGY", "moving-window")
    # While Redis is away each worker counts for itself: weaker, but sign-in stays open.
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "quittance")
    limiter.init_app(app)
