"""Contracts: templates in versions, contracts with their frozen text, signatures, and evidence that only grows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.contracts.states import (
    TRANSITIONS,
    ContractForm,
    ContractStatus,
    Party,
    SignatureKind,
    SigningOrder,
    TemplateStatus,
)
from app.core.errors import InvalidTransition
from app.db.base import OrganizationRecord, PayeeRecord
from app.db.types import choice


class ContractTemplate(OrganizationRecord):
    """`version` is the newest one; contracts keep the version they were made from."""

    __tablename__ = "contract_templates"
    __table_args__ = (
        Index("uq_contract_templates_name", "organization_id", text("lower(name)"), unique=True),
        Index("ix_contract_templates_newest", "organization_id", "created_at", "id"),
    )

    name: Mapped[str]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    status: Mapped[TemplateStatus] = mapped_column(choice(TemplateStatus), default=TemplateStatus.ACTIVE)


class ContractTemplateVersion(OrganizationRecord):
    """What a template said. `fields` is a list of {name, label, type, required}; the hash covers body and fields."""

    __tablename__ = "contract_template_versions"
    __append_only__ = True
    __table_args__ = (UniqueConstraint("template_id", "version"),)

    template_id: Mapped[UUID] = mapped_column(ForeignKey("contract_templates.id"))
    version: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    fields: Mapped[list[Any]]
    content_sha256: Mapped[str]
    written_by: Mapped[str]


class Contract(PayeeRecord):
    """One contract with one payee.

    `document_html` is what everybody reads and signs: frozen when it is made, as are `field_values` and the hash.
    """

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        CheckConstraint("(form = 'esign') = (document_html IS NOT NULL)", name="document"),
        CheckConstraint("(form = 'esign') = (document_sha256 IS NOT NULL)", name="document_hash"),
        CheckConstraint("form <> 'link' OR link_url IS NOT NULL", name="link"),
        CheckConstraint("form = 'esign' OR signed_on IS NOT NULL", name="signed_on"),
        CheckConstraint("status <> 'sealed' OR (sealed_sha256 IS NOT NULL AND file_id IS NOT NULL)", name="sealed"),
        Index("ix_contracts_newest", "organization_id", "created_at", "id"),
        Index("ix_contracts_payee", "payee_id", "created_at", "id"),
        Index("ix_contracts_sealed_sha256", "sealed_sha256", postgresql_where=text("sealed_sha256 IS NOT NULL")),
        Index("ix_contracts_document_sha256", "document_sha256"),
        Index(
            "ix_contracts_open",
            "expires_at",
            postgresql_where=text("status IN ('sent', 'viewed', 'consented', 'signed')"),
        ),
    )

    number: Mapped[str]
    title: Mapped[str]
    form: Mapped[ContractForm] = mapped_column(choice(ContractForm), default=ContractForm.ESIGN)
    status: Mapped[ContractStatus] = mapped_column(choice(ContractStatus), default=ContractStatus.DRAFT)
    template_version_id: Mapped[UUID | None] = mapped_column(ForeignKey("contract_template_versions.id"))
    field_values: Mapped[dict[str, Any]]
    document_html: Mapped[str | None]
    document_sha256: Mapped[str | None]
    signing_order: Mapped[SigningOrder] = mapped_column(choice(SigningOrder), default=SigningOrder.PAYEE_FIRST)
    needs_code: Mapped[bool] = mapped_column(default=False, server_default="false")
    expires_days: Mapped[int] = mapped_column(default=14, server_default="14")
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    signed_on: Mapped[date | None]
    link_url: Mapped[str | None]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    sealed_at: Mapped[datetime | None]
    sealed_sha256: Mapped[str | None]
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("contracts.id"))
    reason: Mapped[str | None]
    made_by: Mapped[str]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def advance(self, to: ContractStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS allows the move."""
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition("contract", self.status, to)
        self.status = to


class ContractSignature(PayeeRecord):
    """One party's signature under one document hash. `strokes` of a drawn one: lists of [x, y] in the pad's units."""

    __tablename__ = "contract_signatures"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("contract_id", "party"),
        CheckConstraint("(kind = 'drawn') = (strokes IS NOT NULL)", name="strokes"),
    )

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"))
    party: Mapped[Party] = mapped_column(choice(Party))
    kind: Mapped[SignatureKind] = mapped_column(choice(SignatureKind))
    name: Mapped[str]
    strokes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    signed_at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    email: Mapped[str | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    document_sha256: Mapped[str]


class ContractEvidence(PayeeRecord):
    """One thing that happened to a contract: who, when, from where, and to which document. Never changed."""

    __tablename__ = "contract_evidence"
    __append_only__ = True
    __table_args__ = (Index("ix_contract_evidence_contract", "contract_id", "at", "id"),)

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"))
    at: Mapped[datetime]
    action: Mapped[str]
    actor: Mapped[str]
    role: Mapped[str]
    account_id: Mapped[UUID | None]
    email: Mapped[str | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    document_sha256: Mapped[str | None]
    detail: Mapped[dict[str, Any]]


class ContractCode(PayeeRecord):
    """A code sent by e-mail before signing; kept as a keyed hash. The newest of a contract counts."""

    __tablename__ = "contract_codes"
    __table_args__ = (Index("ix_contract_codes_contract", "contract_id", "created_at"),)

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"))
    account_id: Mapped[UUID]
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    used_at: Mapped[datetime | None]
