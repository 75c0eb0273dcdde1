"""Rates by which earnings are computed, by version and date, and corrections that people make to earnings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import OrganizationRecord, PayeeRecord, PlatformRecord
from app.db.types import choice


class OrganizationRates(OrganizationRecord):
    """How an organization's bookings are shared from `valid_from` on, in basis points; a change is a new version."""

    __tablename__ = "organization_rates"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("organization_id", "version"),
        CheckConstraint("platform_bps + organization_bps + consultant_bps = 10000", name="whole"),
        CheckConstraint("platform_bps >= 0 AND organization_bps >= 0 AND consultant_bps >= 0", name="signs"),
    )

    version: Mapped[int]
    platform_bps: Mapped[int]
    organization_bps: Mapped[int]
    consultant_bps: Mapped[int]
    valid_from: Mapped[datetime]
    set_by: Mapped[str]


class AdjustmentKind(StrEnum):
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    MANUAL = "manual"
    BONUS = "bonus"


class AdjustmentStatus(StrEnum):
    """SUBMITTED: above the limit, a second person decides."""

    SUBMITTED = "submitted"
    APPLIED = "applied"
    DECLINED = "declined"


ADJUSTMENT_TRANSITIONS: dict[AdjustmentStatus, frozenset[AdjustmentStatus]] = {
    AdjustmentStatus.SUBMITTED: frozenset({AdjustmentStatus.APPLIED, AdjustmentStatus.DECLINED}),
    AdjustmentStatus.APPLIED: frozenset(),
    AdjustmentStatus.DECLINED: frozenset(),
}


class Adjustment(PayeeRecord):
    """A signed correction somebody makes. `reason` is what the payee reads; the rest is in `AdjustmentNote`."""

    __tablename__ = "adjustments"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint("decided_by_account_id <> made_by_account_id", name="four_eyes"),
        Index("ix_adjustments_payee", "payee_id", "created_at", "id"),
        Index("ix_adjustments_status", "status", "created_at", "id"),
    )

    kind: Mapped[AdjustmentKind] = mapped_column(choice(AdjustmentKind))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str]
    subject_kind: Mapped[str | None]
    subject_id: Mapped[UUID | None]
    status: Mapped[AdjustmentStatus] = mapped_column(choice(AdjustmentStatus))
    made_by: Mapped[str]
    made_by_account_id: Mapped[UUID | None]
    decided_by: Mapped[str | None]
    decided_by_account_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    earning_id: Mapped[UUID | None] = mapped_column(ForeignKey("earnings.id"))

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def advance(self, to: AdjustmentStatus) -> None:
        """Raises InvalidTransition unless ADJUSTMENT_TRANSITIONS allows the move."""
        if to not in ADJUSTMENT_TRANSITIONS[self.status]:
            raise InvalidTransition("adjustment", self.status, to)
        self.status = to


class AdjustmentNote(PlatformRecord):
    """What the platform keeps to itself about an adjustment."""

    __tablename__ = "adjustment_notes"
    __append_only__ = True
    __table_args__ = (Index("ix_adjustment_notes_adjustment", "adjustment_id", "id"),)

    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("adjustments.id"))
    author: Mapped[str]
    text: Mapped[str]
