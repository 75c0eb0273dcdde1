"""Reads of contracts. A payee's list leaves drafts out: they are the organization's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from app.contracts.models import (
    Contract,
    ContractEvidence,
    ContractSignature,
    ContractTemplate,
    ContractTemplateVersion,
)
from app.contracts.states import TO_SIGN, ContractStatus, TemplateStatus
from app.core.errors import NotFound
from app.db import paging
from app.db.paging import AnyRow, AnySelect
from app.db.session import ScopedSession
from app.files.models import StoredFile
from app.organizations.models import Organization
from app.payees.models import Payee

EVIDENCE_WORDS = {
    "drafted": "Drafted, text frozen",
    "filed": "Put on file",
    "sent": "Sent to the payee",
    "reminded": "Reminder sent",
    "viewed": "Opened by the payee",
    "consented": "Agreed to sign electronically",
    "code_sent": "Code sent by e-mail",
    "code_refused": "Wrong code entered",
    "code_used": "Code from the e-mail entered",
    "signed": "Signed by the payee",
    "countersigned": "Signed by the organization",
    "sealed": "Sealed",
    "declined": "Declined by the payee",
    "expired": "Expired",
    "voided": "Taken back",
    "superseded": "Replaced by a newer contract",
}
_COLUMNS = (
    Contract.id, Contract.number, Contract.title, Contract.form, Contract.status, Contract.sent_at, Contract.expires_at,
    Contract.signed_on, Contract.sealed_at, Contract.created_at, Contract.organization_id, Contract.payee_id,
)  # fmt: skip
_NEWEST = paging.Key((Contract.created_at, Contract.id), ("created_at", "id"))


@dataclass(frozen=True, slots=True)
class Verified:
    """What anybody who holds the file or its hash may know."""

    number: str
    title: str
    organization: str
    payee: str
    status: ContractStatus
    sealed_at: datetime | None
    signers: tuple[str, ...]
    of_file: bool  # the hash is that of the sealed file, not of the text alone


def of_organization(
    session: Session,
    organization_id: UUID,
    *,
    status: ContractStatus | None = None,
    payee_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """id, number, title, form, status, dates, payee_id, payee_name; newest first."""
    query: AnySelect = (
        select(*_COLUMNS, Payee.name.label("payee_name"))
        .join(Payee, Payee.id == Contract.payee_id)
        .where(Contract.organization_id == organization_id)
    )
    if status is not None:
        query = query.where(Contract.status == status)
    if payee_id is not None:
        query = query.where(Contract.payee_id == payee_id)
    return paging.fetch(session, query, _NEWEST, cursor, limit)


def of_payee(
    session: Session,
    payee_id: UUID,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
    *,
    organization_id: UUID | None = None,
) -> paging.Page:
    """id, number, title, form, status, dates, organization_name; newest first, without drafts."""
    query: AnySelect = (
        select(*_COLUMNS, Organization.name.label("organization_name"))
        .join(Organization, Organization.id == Contract.organization_id)
        .where(Contract.payee_id == payee_id, _shown())
    )
    if organization_id is not None:
        query = query.where(Contract.organization_id == organization_id)
    return paging.fetch(session, query, _NEWEST, cursor, limit)


def first_to_sign(session: Session, payee_id: UUID, organization_id: UUID | None = None) -> AnyRow | None:
    """The oldest contract that waits for this payee: id, title, expires_at, organization_name."""
    query: AnySelect = (
        select(Contract.id, Contract.title, Contract.expires_at, Organization.name.label("organization_name"))
        .join(Organization, Organization.id == Contract.organization_id)
        .where(Contract.payee_id == payee_id, Contract.status.in_(TO_SIGN))
        .order_by(Contract.id)
        .limit(1)
    )
    if organization_id is not None:
        query = query.where(Contract.organization_id == organization_id)
    return session.execute(query).one_or_none()


def to_sign_count(session: Session, payee_id: UUID) -> int:
    """Capped."""
    return paging.capped_count(
        session, select(Contract.id).where(Contract.payee_id == payee_id, Contract.status.in_(TO_SIGN))
    )


def detail(session: Session, contract_id: UUID, *, payee_id: UUID | None = None) -> AnyRow:
    """One contract with all it says, names of both sides, its file's name and what it replaces. Raises NotFound.

    `payee_id`: as that payee may see it.
    """
    older = aliased(Contract)
    query: AnySelect = (
        select(
            *_COLUMNS, Contract.document_html, Contract.document_sha256, Contract.sealed_sha256, Contract.signing_order,
            Contract.needs_code, Contract.expires_days, Contract.reminded_at, Contract.link_url, Contract.file_id,
            Contract.reason, Contract.made_by, Contract.version, Contract.replaces_id,
            older.number.label("replaces"), Organization.name.label("organization_name"),
            Payee.name.label("payee_name"), Payee.kind.label("payee_kind"),
            StoredFile.name.label("file_name"), StoredFile.storage_key, StoredFile.content_type, StoredFile.size_bytes,
        )
        .join(Organization, Organization.id == Contract.organization_id)
        .join(Payee, Payee.id == Contract.payee_id)
        .outerjoin(StoredFile, StoredFile.id == Contract.file_id)
        .outerjoin(older, older.id == Contract.replaces_id)
        .where(Contract.id == contract_id)
    )  # fmt: skip
    if payee_id is not None:
        query = query.where(Contract.payee_id == payee_id, _shown())
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such contract.")
    return found


def signatures(session: Session, contract_id: UUID) -> Sequence[AnyRow]:
    """party, kind, name, strokes, signed_at, email, ip; in the order they were made."""
    columns = (
        ContractSignature.party, ContractSignature.kind, ContractSignature.name, ContractSignature.strokes,
        ContractSignature.signed_at, ContractSignature.email, ContractSignature.ip,
    )  # fmt: skip
    return session.execute(
        select(*columns).where(ContractSignature.contract_id == contract_id).order_by(ContractSignature.signed_at)
    ).all()


def evidence(session: Session, contract_id: UUID) -> Sequence[AnyRow]:
    """at, action, actor, email, ip, user_agent, document_sha256; oldest first."""
    columns = (
        ContractEvidence.at, ContractEvidence.action, ContractEvidence.actor, ContractEvidence.email,
        ContractEvidence.ip, ContractEvidence.user_agent, ContractEvidence.document_sha256,
    )  # fmt: skip
    return session.execute(
        select(*columns)
        .where(ContractEvidence.contract_id == contract_id)
        .order_by(ContractEvidence.at, ContractEvidence.id)
    ).all()


def replaceable(session: Session, organization_id: UUID, payee_id: UUID) -> Sequence[AnyRow]:
    """id, number, title of contracts a new one could take the place of."""
    states = (*TO_SIGN, ContractStatus.SIGNED, ContractStatus.SEALED, ContractStatus.ON_FILE)
    return session.execute(
        select(Contract.id, Contract.number, Contract.title)
        .where(Contract.organization_id == organization_id, Contract.payee_id == payee_id, Contract.status.in_(states))
        .order_by(Contract.created_at.desc())
        .limit(50)
    ).all()


def templates(session: Session, organization_id: UUID, *, active_only: bool = False) -> Sequence[AnyRow]:
    """id, name, version, status, title, written_by, written_at; by name."""
    query = (
        select(
            ContractTemplate.id, ContractTemplate.name, ContractTemplate.version, ContractTemplate.status,
            ContractTemplateVersion.title, ContractTemplateVersion.written_by,
            ContractTemplateVersion.created_at.label("written_at"),
        )
        .join(ContractTemplateVersion, _is_current())
        .where(ContractTemplate.organization_id == organization_id)
        .order_by(ContractTemplate.status, ContractTemplate.name)
        .limit(paging.MAX_LIMIT)
    )  # fmt: skip
    if active_only:
        query = query.where(ContractTemplate.status == TemplateStatus.ACTIVE)
    return session.execute(query).all()


def template(session: Session, organization_id: UUID, template_id: UUID) -> AnyRow:
    """id, name, version, status, title, body, fields, content_sha256 as they are now. Raises NotFound."""
    found = session.execute(
        select(
            ContractTemplate.id, ContractTemplate.name, ContractTemplate.version, ContractTemplate.status,
            ContractTemplateVersion.title, ContractTemplateVersion.body, ContractTemplateVersion.fields,
            ContractTemplateVersion.content_sha256,
        )
        .join(ContractTemplateVersion, _is_current())
        .where(ContractTemplate.organization_id == organization_id, ContractTemplate.id == template_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There is no such template.")
    return found


def by_hash(session: ScopedSession, sha256: str) -> Verified | None:
    """The contract a hash belongs to, for whoever holds it; None for an unknown or not yet signed one."""
    wanted = sha256.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        return None
    with session.elevated("whoever holds the hash may ask what it belongs to"):
        row: Any = session.execute(
            select(
                *_COLUMNS, Contract.sealed_sha256, Organization.name.label("organization_name"),
                Payee.name.label("payee_name"),
            )
            .join(Organization, Organization.id == Contract.organization_id)
            .join(Payee, Payee.id == Contract.payee_id)
            .where(or_(Contract.sealed_sha256 == wanted, Contract.document_sha256 == wanted))
            .where(Contract.sealed_sha256.is_not(None))
            .limit(1)
        ).one_or_none()  # fmt: skip
        if row is None:
            return None
        names = tuple(one.name for one in signatures(session, row.id))
    return Verified(
        row.number, row.title, row.organization_name, row.payee_name, row.status, row.sealed_at, names,
        row.sealed_sha256 == wanted,
    )  # fmt: skip


def _shown() -> Any:
    """A draft is not sent; one taken back as a draft never was."""
    return and_(
        Contract.status != ContractStatus.DRAFT,
        or_(Contract.status != ContractStatus.VOIDED, Contract.sent_at.is_not(None), Contract.document_html.is_(None)),
    )


def _is_current() -> Any:
    return and_(
        ContractTemplateVersion.template_id == ContractTemplate.id,
        ContractTemplateVersion.version == ContractTemplate.version,
    )
