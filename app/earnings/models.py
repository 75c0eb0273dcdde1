"""What payees gained. An earning row never changes; where it stands is told by the table it sits in.

held_earnings → ready_earnings → payout items. Moving a narrow queue row is three times as fast as rewriting a wide,
indexed earning, and keeps the earning fit for audit. The view `earning_states` says the state once.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, PayeeRecord, Visibility
from app.db.types import choice


class EarningKind(StrEnum):
    BILL = "bill"
    CREDIT = "credit"
    COMMISSION = "commission"
    BOOKING = "booking"
    APPOINTMENT = "appointment"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class HoldReason(StrEnum):
    """Why an earning is not ready. The date until which is `available_at`; None: until somebody acts."""

    TERMS = "terms"
    REVIEW_WINDOW = "review_window"
    ACCEPTANCE = "acceptance"
    RETURN_WINDOW = "return_window"
    SESSION = "session"
    DISPUTE = "dispute"
    REFUND = "refund"
    INVOICE = "invoice"


class Earning(PayeeRecord):
    """Signed minor units. `source_kind`/`source_id` name what caused it, once; the rule columns how it was computed,
    `rule_detail` what else the arithmetic needs to be told again: other shares, an override, weights, the rounding.

    `source_round` counts agreements about the same source: a disputed amount is cancelled and agreed anew.
    """

    __tablename__ = "earnings"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("organization_id", "source_kind", "source_id", "source_round"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_earnings_payee", "payee_id", "created_at", "id"),
        # bills are listed by their request: what else was earned is found without reading them
        Index(
            "ix_earnings_other",
            "payee_id",
            "created_at",
            "id",
            postgresql_where=text("source_kind <> 'payment_request'"),
        ),
    )

    kind: Mapped[EarningKind] = mapped_column(choice(EarningKind))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    basis_minor: Mapped[int]
    rule: Mapped[str]
    rule_version: Mapped[int] = mapped_column(default=1, server_default="1")
    share_bps: Mapped[int] = mapped_column(default=10_000, server_default="10000")
    source_kind: Mapped[str]
    source_id: Mapped[UUID]
    source_round: Mapped[int] = mapped_column(default=1, server_default="1")
    earned_on: Mapped[date]
    description: Mapped[str]
    reference: Mapped[str | None]
    rule_detail: Mapped[dict[str, Any] | None]


class HeldEarning(Base):
    """Waits until `available_at`, or for a person when that is None.

    `withheld_id`: it was ready before and waits again, perhaps only a part of it; the reference of its postings.
    """

    __tablename__ = "held_earnings"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        Index("ix_held_earnings_due", "available_at"),
        Index("ix_held_earnings_payee", "payee_id", "currency"),
        Index("ix_held_earnings_organization", "organization_id", "payee_id", "currency"),
    )

    earning_id: Mapped[UUID] = mapped_column(ForeignKey("earnings.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(Uuid)
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    currency: Mapped[str]
    amount_minor: Mapped[int]
    reason: Mapped[HoldReason] = mapped_column(choice(HoldReason))
    available_at: Mapped[datetime | None]
    withheld_id: Mapped[UUID | None] = mapped_column(Uuid)


class ReadyEarning(Base):
    """What may be paid now. A partial withdrawal lowers `amount_minor`; claiming deletes the row."""

    __tablename__ = "ready_earnings"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_ready_earnings_payee", "organization_id", "payee_id", "currency"),
        Index("ix_ready_earnings_own", "payee_id", "currency"),
    )

    earning_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(Uuid)
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    currency: Mapped[str]
    amount_minor: Mapped[int]
    ready_at: Mapped[datetime] = mapped_column(server_default=func.now())
