"""Packs of seat credits and what became of each credit. Minor units of the pack's currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.billing.states import TRANSITIONS, CreditKind, PackStatus
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import OrganizationRecord
from app.db.types import choice


class SeatPack(OrganizationRecord):
    """Credits an organization bought for one offering: a length of the platform's, or something of one consultant.

    `list_minor` is the price of one at the time. What was charged is the charge of subject `seat_pack`. Credits are
    numbered from 1; what each is worth follows from the price (`rules.value_of`). `expires_on` is the last day they can
    be used, on the organization's calendar. `quote` is its invoice as it was offered, without a number, and `tax_minor`
    what that adds to the price; None: sold without an invoice of its own. One that is pending and has its invoice was
    ordered by invoice.
    """

    __tablename__ = "seat_packs"
    __table_args__ = (
        CheckConstraint("credits > 0", name="credits"),
        CheckConstraint("price_minor BETWEEN credits AND list_minor * credits", name="price"),
        CheckConstraint("(status IN ('active', 'expired', 'refunded')) = (paid_at IS NOT NULL)", name="paid"),
        CheckConstraint("invoice_id IS NULL OR quote IS NOT NULL", name="quoted"),
        UniqueConstraint("invoice_id"),
        Index("ix_seat_packs_newest", "organization_id", "created_at", "id"),
        Index(
            "ix_seat_packs_usable", "organization_id", "offering_id", "expires_on", "paid_at", "id",
            postgresql_where=text("status = 'active'"),
        ),
        Index("ix_seat_packs_expiry", "expires_on", postgresql_where=text("status = 'active'")),
        Index("ix_seat_packs_unpaid", "created_at", postgresql_where=text("status = 'pending'")),
    )  # fmt: skip

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offerings.id"))
    title: Mapped[str]
    credits: Mapped[int]
    list_minor: Mapped[int]
    price_minor: Mapped[int]
    currency: Mapped[str]
    expires_on: Mapped[date]
    bought_by: Mapped[str]
    bought_by_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    _status: Mapped[PackStatus] = mapped_column("status", choice(PackStatus), default=PackStatus.PENDING)
    quote: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    paid_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]

    @property
    def status(self) -> PackStatus:
        return self._status

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    @property
    def ordered(self) -> bool:
        """By invoice, which nobody has paid yet."""
        return self._status is PackStatus.PENDING and self.invoice_id is not None

    def advance(self, to: PackStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS allows the move."""
        if to not in TRANSITIONS[self._status]:
            raise InvalidTransition("seat pack", self._status, to)
        self._status = to


class CreditUse(OrganizationRecord):
    """One credit of a pack that was taken out: used for a consultation, expired, or refunded.

    A credit that came back has its `returned_at`, and its number is free again; the unique index lets nobody take one
    that is taken. `return_id`: of the pack's charge, whose money it was.
    """

    __tablename__ = "credit_uses"
    __table_args__ = (
        UniqueConstraint("consultation_id"),
        CheckConstraint("ordinal > 0 AND value_minor > 0", name="amounts"),
        CheckConstraint("(kind = 'used') = (consultation_id IS NOT NULL)", name="consultation"),
        CheckConstraint("(kind = 'refunded') = (return_id IS NOT NULL)", name="refund"),
        CheckConstraint("returned_at IS NULL OR kind <> 'expired'", name="returned"),
        Index("uq_credit_uses_taken", "pack_id", "ordinal", unique=True, postgresql_where=text("returned_at IS NULL")),
        Index("ix_credit_uses_return", "return_id", postgresql_where=text("return_id IS NOT NULL")),
        Index("ix_credit_uses_newest", "organization_id", "created_at", "id"),
    )

    pack_id: Mapped[UUID] = mapped_column(ForeignKey("seat_packs.id"))
    ordinal: Mapped[int]
    value_minor: Mapped[int]
    kind: Mapped[CreditKind] = mapped_column(choice(CreditKind))
    consultation_id: Mapped[UUID | None] = mapped_column(ForeignKey("consultations.id"))
    return_id: Mapped[UUID | None] = mapped_column(ForeignKey("charge_returns.id"))
    returned_at: Mapped[datetime | None]
