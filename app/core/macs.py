"""HMAC-SHA256 over bytes, which most callers sign with. Where it stands in their headers each reads for itself."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable


def mac(secret: str, content: bytes) -> str:
    """In lower-case hexadecimal."""
    return hmac.digest(secret.encode(), content, "sha256").hex()


def mac_base64(secret: str, content: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), content, "sha256")).decode()


def same(expected: str, given: str) -> bool:
    """In a time that does not tell how much of it is right; also for text that is not ASCII."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def fits(secrets: str | Iterable[str], content: bytes, *given: str) -> bool:
    """Whether one of `given` is the MAC of `content` by one of the secrets, in hexadecimal. "" is no secret."""
    expected = [mac(secret, content) for secret in _real(secrets)]
    return any(same(one, said.strip().lower()) for one in expected for said in given)


def fits_base64(secrets: str | Iterable[str], content: bytes, given: str) -> bool:
    """As `fits`, in base64."""
    said = given.strip()
    return any(same(mac_base64(secret, content), said) for secret in _real(secrets))


def _real(secrets: str | Iterable[str]) -> list[str]:
    return [secret for secret in ((secrets,) if isinstance(secrets, str) else secrets) if secret]
