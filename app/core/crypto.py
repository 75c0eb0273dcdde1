"""Sealing (AES-256-GCM with key ids and bound context) and keyed blind indexes. DESIGN decision 20."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.settings import settings

_CANNOT = "this value cannot be opened with the keys at hand"


class CannotOpen(ValueError):
    """The key is unknown, or the text was changed or moved to another row."""


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, purpose.encode()).derive(secret.encode())


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key-id:" + secret.encode()).hexdigest()[:8]


@cache
def _ring() -> dict[str, AESGCM]:
    secrets = (settings().encryption_key, *settings().encryption_keys_old)
    return {_key_id(s): AESGCM(_derive(s, "seal")) for s in secrets}


def seal(value: Any, context: str) -> str:
    """Seal JSON-able `value`; `context` (table, column, row) must be the same to open it."""
    return seal_bytes(json.dumps(value, sort_keys=True).encode(), context)


def seal_bytes(raw: bytes, context: str) -> str:
    """As `seal`, of bytes that have to come back as they were."""
    key_id = _key_id(settings().encryption_key)
    nonce = os.urandom(12)
    sealed = _ring()[key_id].encrypt(nonce, raw, f"{key_id}:{context}".encode())
    return f"v1.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def open_sealed(text: str, context: str) -> Any:
    """Raises CannotOpen when the key is unknown or the text does not belong to `context`."""
    try:
        return json.loads(open_bytes(text, context))
    except ValueError as error:
        raise CannotOpen(_CANNOT) from error


def open_bytes(text: str, context: str) -> bytes:
    """What `seal_bytes` was given. Raises CannotOpen as `open_sealed`."""
    try:
        version, key_id, body = text.split(".")
        raw = base64.urlsafe_b64decode(body)
        if version != "v1":
            raise CannotOpen("unknown version")
        return _ring()[key_id].decrypt(raw[:12], raw[12:], f"{key_id}:{context}".encode())
    except (KeyError, ValueError, InvalidTag) as error:
        raise CannotOpen(_CANNOT) from error


def blind_index(value: str, purpose: str) -> str:
    """A keyed hash to find equal values without opening them. Bound to the oldest key so that rotation keeps it."""
    oldest = (settings().encryption_key, *settings().encryption_keys_old)[-1]
    return hmac.digest(_derive(oldest, f"blind:{purpose}"), value.encode(), "sha256").hex()


def derived_secret(purpose: str) -> str:
    """A secret of its own for one purpose (e.g. the simulator's webhooks), derived from SECRET_KEY."""
    return _derive(settings().secret_key, purpose).hex()


def token() -> str:
    """An unguessable URL-safe token, 256 bits."""
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def token_sha256(value: str) -> str:
    """Tokens are stored as this hash only."""
    return hashlib.sha256(value.encode()).hexdigest()
