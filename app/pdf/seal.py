"""Sealing a PDF (PAdES, certified, no changes allowed) and looking whether a seal is whole. No network."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.pdf.seal_key import former_roots, seal_key

FIELD = "Seal"


class SealState(StrEnum):
    """What a file says of itself. WHOLE: our seal, and not a byte is different from what was sealed."""

    WHOLE = "whole"
    CHANGED = "changed"  # our seal is in it, and the file was changed afterwards
    FOREIGN = "foreign"  # signed with somebody else's key
    NONE = "none"  # a PDF without a seal, or no PDF


@dataclass(frozen=True, slots=True)
class SealReport:
    state: SealState
    signer: str = ""
    sealed_at: datetime | None = None


def _apart(work: Callable[[], Any]) -> Any:
    """pyHanko starts an event loop of its own; a thread that runs one already would refuse it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def seal(pdf: bytes, *, reason: str, name: str) -> bytes:
    """The same PDF with our seal, to be added last. Raises SealUnavailable."""
    from asn1crypto import keys, x509  # slow to import, as is pyHanko
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    given = seal_key()
    known = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    known.register_multiple([x509.Certificate.load(one) for one in given.chain])
    signer = signers.SimpleSigner(
        signing_cert=x509.Certificate.load(given.certificate),
        signing_key=keys.PrivateKeyInfo.load(given.key),
        cert_registry=known,
    )
    wanted = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        reason=reason,
        name=name,
    )
    made = _apart(lambda: signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), wanted, signer=signer))
    return bytes(made.getvalue())


def inspect(content: bytes) -> SealReport:
    """Look at the seal of a file from anywhere; never raises for what is in it."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    if not content.startswith(b"%PDF-"):
        return SealReport(SealState.NONE)
    try:
        found = list(PdfFileReader(io.BytesIO(content), strict=False).embedded_signatures)
        if not found:
            return SealReport(SealState.NONE)
        return _validated(found[0])
    except Exception:
        # A damaged PDF fails in as many ways as there are bytes. One that still carries our certificate was ours.
        return SealReport(SealState.CHANGED if _carries_ours(content) else SealState.NONE)


def _validated(embedded: Any) -> SealReport:
    from asn1crypto import x509
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    roots = [x509.Certificate.load(one) for one in (seal_key().root, *former_roots())]
    moment = embedded.self_reported_timestamp
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment)
    status = _apart(lambda: validate_pdf_signature(embedded, signer_validation_context=context))
    signer = str(status.signing_cert.subject.native.get("common_name", ""))
    if not status.trusted and not _carries_ours(bytes(embedded.pkcs7_content)):
        state = SealState.FOREIGN
    elif status.bottom_line:
        state = SealState.WHOLE
    else:
        state = SealState.CHANGED
    return SealReport(state, signer, moment)


def _carries_ours(content: bytes) -> bool:
    """Whether our certificate is in it, as it stands or written in hexadecimal."""
    certificate = seal_key().certificate
    return certificate in content or certificate.hex().encode() in content.lower()
