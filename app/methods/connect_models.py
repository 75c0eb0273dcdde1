"""Accounts of payees at a provider that we pay into, and what the provider pays on from there to their banks."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PayeeOwnRecord
from app.db.types import CurrencyCode, choice


class BankPayoutStatus(StrEnum):
    """As Stripe says it; later words win, and one that was paid may still fail."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class ConnectedAccount(PayeeOwnRecord):
    """How the account stands at the provider, as last read there (`read_at`).

    `method_id`: the payout method made of it once it could be paid. `gone_at`: not connected to us any more.
    `payouts_read_at`: when its payouts to the bank were last asked for, not only heard of.
    """

    __tablename__ = "connected_accounts"
    __table_args__ = (
        UniqueConstraint("payee_id", "account"),
        Index("uq_connected_accounts_live", "payee_id", unique=True, postgresql_where=text("gone_at IS NULL")),
        Index("ix_connected_accounts_account", "account"),
    )

    account: Mapped[str]
    own_dashboard: Mapped[bool] = mapped_column(default=False)
    country: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(default="")
    details_submitted: Mapped[bool] = mapped_column(default=False)
    payouts_enabled: Mapped[bool] = mapped_column(default=False)
    transfers: Mapped[str] = mapped_column(default="")
    currently_due: Mapped[list[Any]]
    past_due: Mapped[list[Any]]
    pending: Mapped[list[Any]]
    disabled_reason: Mapped[str] = mapped_column(default="")
    deadline_at: Mapped[datetime | None]
    read_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    payouts_read_at: Mapped[datetime | None]
    method_id: Mapped[UUID | None] = mapped_column(ForeignKey("methods.id"))


class ConnectedPayout(PayeeOwnRecord):
    """One payout from the payee's balance at the provider to their bank: the provider's, not one of ours.

    It holds what several of our payouts brought there, and what others paid too.
    """

    __tablename__ = "connected_payouts"
    __table_args__ = (
        UniqueConstraint("payee_id", "reference"),
        Index("ix_connected_payouts_newest", "payee_id", "made_at"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    account: Mapped[str]
    reference: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(CurrencyCode)
    status: Mapped[BankPayoutStatus] = mapped_column(choice(BankPayoutStatus))
    made_at: Mapped[datetime]
    arrival_on: Mapped[date | None]
    failure_code: Mapped[str] = mapped_column(default="")
    trace: Mapped[str] = mapped_column(default="")
