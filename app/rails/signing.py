"""Timestamped HMAC signatures of deliveries (`app.core.stamps`); what does not fit is BadSignature."""

from __future__ import annotations

from app.core import stamps
from app.core.stamps import sign
from app.rails.base import BadSignature

__all__ = ["check", "sign"]


def check(secrets: str | tuple[str, ...], body: bytes, header: str) -> int:
    """The moment (seconds since 1970) `body` was signed with one of the secrets.

    Raises BadSignature unless one v1 fits and the moment lies within five minutes of now, on either side.
    """
    try:
        return stamps.check(secrets, body, header)
    except stamps.BadStamp as reason:
        raise BadSignature(str(reason)) from None
