"""Timestamped HMAC signatures over raw bodies, as Stripe and many others use: `t=<unix>,v1=<hex>[,v1=<hex>]`."""

from __future__ import annotations

import hmac

from app.core.clock import utc_now
from app.rails.base import BadSignature

TOLERANCE_S = 300


def sign(secret: str, body: bytes, at_s: int | None = None) -> str:
    """The header value for `body`, signed at `at_s` (seconds since 1970; default now)."""
    moment = int(utc_now().timestamp()) if at_s is None else at_s
    return f"t={moment},v1={_mac(secret, moment, body)}"


def check(secret: str, body: bytes, header: str) -> int:
    """The moment (seconds since 1970) `body` was signed.

    Raises BadSignature unless one v1 fits and the moment lies within five minutes of now, on either side.
    """
    try:
        parts = [part.strip().split("=", 1) for part in header.split(",")]
        moments = [int(value) for name, value in parts if name == "t" and value.isascii() and value.isdigit()]
        signatures = [value for name, value in parts if name == "v1"]
        (moment,) = moments
    except ValueError:
        raise BadSignature("the signature header is missing or malformed") from None
    expected = _mac(secret, moment, body).encode()
    if not any(hmac.compare_digest(expected, given.encode()) for given in signatures):
        raise BadSignature("the signature does not fit the body")
    if abs(utc_now().timestamp() - moment) > TOLERANCE_S:
        raise BadSignature("the signature is too old or from the future")
    return moment


def _mac(secret: str, moment: int, body: bytes) -> str:
    return hmac.digest(secret.encode(), b"%d." % moment + body, "sha256").hex()
