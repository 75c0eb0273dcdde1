"""What `bench.webhooks` puts behind a server: the whole application (`ours`), and a door that only verifies and inserts
(`bare`). PayPal's certificate comes from a file, with a root of our own; its chain is checked as ever.

Both are made when asked for, since a server loads one of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from app.core.settings import settings
from app.rails import registry
from app.rails.paypal_signatures import Certificates, Signatures

CHAIN, ROOT = "BENCH_PAYPAL_CHAIN", "BENCH_PAYPAL_ROOT"
INSERT = "INSERT INTO bare_events (source, event_id, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
TABLE = """CREATE TABLE bare_events (
    source text NOT NULL, event_id text NOT NULL, body bytea NOT NULL, PRIMARY KEY (source, event_id))"""
_here = threading.local()


def _ours() -> Any:
    from wsgi import app

    roots = x509.load_pem_x509_certificates(Path(os.environ[ROOT]).read_bytes())
    chain = Path(os.environ[CHAIN]).read_bytes()
    rail: Any = registry.rail("paypal")
    rail._signatures = Signatures(rail, Certificates(lambda _url: chain, roots))
    return app


def _bare() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    key: Any = x509.load_pem_x509_certificates(Path(os.environ[CHAIN]).read_bytes())[0].public_key()
    given = settings().providers

    def paypal(said: dict[str, Any], body: bytes) -> None:
        parts = (said["HTTP_PAYPAL_TRANSMISSION_ID"], said["HTTP_PAYPAL_TRANSMISSION_TIME"], given["PAYPAL_WEBHOOK_ID"])
        message = f"{'|'.join(parts)}|{zlib.crc32(body)}".encode()
        signature = base64.b64decode(said["HTTP_PAYPAL_TRANSMISSION_SIG"])
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())

    def stripe(said: dict[str, Any], body: bytes) -> None:
        stamp, _, signed = said["HTTP_STRIPE_SIGNATURE"].partition(",")
        _fits(given["STRIPE_PAYOUTS_WEBHOOK_SECRET"], stamp[2:].encode() + b"." + body, signed[3:])

    def razorpayx(said: dict[str, Any], body: bytes) -> None:
        _fits(given["RAZORPAYX_WEBHOOK_SECRET"], body, said["HTTP_X_RAZORPAY_SIGNATURE"])

    doors = {"paypal-payouts": paypal, "stripe-payouts": stripe, "razorpayx": razorpayx}

    def app(said: dict[str, Any], start: Any) -> Iterable[bytes]:
        name = said["PATH_INFO"].rpartition("/")[2]
        body = said["wsgi.input"].read(int(said["CONTENT_LENGTH"]))
        doors[name](said, body)
        _connection().execute(INSERT, (name, hashlib.sha256(body).hexdigest(), body))
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    return app


def _fits(secret: str, content: bytes, given: str) -> None:
    if not hmac.compare_digest(hmac.digest(secret.encode(), content, "sha256").hex(), given):
        raise ValueError("the signature does not fit")


def _connection() -> psycopg.Connection[tuple[Any, ...]]:
    """One for each thread; every statement is a transaction."""
    if not hasattr(_here, "connection"):
        _here.connection = psycopg.connect(
            settings().database_url.replace("+psycopg", ""), autocommit=True, prepare_threshold=None
        )
    found: psycopg.Connection[tuple[Any, ...]] = _here.connection
    return found


def __getattr__(name: str) -> Any:
    made = {"ours": _ours, "bare": _bare}.get(name)
    if made is None:
        raise AttributeError(name)
    return made()
