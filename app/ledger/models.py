"""The books. Private to app.ledger: everyone else posts recipes and reads balances."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Appended, Base, Identified, Visibility

NOBODY = UUID(int=0)  # the payee of an account that has none: keeps the key of a balance free of NULLs


class Entry(Identified):
    """One posting. (organization, kind, ref) is unique: posting twice is harmless."""

    __tablename__ = "ledger_entries"
    __visibility__ = Visibility.PAYEE
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("organization_id", "kind", "ref"),
        Index("ix_ledger_entries_newest", "organization_id", "created_at", "id"),
    )

    organization_id: Mapped[UUID]  # known: checked once a statement
    payee_id: Mapped[UUID | None]
    kind: Mapped[str]
    ref: Mapped[str]
    memo: Mapped[str | None]


class Line(Appended):
    """Debit positive, credit negative, minor units. Lines of an entry sum to zero per currency (trigger)."""

    __tablename__ = "ledger_lines"
    __visibility__ = Visibility.PAYEE
    __append_only__ = True
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_ledger_lines_entry", "entry_id"),
        Index(
            "ix_ledger_lines_account",
            "organization_id",
            "account",
            "currency",
            "id",
            postgresql_where=text("payee_id IS NULL"),
        ),
        Index(
            "ix_ledger_lines_payee",
            "payee_id",
            "account",
            "currency",
            "id",
            postgresql_where=text("payee_id IS NOT NULL"),
        ),
    )

    entry_id: Mapped[UUID]  # an entry of the same organization: checked once a statement
    organization_id: Mapped[UUID]
    payee_id: Mapped[UUID | None]
    account: Mapped[str]
    rail: Mapped[str | None]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Balance(Base):
    """What we owe on one liability account (credit-positive), kept by the posting. Platform accounts have none."""

    __tablename__ = "ledger_balances"
    __visibility__ = Visibility.PAYEE

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    payee_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, index=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    balance_minor: Mapped[int] = mapped_column(default=0)
