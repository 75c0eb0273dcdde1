"""Timestamped HMAC signatures over raw bodies, as Stripe and many others use: `t=<unix>,v1=<hex>[,v1=<hex>]`."""

from __future__ import annotations

from app.core.clock import utc_now
from app.core.macs import fits, mac

TOLERANCE_S = 300
_LONGEST = 2000


class BadStamp(ValueError):
    """The body was not signed with this secret, or not now."""


def sign(secret: str, body: bytes, at_s: int | None = None) -> str:
    """The header value for `body`, signed at `at_s` (seconds since 1970; default now)."""
    moment = int(utc_now().timestamp()) if at_s is None else at_s
    return f"t={moment},v1={mac(secret, _content(moment, body))}"


def check(secrets: str | tuple[str, ...], body: bytes, header: str) -> int:
    """The moment (seconds since 1970) `body` was signed with one of the secrets; "" is none.

    Raises BadStamp unless one v1 fits and the moment lies within five minutes of now, on either side.
    """
    parts = [part.strip().partition("=") for part in header[:_LONGEST].split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit() and len(moments[0]) <= 12):
        raise BadStamp("the signature header is missing or malformed")
    moment = int(moments[0])
    if not fits(secrets, _content(moment, body), *given):
        raise BadStamp("the signature does not fit the body")
    if abs(utc_now().timestamp() - moment) > TOLERANCE_S:
        raise BadStamp("the signature is too old or from the future")
    return moment


def _content(moment: int, body: bytes) -> bytes:
    return b"%d." % moment + body
