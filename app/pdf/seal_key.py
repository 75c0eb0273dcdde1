"""The key a document is sealed with: a PKCS#12 file from the settings, or in the sandbox one we made ourselves.

The self-made key lies sealed in DATA_DIR, its certificates beside it. A certificate that has sealed something stays
known: put former ones as PEM files into DATA_DIR/seal/former and the verify page goes on to know them.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.settings import settings

_CONTEXT = "seal:key:self-made"
_YEARS = 10


class SealUnavailable(RuntimeError):
    """There is no key to seal with; the message says what to set."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """DER: the private key (PKCS#8), its certificate, and the rest of the chain, the root last."""

    key: bytes
    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        return self.chain[-1] if self.chain else self.certificate


def seal_key() -> SealKey:
    """Raises SealUnavailable in live mode without SEAL_P12_FILE."""
    given = settings()
    if given.seal_p12_file:
        return _from_file(given.seal_p12_file, given.seal_p12_password)
    if given.sandbox:
        return _self_made(given.data_dir / "seal")
    raise SealUnavailable("Contracts cannot be sealed: SEAL_P12_FILE is not set.")


def former_roots() -> list[bytes]:
    """DER certificates that sealed earlier documents, besides the present one."""
    folder = settings().data_dir / "seal" / "former"
    found = []
    for path in sorted(folder.glob("*.pem")) if folder.is_dir() else []:
        found += [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(path.read_bytes())]
    return found


@cache
def _from_file(path: str, password: str) -> SealKey:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(Path(path).read_bytes(), password.encode() or None)
    except (OSError, ValueError) as error:
        raise SealUnavailable(f"Contracts cannot be sealed: SEAL_P12_FILE ({type(error).__name__}).") from None
    if key is None or certificate is None:
        raise SealUnavailable("Contracts cannot be sealed: SEAL_P12_FILE holds no key with its certificate.")
    return SealKey(
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.DER),
        tuple(other.public_bytes(Encoding.DER) for other in others),
    )


def _self_made(folder: Path) -> SealKey:
    """Made on first use; of two processes that make one at once the first to write wins."""
    path = folder / "key.json"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = folder / f"key.{os.getpid()}.new"
        temporary.write_text(json.dumps(_make()))
        temporary.chmod(0o600)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    return _opened(path.read_text())


@cache
def _opened(text: str) -> SealKey:
    kept = json.loads(text)
    key = load_pem_private_key(open_sealed(kept["key_sealed"], _CONTEXT).encode(), None)
    leaf, root = x509.load_pem_x509_certificates(kept["certificates"].encode())
    return SealKey(
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        leaf.public_bytes(Encoding.DER),
        (root.public_bytes(Encoding.DER),),
    )


def _make() -> dict[str, str]:
    """A root of this installation and a P-256 key under it. The root's own key is thrown away: it signs once."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name("Quittance sandbox root")
    root = _certificate(root_name, root_name, root_key, root_key, ca=True)
    leaf = _certificate(_name("Quittance sandbox seal"), root_name, leaf_key, root_key, ca=False)
    private = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "key_sealed": seal(private, _CONTEXT),
        "certificates": (leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)).decode(),
    }


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = utc_now()
    usage = x509.KeyUsage(
        digital_signature=not ca, content_commitment=not ca, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def public_pem() -> str:
    """The root to trust, for readers of sealed documents."""
    return x509.load_der_x509_certificate(seal_key().root).public_bytes(Encoding.PEM).decode()
