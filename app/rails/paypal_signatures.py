"""Is a webhook call PayPal's? By the certificate it names, offline; by asking PayPal where that cannot be had.

PayPal signs `transmission id|transmission time|our webhook id|CRC-32 of the body`. A CRC is no hash: somebody who saw
one delivery could make another body with the same one. So what an event says is never believed, it only wakes a look-up
at PayPal, and each event is applied once by its WH- id.

How old a delivery may be: PayPal repeats one it could not deliver for three days, and does not say whether a repeat is
given a new time. Refusing what is five minutes old could lose news for good, while a replay does nothing (the event is
known already; if not, the look-up tells the truth). Hence three days and an hour back, and five minutes ahead.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import ssl
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from app.core.clock import utc_now
from app.rails.access import Mode, credential, reach
from app.rails.base import BadSignature, Delivery, Rail, RailUnavailable
from app.rails.http import Client
from app.rails.paypal_client import PayPalClient, Refused

OLDEST = timedelta(days=3, hours=1)
AHEAD = timedelta(minutes=5)
ALGORITHM = "SHA256withRSA"
_HOSTS = {
    Mode.SANDBOX: frozenset({"api.sandbox.paypal.com", "api-m.sandbox.paypal.com"}),
    Mode.LIVE: frozenset({"api.paypal.com", "api-m.paypal.com"}),
}
_COMMON_NAME = {
    Mode.SANDBOX: "messageverificationcerts.sandbox.paypal.com",
    Mode.LIVE: "messageverificationcerts.paypal.com",
}
_CERTIFICATE_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_\-]{1,100}")
_KEPT_S = 24 * 3600.0
_MISSED_S = 60.0  # how long a certificate that could not be had is not asked for again
_MOST_KEPT = 16
_FETCH_S = 4.0

Fetch = Callable[[str], bytes]


class CannotTell(Exception):
    """The certificate cannot be had or does not prove anything: PayPal itself has to be asked."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """The signed headers of one delivery, and its body byte for byte."""

    id: str
    time: str
    signature: str
    algorithm: str
    cert_url: str
    body: bytes

    def message(self, webhook_id: str) -> bytes:
        """What PayPal signs."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(self.body) & 0xFFFFFFFF}".encode()


class _Keeper(Protocol):
    def key(self, cert_url: str, mode: Mode) -> rsa.RSAPublicKey: ...


class Signatures:
    """Checks deliveries for a rail; `certificates` keeps the keys that were fetched."""

    def __init__(self, rail: Rail, certificates: _Keeper | None = None) -> None:
        self._rail, self._certificates = rail, certificates or Certificates()

    def check(self, delivery: Delivery, paypal: PayPalClient) -> None:
        """Raises BadSignature, or RailUnavailable when PayPal has to be asked and does not answer."""
        said = transmission(delivery)
        mode, webhook_id = reach(self._rail).mode, credential(self._rail, "PAYPAL_WEBHOOK_ID")
        if mode in _HOSTS:
            check_cert_url(said.cert_url, mode)
            try:
                verify(self._certificates.key(said.cert_url, mode), said, webhook_id)
                return
            except CannotTell:
                pass
        _ask(paypal, said, webhook_id)


def transmission(delivery: Delivery) -> Transmission:
    """Raises BadSignature for what cannot be PayPal's: something is missing, it is no JSON object, it is too old."""
    names = ("ID", "TIME", "SIG")
    number, moment, signature = (delivery.header(f"PAYPAL-TRANSMISSION-{name}") for name in names)
    algorithm, cert_url = delivery.header("PAYPAL-AUTH-ALGO"), delivery.header("PAYPAL-CERT-URL")
    if not re.fullmatch(r"[A-Za-z0-9\-]{1,50}", number) or algorithm != ALGORITHM or not signature or not cert_url:
        raise BadSignature("the signature headers are missing or malformed")
    try:
        at = datetime.fromisoformat(moment)
        off = utc_now() - at
    except (TypeError, ValueError):
        raise BadSignature("the transmission time is missing or malformed") from None
    if off > OLDEST or -off > AHEAD:
        raise BadSignature("the transmission is too old or from the future")
    try:
        body = json.loads(delivery.body.decode())
    except ValueError:
        raise BadSignature("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadSignature("the body is not a JSON object")
    return Transmission(number, moment, signature, algorithm, cert_url, delivery.body)


def check_cert_url(url: str, mode: Mode) -> None:
    """Raises BadSignature unless it is where PayPal keeps certificates: nobody makes us call elsewhere."""
    try:
        parts = urlsplit(url)
        plain = parts.port is None and parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        plain = False
    if not plain or parts.scheme != "https" or parts.netloc not in _HOSTS[mode]:
        raise BadSignature("the certificate is not at PayPal")
    if not _CERTIFICATE_PATH.fullmatch(parts.path):
        raise BadSignature("the certificate is not at PayPal")


def verify(key: rsa.RSAPublicKey, said: Transmission, webhook_id: str) -> None:
    """Raises BadSignature."""
    try:
        signature = base64.b64decode(said.signature, validate=True)
        key.verify(signature, said.message(webhook_id), padding.PKCS1v15(), hashes.SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        raise BadSignature("the signature does not fit the body") from None


def _ask(paypal: PayPalClient, said: Transmission, webhook_id: str) -> None:
    """PayPal says whether it made this delivery. The event goes back byte for byte: written anew it has another CRC."""
    fields = {
        "auth_algo": said.algorithm, "cert_url": said.cert_url, "transmission_id": said.id,
        "transmission_sig": said.signature, "transmission_time": said.time, "webhook_id": webhook_id,
    }  # fmt: skip
    content = json.dumps(fields).encode()[:-1] + b',"webhook_event":' + said.body + b"}"
    try:
        answer = paypal.post_json("/v1/notifications/verify-webhook-signature", content)
    except Refused as refused:
        if refused.status in (400, 422):
            raise BadSignature("PayPal cannot read the delivery") from refused
        raise RailUnavailable("PayPal would not check the delivery.", refused.code) from refused
    if not isinstance(answer, dict) or answer.get("verification_status") != "SUCCESS":
        raise BadSignature("PayPal did not make this delivery")


class Certificates:
    """The keys of PayPal's certificates, fetched once a day by each process."""

    def __init__(self, fetch: Fetch | None = None, roots: Sequence[x509.Certificate] | None = None) -> None:
        self._fetch, self._roots = fetch or _fetch, roots
        self._keys: dict[str, tuple[float, rsa.RSAPublicKey | None]] = {}

    def key(self, cert_url: str, mode: Mode) -> rsa.RSAPublicKey:
        """The key of a certificate that is PayPal's, in its chain and in its time. Raises CannotTell."""
        known = self._keys.get(cert_url)
        if known is None or known[0] <= time.monotonic():
            known = self._look(cert_url, mode)
            while len(self._keys) >= _MOST_KEPT:
                self._keys.pop(next(iter(self._keys)), None)
            self._keys[cert_url] = known
        if known[1] is None:
            raise CannotTell
        return known[1]

    def _look(self, cert_url: str, mode: Mode) -> tuple[float, rsa.RSAPublicKey | None]:
        try:
            roots = _system_roots() if self._roots is None else self._roots
            key, ends_at = read_chain(self._fetch(cert_url), _COMMON_NAME[mode], roots)
        except (CannotTell, RailUnavailable):
            return time.monotonic() + _MISSED_S, None
        left_s = (ends_at - utc_now()).total_seconds()
        return time.monotonic() + min(_KEPT_S, left_s), key


def read_chain(pem: bytes, name: str, roots: Sequence[x509.Certificate]) -> tuple[rsa.RSAPublicKey, datetime]:
    """The key of the first certificate, which is `name`'s and valid now under `roots`, and its end. Or CannotTell."""
    try:
        leaf, *between = x509.load_pem_x509_certificates(pem)
        if [one.value for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] != [name]:
            raise CannotTell
        policy = PolicyBuilder().store(Store(list(roots))).time(utc_now())
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, between)
        key = leaf.public_key()
    except (ValueError, TypeError, VerificationError) as error:
        raise CannotTell from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise CannotTell
    return key, leaf.not_valid_after_utc


@cache
def _system_roots() -> tuple[x509.Certificate, ...]:
    """What this machine trusts; with nothing PayPal is asked instead."""
    found = []
    for der in ssl.create_default_context().get_ca_certs(binary_form=True):
        try:
            found.append(x509.load_der_x509_certificate(der))
        except ValueError:
            continue
    return tuple(found)


def _fetch(cert_url: str) -> bytes:
    parts = urlsplit(cert_url)
    client = Client("PayPal's certificates", f"https://{parts.netloc}", connect_s=_FETCH_S, read_s=_FETCH_S)
    try:
        return client.fetch(parts.path)
    finally:
        client.close()
