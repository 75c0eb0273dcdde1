"""Invoices, credit notes and debit notes to organizations that buy. Minor units of the document's currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.billing.documents import DocumentKind
from app.billing.invoice_states import INVOICE_TRANSITIONS, InvoiceOrigin, InvoiceStatus, PaidWith, PayoutOn
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import Base, OrganizationRecord, Visibility
from app.db.types import choice

_OPEN = "status = 'sent' AND kind <> 'credit_note'"


class BillingProfile(OrganizationRecord):
    """What the documents of an organization say of it: as the one that issues, or the one that is billed.

    `region`: a state's code where the country has them. `special_zone`, `undertaking`: India's SEZ and LUT.
    `service_code` and `service_rate_bps`: how its services are taxed when it issues. `bank_*`: where it is paid.
    `logo`: a picture drawn anew by us, small enough to be read with the row.
    """

    __tablename__ = "billing_profiles"
    __table_args__ = (
        UniqueConstraint("organization_id"),
        CheckConstraint("terms_days BETWEEN 0 AND 180", name="terms"),
        CheckConstraint("service_rate_bps BETWEEN 0 AND 10000", name="rate"),
    )

    legal_name: Mapped[str]
    street: Mapped[str] = mapped_column(default="", server_default="")
    city: Mapped[str] = mapped_column(default="", server_default="")
    postcode: Mapped[str] = mapped_column(default="", server_default="")
    region: Mapped[str] = mapped_column(default="", server_default="")
    country: Mapped[str]
    tax_id: Mapped[str] = mapped_column(default="", server_default="")
    special_zone: Mapped[bool] = mapped_column(default=False, server_default="false")
    undertaking: Mapped[bool] = mapped_column(default=False, server_default="false")
    email: Mapped[str] = mapped_column(default="", server_default="")
    reference: Mapped[str] = mapped_column(default="", server_default="")
    terms_days: Mapped[int] = mapped_column(default=30, server_default="30")
    payout_on: Mapped[PayoutOn] = mapped_column(
        choice(PayoutOn), default=PayoutOn.INVOICE_PAID, server_default=PayoutOn.INVOICE_PAID.value
    )
    service_code: Mapped[str] = mapped_column(default="", server_default="")
    service_rate_bps: Mapped[int] = mapped_column(default=0, server_default="0")
    prefix: Mapped[str] = mapped_column(default="INV", server_default="INV")
    bank_name: Mapped[str] = mapped_column(default="", server_default="")
    bank_code: Mapped[str] = mapped_column(default="", server_default="")
    bank_account: Mapped[str] = mapped_column(default="", server_default="")
    logo: Mapped[bytes | None] = mapped_column(deferred=True)
    logo_sha256: Mapped[str | None]


class Invoice(OrganizationRecord):
    """One document to the organization that buys. `issuer_id` numbers it: gapless by kind and fiscal year.

    `snapshot` is all that is on it, frozen as it is issued, with its digest; a trigger keeps both. `credited_minor`:
    what credit notes took off it; of a credit note, what of it was offset against invoices. `corrects_id`: of a note.
    `pdf_key` names the paper whose digest is kept.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("issuer_id", "kind", "fiscal_year", "serial"),
        UniqueConstraint("issuer_id", "number"),
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("total_minor = net_minor + tax_minor + round_off_minor", name="total"),
        CheckConstraint("net_minor >= 0 AND tax_minor >= 0", name="signs"),
        CheckConstraint(
            "paid_minor >= 0 AND credited_minor >= 0 AND paid_minor + credited_minor <= total_minor", name="balance"
        ),
        CheckConstraint("(kind = 'invoice') = (corrects_id IS NULL)", name="corrects"),
        CheckConstraint("period_start <= period_end", name="period"),
        Index("uq_invoices_month", "organization_id", "currency", "period_start", unique=True,
              postgresql_where=text("origin = 'month'")),
        Index("ix_invoices_newest", "organization_id", "created_at", "id"),
        Index("ix_invoices_all", "created_at", "id"),
        Index("ix_invoices_due", "due_on", "id", postgresql_where=text(_OPEN)),
        Index("ix_invoices_corrects", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
    )  # fmt: skip

    issuer_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    origin: Mapped[InvoiceOrigin] = mapped_column(choice(InvoiceOrigin))
    _status: Mapped[InvoiceStatus] = mapped_column("status", choice(InvoiceStatus), default=InvoiceStatus.SENT)
    currency: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    number: Mapped[str]
    serial: Mapped[int]
    fiscal_year: Mapped[int]
    issued_on: Mapped[date]
    due_on: Mapped[date | None]
    net_minor: Mapped[int]
    tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    round_off_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    total_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    credited_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    reason: Mapped[str] = mapped_column(default="", server_default="")
    snapshot: Mapped[dict[str, Any]]
    snapshot_sha256: Mapped[str]
    pdf_key: Mapped[str | None]
    pdf_sha256: Mapped[str | None]
    simulated: Mapped[bool] = mapped_column(default=False, server_default="false")
    paid_at: Mapped[datetime | None]
    reminded_days: Mapped[int] = mapped_column(default=0, server_default="0")

    @property
    def status(self) -> InvoiceStatus:
        return self._status

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def open(self) -> Money:
        """What is still to be paid; of a credit note, what was not offset."""
        return Money(self.total_minor - self.paid_minor - self.credited_minor, self.currency)

    def advance(self, to: InvoiceStatus) -> None:
        """Raises InvalidTransition unless INVOICE_TRANSITIONS allows the move."""
        if to not in INVOICE_TRANSITIONS[self._status]:
            raise InvalidTransition("invoice", self._status, to)
        self._status = to


class InvoiceLine(OrganizationRecord):
    """Amounts are positive, also on a credit note. `credited_minor`: what credit notes took off its net."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        CheckConstraint("quantity > 0 AND net_minor >= 0 AND tax_minor >= 0", name="signs"),
        CheckConstraint("credited_minor BETWEEN 0 AND net_minor", name="credited"),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    position: Mapped[int]
    description: Mapped[str]
    code: Mapped[str] = mapped_column(default="", server_default="")
    quantity: Mapped[int]
    net_minor: Mapped[int]
    rate_bps: Mapped[int] = mapped_column(default=0, server_default="0")
    tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    credited_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    corrects_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice_lines.id"))


class UnbilledCharge(OrganizationRecord):
    """A queue: what an organization was charged and no invoice has yet, less what went back. Billing takes rows out."""

    __tablename__ = "unbilled_charges"
    __table_args__ = (
        UniqueConstraint("charge_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_unbilled_charges_organization", "organization_id", "currency", "charged_at"),
    )

    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charges.id"))
    currency: Mapped[str]
    description: Mapped[str]
    amount_minor: Mapped[int]
    charged_at: Mapped[datetime]


class BilledCharge(Base):
    """A charge on an invoice: each at most once. `amount_minor`: less what had gone back by then.

    By the million at the end of a month: line and charge are checked once a statement instead of by keys (migration
    0032); neither is ever removed.
    """

    __tablename__ = "billed_charges"
    __visibility__ = Visibility.ORGANIZATION
    __table_args__ = (
        PrimaryKeyConstraint("charge_id"),
        Index("ix_billed_charges_line", "line_id"),
        CheckConstraint("amount_minor >= 0", name="amount"),
    )

    charge_id: Mapped[UUID] = mapped_column(Uuid)
    organization_id: Mapped[UUID] = mapped_column(Uuid)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    line_id: Mapped[UUID] = mapped_column(Uuid)
    amount_minor: Mapped[int]


class CreditedReturn(OrganizationRecord):
    """A refund of a billed charge, with the credit note that says so: each exactly once."""

    __tablename__ = "credited_returns"
    __append_only__ = True
    __table_args__ = (UniqueConstraint("return_id"), Index("ix_credited_returns_note", "note_id"))

    return_id: Mapped[UUID] = mapped_column(ForeignKey("charge_returns.id"))
    note_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))


class InvoicePayment(OrganizationRecord):
    """Money, or a credit note, that pays an invoice. Part payments are several rows. `reference` is unique by way."""

    __tablename__ = "invoice_payments"
    __append_only__ = True
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        UniqueConstraint("paid_with", "reference"),
        Index("ix_invoice_payments_invoice", "invoice_id", "id"),
        Index("ix_invoice_payments_newest", "organization_id", "created_at", "id"),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    paid_with: Mapped[PaidWith] = mapped_column(choice(PaidWith))
    reference: Mapped[str]
    received_on: Mapped[date]
    recorded_by: Mapped[str]
    recorded_by_account_id: Mapped[UUID | None]
