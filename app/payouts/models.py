"""Payouts, their items, attempts and approvals; batches and exports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, Table, UniqueConstraint, Uuid, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import Base, OrganizationRecord, PayeeRecord, PlatformRecord, Visibility
from app.db.types import Sealed, SealedText, choice
from app.payouts.states import (
    BATCH_TRANSITIONS,
    EXPORT_TRANSITIONS,
    PAYOUT_TRANSITIONS,
    VERDICT_TRANSITIONS,
    AttemptStatus,
    BatchStatus,
    ExportStatus,
    HoldCode,
    PayoutOrigin,
    PayoutStatus,
    VerdictStatus,
)
from app.rails.formats import FileFormat


class Batch(OrganizationRecord):
    """Payouts of one organization, reviewed and run together. Counts and totals are read from the payouts.

    `own`: what the organization itself earned, asked for by its owner; the other batches leave that alone.
    """

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        Index("ix_batches_newest", "created_at", "id"),
        Index("ix_batches_organization", "organization_id", "created_at", "id"),
        Index("ix_batches_own", "organization_id", "created_at", "id", postgresql_where=text("own")),
    )

    number: Mapped[str]
    title: Mapped[str]
    currency: Mapped[str | None]
    rail: Mapped[str | None]
    own: Mapped[bool] = mapped_column(default=False, server_default="false")
    _status: Mapped[BatchStatus] = mapped_column("status", choice(BatchStatus), default=BatchStatus.PLANNING)
    created_by: Mapped[str]
    created_by_account_id: Mapped[UUID | None]
    submitted_by: Mapped[str | None]
    submitted_by_account_id: Mapped[UUID | None]
    submitted_at: Mapped[datetime | None]
    content_sha256: Mapped[str | None]
    approved_by: Mapped[str | None]
    approved_by_account_id: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    started_by: Mapped[str | None]
    started_by_account_id: Mapped[UUID | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @hybrid_property
    def status(self) -> BatchStatus:
        """Read-only and queryable; `advance` is the one way to change it."""
        return self._status

    def advance(self, to: BatchStatus) -> None:
        """Raises InvalidTransition unless BATCH_TRANSITIONS allows the move."""
        if to not in BATCH_TRANSITIONS[self._status]:
            raise InvalidTransition("batch", self._status, to)
        self._status = to


class BatchChunk(OrganizationRecord):
    """A slice of a batch's payouts: the unit of work of one job, claimed and finished on its own."""

    __tablename__ = "batch_chunks"
    __table_args__ = (UniqueConstraint("batch_id", "number"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"))
    number: Mapped[int]
    rail: Mapped[str]
    currency: Mapped[str]
    first_payout_id: Mapped[UUID]
    last_payout_id: Mapped[UUID]
    done_at: Mapped[datetime | None]


class Payout(PayeeRecord):
    """One debt sent to one payee by one payer in one currency. Its items always add up to `amount_minor`.

    `simulated`: made in sandbox mode, no money moved. `reservation` counts how often the items were taken: it tells
    the ledger postings of a retry from those of the first time. `approval_round` grows whenever it becomes pending
    again, so that approvals of an earlier round do not count. `first_approved_at`: signed once and waiting for a second
    person; None in every other state. `waiting_message`: what the payee has to do before it can reach them.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(status = 'on_hold') = (hold_code IS NOT NULL)", name="hold"),
        Index("ix_payouts_organization_status", "organization_id", "status", "created_at", "id"),
        Index("ix_payouts_organization_newest", "organization_id", "created_at", "id"),
        Index("ix_payouts_status", "status", "created_at", "id"),
        Index("ix_payouts_newest", "created_at", "id"),
        Index("ix_payouts_amount", "status", "currency", "amount_minor"),
        Index("ix_payouts_hold", "hold_code", postgresql_where=text("hold_code IS NOT NULL")),
        Index("ix_payouts_failed", "status_at", postgresql_where=text("status IN ('failed', 'returned')")),
        Index("ix_payouts_single", "status", "created_at", "id", postgresql_where=text("batch_id IS NULL")),
        Index(
            "ix_payouts_second",
            "created_at",
            "id",
            postgresql_include=["organization_id", "status"],
            postgresql_where=text("first_approved_at IS NOT NULL"),
        ),
        Index("ix_payouts_payee", "payee_id", "created_at", "id"),
        Index(
            "uq_payouts_period",
            "organization_id",
            "payee_id",
            "currency",
            "schedule",
            "period_start",
            unique=True,
            # What was cancelled or rejected gave its items back for good: the period may be calculated again.
            postgresql_where=text("schedule IS NOT NULL AND status NOT IN ('cancelled', 'rejected')"),
        ),
        Index("ix_payouts_batch", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
    )

    batch_id: Mapped[UUID | None]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    rail: Mapped[str]
    method_id: Mapped[UUID]
    origin: Mapped[PayoutOrigin] = mapped_column(choice(PayoutOrigin))
    reason: Mapped[str | None]
    _status: Mapped[PayoutStatus] = mapped_column("status", choice(PayoutStatus), default=PayoutStatus.PENDING)
    hold_code: Mapped[HoldCode | None] = mapped_column(choice(HoldCode))
    hold_note: Mapped[str | None]
    funded: Mapped[bool] = mapped_column(default=False, server_default="false")
    attempt_number: Mapped[int] = mapped_column(default=0, server_default="0")
    reservation: Mapped[int] = mapped_column(default=1, server_default="1")
    approval_round: Mapped[int] = mapped_column(default=1, server_default="1")
    first_approved_at: Mapped[datetime | None]
    requested_by: Mapped[str]
    requested_by_account_id: Mapped[UUID | None]
    schedule: Mapped[str | None]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    simulated: Mapped[bool] = mapped_column(default=False, server_default="false")
    expected_on: Mapped[date | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    failure_cure: Mapped[str | None]
    waiting_message: Mapped[str | None]
    waiting_cure: Mapped[str | None]
    status_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    paid_at: Mapped[datetime | None]

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        """Engagement, method and batch are checked once a statement instead of by keys (migration 0003)."""

    @hybrid_property
    def status(self) -> PayoutStatus:
        """Read-only and queryable; `advance` is the one way to change it."""
        return self._status

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def advance(self, to: PayoutStatus) -> None:
        """Raises InvalidTransition unless PAYOUT_TRANSITIONS allows the move."""
        if to not in PAYOUT_TRANSITIONS[self._status]:
            raise InvalidTransition("payout", self._status, to)
        self._status = to
        self.status_at = utc_now()
        if to is not PayoutStatus.ON_HOLD:
            self.hold_code = self.hold_note = None


class PayoutItem(Base):
    """The part of an earning taken into a payout; negative for credits that net."""

    __tablename__ = "payout_items"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        PrimaryKeyConstraint("earning_id", "payout_id"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_payout_items_payout", "payout_id"),
    )

    payout_id: Mapped[UUID] = mapped_column(Uuid)  # one of the same payee: checked once a statement
    earning_id: Mapped[UUID] = mapped_column(Uuid)
    organization_id: Mapped[UUID] = mapped_column(Uuid)
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    amount_minor: Mapped[int]


class Approval(PayeeRecord):
    """One person's yes to exactly this content; it counts only while the hash still matches."""

    __tablename__ = "payout_approvals"
    __append_only__ = True
    __table_args__ = (Index("ix_payout_approvals_payout", "payout_id"),)

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    account_id: Mapped[UUID]
    approved_by: Mapped[str]
    content_sha256: Mapped[str]


class Attempt(PayeeRecord):
    """One try at a rail. Key and request hash are committed before the call (decision 12). `call`: see `SendOrder`.

    `payee_name` and `reference` went out with it, whatever the payee and the payer are called by now. `fee_minor`:
    what the rail took from our account beside the amount.
    """

    __tablename__ = "payout_attempts"
    __table_args__ = (
        UniqueConstraint("payout_id", "number"),
        UniqueConstraint("key"),
        Index(
            "ix_payout_attempts_open",
            "status",
            "created_at",
            postgresql_where=text("status IN ('submitted', 'unknown', 'accepted')"),
        ),
        Index("ix_payout_attempts_reference", "rail", "rail_reference"),
        Index("ix_payout_attempts_paid", "settled_at", "id", postgresql_where=text("status = 'succeeded'")),
        Index("ix_payout_attempts_contradicted", "created_at", postgresql_where=text("evidence ? 'contradicted'")),
        Index("ix_payout_attempts_export", "export_id", "payout_id", postgresql_where=text("export_id IS NOT NULL")),
    )

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    number: Mapped[int]
    rail: Mapped[str]
    key: Mapped[str]
    call: Mapped[str | None]
    request_sha256: Mapped[str]
    payee_name: Mapped[str | None]
    reference: Mapped[str | None]
    status: Mapped[AttemptStatus] = mapped_column(choice(AttemptStatus), default=AttemptStatus.SUBMITTED)
    rail_reference: Mapped[str | None]
    fee_minor: Mapped[int | None]
    fee_currency: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    evidence: Mapped[dict[str, Any] | None]
    export_id: Mapped[UUID | None] = mapped_column(ForeignKey("payout_exports.id"))


class Verdict(PlatformRecord):
    """What a person says became of an attempt whose rail gave no final word; `outcome` is `paid` or `failed`."""

    __tablename__ = "payout_verdicts"
    __table_args__ = (
        CheckConstraint("outcome IN ('paid', 'failed')", name="outcome"),
        Index("ix_payout_verdicts_payout", "payout_id"),
        Index("uq_payout_verdicts_waiting", "key", unique=True, postgresql_where=text("status = 'proposed'")),
    )

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    key: Mapped[str]
    outcome: Mapped[str]
    note: Mapped[str]
    _status: Mapped[VerdictStatus] = mapped_column("status", choice(VerdictStatus), default=VerdictStatus.PROPOSED)
    proposed_by: Mapped[str]
    proposed_by_account_id: Mapped[UUID | None]
    decided_by: Mapped[str | None]
    decided_by_account_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]

    @hybrid_property
    def status(self) -> VerdictStatus:
        return self._status

    def advance(self, to: VerdictStatus) -> None:
        """Raises InvalidTransition unless VERDICT_TRANSITIONS allows the move."""
        if to not in VERDICT_TRANSITIONS[self._status]:
            raise InvalidTransition("verdict", self._status, to)
        self._status = to


class Export(OrganizationRecord):
    """A frozen instruction made once: a bank file, or a run of checks. `lines_sealed` holds the full destinations.

    `format` is a bank file's, `header_sealed` what the file says of the payer and of itself. `remarks`: why the lines
    cannot be other formats (`reasons`), and names the format writes otherwise (`rewritten`). Who chose another format
    than the first made the file too.
    """

    __tablename__ = "payout_exports"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        Index("ix_payout_exports_newest", "created_at", "id"),
    )

    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    number: Mapped[str]
    rail: Mapped[str]
    currency: Mapped[str]
    line_count: Mapped[int]
    total_minor: Mapped[int]
    lines_sealed: Mapped[SealedText] = mapped_column(Sealed)
    file_sha256: Mapped[str]
    _status: Mapped[ExportStatus] = mapped_column("status", choice(ExportStatus), default=ExportStatus.READY)
    made_by: Mapped[str]
    made_by_account_id: Mapped[UUID | None]
    released_by: Mapped[str | None]
    released_by_account_id: Mapped[UUID | None]
    released_at: Mapped[datetime | None]
    format: Mapped[FileFormat | None] = mapped_column(choice(FileFormat))
    header_sealed: Mapped[SealedText | None] = mapped_column(Sealed)
    remarks: Mapped[dict[str, Any] | None]
    format_by: Mapped[str | None]
    format_by_account_id: Mapped[UUID | None]

    @hybrid_property
    def status(self) -> ExportStatus:
        return self._status

    def advance(self, to: ExportStatus) -> None:
        """Raises InvalidTransition unless EXPORT_TRANSITIONS allows the move."""
        if to not in EXPORT_TRANSITIONS[self._status]:
            raise InvalidTransition("export", self._status, to)
        self._status = to
