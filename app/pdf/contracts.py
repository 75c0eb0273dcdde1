"""What a contract says on paper, as plain values: the text, the signatures, and how they came about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignatureBlock:
    """One signature. `path` is the SVG path of a drawn one on a pad of 600 × 200, empty for a typed one."""

    party: str
    signer: str
    name: str
    path: str
    at: str
    email: str
    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    at: str
    what: str
    who: str
    ip: str


@dataclass(frozen=True, slots=True)
class ContractDocument:
    """`html` is the frozen text, made by `app.contracts.wording` of escaped words and our own tags alone.

    `document_sha256` is its hash, `template_sha256` that of its template version. Times are UTC, as text.
    """

    number: str
    title: str
    organization: str
    payee: str
    html: str
    document_sha256: str
    template_sha256: str
    consent: str
    signatures: tuple[SignatureBlock, ...]
    evidence: tuple[EvidenceLine, ...]
    verify_url: str
    simulated: bool = False
    locale: str = "en"
