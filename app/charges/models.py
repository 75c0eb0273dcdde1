"""Money in. Deposits to an organization's funds account."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.charges.states import TRANSITIONS, DepositStatus
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import OrganizationRecord
from app.db.types import choice


class Deposit(OrganizationRecord):
    __tablename__ = "deposits"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_deposits_newest", "organization_id", "created_at", "id"),
        Index("ix_deposits_status", "status", "created_at", "id"),
    )

    amount_minor: Mapped[int]
    currency: Mapped[str]
    reference: Mapped[str]
    sent_on: Mapped[date]
    announced_by: Mapped[str]
    announced_by_account_id: Mapped[UUID | None]
    status: Mapped[DepositStatus] = mapped_column(choice(DepositStatus), default=DepositStatus.ANNOUNCED)
    decided_by: Mapped[str | None]
    decided_by_account_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def advance(self, to: DepositStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS allows the move."""
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition("deposit", self.status, to)
        self.status = to
