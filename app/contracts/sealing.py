"""From signatures to a sealed file: what goes on paper, and noting the file once it lies in the store."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from app.contracts import evidence, letters, queries, rules, service
from app.contracts.models import Contract, ContractEvidence, ContractSignature
from app.contracts.rules import Witness
from app.contracts.states import IN_FORCE, ContractStatus, Party
from app.core.clock import utc_now
from app.core.scope import SYSTEM
from app.core.settings import settings
from app.db.session import ScopedSession
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import Inspected
from app.organizations.models import Organization
from app.payees import queries as payees
from app.pdf.contracts import ContractDocument, EvidenceLine, SignatureBlock


def document(session: ScopedSession, contract_id: UUID) -> ContractDocument | None:
    """What the sealed PDF says; None when it is not this contract's turn (any more). Needs a platform scope."""
    contract = session.get_one(Contract, contract_id)
    if contract.status is not ContractStatus.COUNTERSIGNED:
        return None
    organization = session.get_one(Organization, contract.organization_id)
    payee = payees.card(session, contract.payee_id)
    names = {Party.PAYEE: ("Payee", payee.name), Party.ORGANIZATION: ("Organization", organization.name)}
    signatures = session.scalars(
        select(ContractSignature)
        .where(ContractSignature.contract_id == contract.id)
        .order_by(ContractSignature.signed_at)
    )
    happened = session.scalars(
        select(ContractEvidence)
        .where(ContractEvidence.contract_id == contract.id)
        .order_by(ContractEvidence.at, ContractEvidence.id)
    ).all()
    consent = next((str(one.detail["consent_text"]) for one in happened if one.action == "consented"), "")
    assert contract.document_html is not None and contract.document_sha256 is not None
    if rules.document_sha256(contract.document_html) != contract.document_sha256:
        raise ValueError(f"contract {contract.number}: its text is not what was signed")
    return ContractDocument(
        number=contract.number,
        title=contract.title,
        organization=organization.name,
        payee=payee.name,
        html=contract.document_html,
        document_sha256=contract.document_sha256,
        template_sha256=service.template_sha256(session, contract),
        consent=consent,
        signatures=tuple(_block(one, *names[one.party]) for one in signatures),
        evidence=tuple(
            EvidenceLine(_moment(one.at), queries.EVIDENCE_WORDS[one.action], one.email or one.actor, one.ip or "–")
            for one in happened
        ),
        verify_url=f"{settings().base_url}/verify",
        simulated=settings().sandbox,
    )


def settle(session: ScopedSession, contract_id: UUID, inspected: Inspected, storage_key: str) -> bool:
    """Note the sealed file; False when another run was faster. Needs a platform scope."""
    contract = service.locked(session, SYSTEM, contract_id)
    if contract.status is not ContractStatus.COUNTERSIGNED:
        return False
    row = files.add(
        session, SYSTEM, inspected, storage_key, organization_id=contract.organization_id,
        payee_id=contract.payee_id, purpose=FilePurpose.ATTACHMENT, subject_id=contract.id,
    )  # fmt: skip
    before = contract.status
    contract.file_id, contract.sealed_sha256, contract.sealed_at = row.id, inspected.sha256, utc_now()
    contract.signed_on = contract.sealed_at.date()
    contract.advance(ContractStatus.SEALED)
    evidence.note(
        session, SYSTEM, contract, "sealed", Witness(), before=before, told="Signed by everybody and sealed.",
        sealed_sha256=inspected.sha256, size_bytes=inspected.size_bytes,
    )  # fmt: skip
    old = session.get(Contract, contract.replaces_id) if contract.replaces_id else None
    if old is not None and old.status in IN_FORCE:
        service.supersede(session, SYSTEM, old, contract.number, Witness())
    letters.sealed(session, contract)
    return True


def _block(one: ContractSignature, party: str, signer: str) -> SignatureBlock:
    return SignatureBlock(
        party=party,
        signer=signer,
        name=one.name,
        path=rules.svg_path(one.strokes) if one.strokes else "",
        at=_moment(one.signed_at),
        email=one.email or "–",
        ip=one.ip or "–",
        user_agent=one.user_agent or "–",
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
