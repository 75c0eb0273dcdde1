"""A device that makes passkeys and signs with them, as a browser would hand its answers on. No network, no hardware."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

UP, UV, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """`origin` is what the browser shows; `count` the device's counter, None for a device that keeps none."""

    origin: str = "http://localhost:8000"
    count: int | None = 0
    verified: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    @property
    def credential_id(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return hashlib.sha256(f"{numbers.x}".encode()).digest()

    def make(self, options: dict[str, Any]) -> str:
        """The answer to options for a new passkey, as JSON."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        length = len(self.credential_id).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential_id + cose
        auth = self._auth(options["rp"]["id"], ATTESTED) + attested
        statement = encode_cbor({"fmt": "none", "attStmt": {}, "authData": auth})
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(self._client("webauthn.create", options["challenge"])),
                "attestationObject": bytes_to_base64url(statement),
                "transports": ["internal"],
            }
        )

    def sign(self, options: dict[str, Any]) -> str:
        """The answer to options for signing in, as JSON."""
        client, auth = self._client("webauthn.get", options["challenge"]), self._auth(options["rpId"])
        signature = self.key.sign(auth + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(client),
                "authenticatorData": bytes_to_base64url(auth),
                "signature": bytes_to_base64url(signature),
                "userHandle": bytes_to_base64url(self.user_handle),
            }
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _auth(self, rp_id: str, more: int = 0) -> bytes:
        if self.count is not None:
            self.count += 1
        flags = UP | (UV if self.verified else 0) | more
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:
        named = bytes_to_base64url(self.credential_id)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response})
