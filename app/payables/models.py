"""Payment requests: bills of payees to an organization, written in a portal or imported from a file."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import OrganizationRecord, PayeeRecord
from app.db.types import choice
from app.payables.states import TRANSITIONS, ImportStatus, RequestStatus, WorkType


class PaymentRequest(PayeeRecord):
    """`amount_minor` is what was asked for (negative: a credit), `approved_minor` what the organization agreed to.

    `reference` is unique within the organization: a second import or a repeated form adds nothing. `round` counts
    agreements: a dispute ends one, and the earning of the next carries the new number.
    """

    __tablename__ = "payment_requests"
    __table_args__ = (
        UniqueConstraint("organization_id", "reference"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint(
            "approved_minor IS NULL OR (sign(approved_minor) = sign(amount_minor)"
            " AND abs(approved_minor) <= abs(amount_minor))",
            name="approved",
        ),
        Index("ix_payment_requests_queue", "organization_id", "status", "created_at", "id"),
        Index("ix_payment_requests_amount", "organization_id", "status", "amount_minor", "id"),
        Index("ix_payment_requests_newest", "organization_id", "created_at", "id"),
        Index("ix_payment_requests_payee", "payee_id", "created_at", "id"),
        Index("ix_payment_requests_invoice", "organization_id", "invoice_number"),
        Index("ix_payment_requests_import", "import_id"),
    )

    reference: Mapped[str]
    invoice_number: Mapped[str | None]
    amount_minor: Mapped[int]
    approved_minor: Mapped[int | None]
    currency: Mapped[str]
    description: Mapped[str]
    category: Mapped[str | None]
    project: Mapped[str | None]
    work_type: Mapped[WorkType] = mapped_column(choice(WorkType), default=WorkType.OTHER)
    invoice_on: Mapped[date]
    due_on: Mapped[date | None]
    status: Mapped[RequestStatus] = mapped_column(choice(RequestStatus), default=RequestStatus.DRAFT)
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("bill_imports.id"))
    import_line: Mapped[int | None]
    submitted_at: Mapped[datetime | None]
    submitted_by_account_id: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    reviewed_by_account_id: Mapped[UUID | None]
    review_reason: Mapped[str | None]
    round: Mapped[int] = mapped_column(default=1, server_default="1")
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def approved(self) -> Money | None:
        return None if self.approved_minor is None else Money(self.approved_minor, self.currency)

    def advance(self, to: RequestStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS allows the move."""
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition("payment request", self.status, to)
        self.status = to


class BillImport(OrganizationRecord):
    """One uploaded file of bills. `mapping` and `dialect` are what the person confirmed; `summary` what came of it."""

    __tablename__ = "bill_imports"
    __table_args__ = (Index("ix_bill_imports_newest", "organization_id", "created_at", "id"),)

    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    currency: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    status: Mapped[ImportStatus] = mapped_column(choice(ImportStatus), default=ImportStatus.UPLOADED)
    summary: Mapped[dict[str, Any] | None]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
