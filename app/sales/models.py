"""Stores that send orders, creators' discount codes, orders and what was taken back of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.money import Money
from app.db.base import Base, Identified, OrganizationRecord, PayeeRecord, Visibility, engagement_key
from app.db.types import Sealed, SealedText, choice
from app.gateways.shops import ChangeKind, Shop
from app.sales.states import Commission, ImportStatus, OrderSource, OrderStatus


class Store(OrganizationRecord):
    """A shop whose calls we take. One of each kind: an order is known by the kind and the shop's own number."""

    __tablename__ = "stores"
    __table_args__ = (UniqueConstraint("organization_id", "shop"),)

    shop: Mapped[Shop] = mapped_column(choice(Shop))
    name: Mapped[str]
    secret_sealed: Mapped[SealedText] = mapped_column(Sealed)
    secret_last4: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    last_call_at: Mapped[datetime | None]


class DiscountCode(PayeeRecord):
    """What buyers type, so that an order is the creator's. `token` is in the short link that counts visits."""

    __tablename__ = "discount_codes"
    __table_args__ = (
        Index("uq_discount_codes_code", "organization_id", text("lower(code)"), unique=True),
        UniqueConstraint("token"),
        Index("ix_discount_codes_payee", "payee_id", "id"),
    )

    code: Mapped[str]
    landing_url: Mapped[str | None]
    token: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))


class CodeVisit(Base):
    """How often a code's link was followed on one day. Nothing of the visitor is kept."""

    __tablename__ = "code_visits"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (CheckConstraint("visits > 0", name="visits"), Index("ix_code_visits_payee", "payee_id", "day"))

    discount_code_id: Mapped[UUID] = mapped_column(ForeignKey("discount_codes.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    payee_id: Mapped[UUID]
    visits: Mapped[int]


class Order(Identified):
    """One paid order. Minor units of `currency`; `basis` is what commission is computed from, `refunded_minor` how
    much of it went back. `commission_bps` is the rate at `ordered_at`, kept; payee and rate are None for an unknown
    code.

    The buyer is kept as a keyed hash of the e-mail only, to recognize creators who buy with their own code.
    """

    __tablename__ = "orders"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        UniqueConstraint("organization_id", "source", "external_id"),
        CheckConstraint("basis_minor >= 0 AND total_minor >= 0", name="amounts"),
        CheckConstraint("refunded_minor BETWEEN 0 AND basis_minor", name="refunded"),
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="rate"),
        CheckConstraint("(payee_id IS NULL) = (discount_code_id IS NULL)", name="whose"),
        CheckConstraint("commission <> 'earned' OR payee_id IS NOT NULL", name="earner"),
        Index("ix_orders_organization", "organization_id", "ordered_at", "id"),
        Index("ix_orders_payee", "payee_id", "ordered_at", "id"),
        Index("ix_orders_code", "discount_code_id", "ordered_at"),
        Index(
            "ix_orders_open",
            "organization_id",
            text("lower(code)"),
            postgresql_where=text("commission IN ('unknown_code', 'not_active', 'self_referral')"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), sort_order=-9)
    payee_id: Mapped[UUID | None] = mapped_column(sort_order=-8)
    source: Mapped[OrderSource] = mapped_column(choice(OrderSource))
    external_id: Mapped[str]
    number: Mapped[str]
    code: Mapped[str]
    discount_code_id: Mapped[UUID | None] = mapped_column(ForeignKey("discount_codes.id"))
    currency: Mapped[str]
    basis_minor: Mapped[int]
    total_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    lines_hold_tax: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    buyer_index: Mapped[str | None]
    ordered_at: Mapped[datetime]
    status: Mapped[OrderStatus] = mapped_column(choice(OrderStatus), default=OrderStatus.PAID, server_default="paid")
    commission: Mapped[Commission] = mapped_column(choice(Commission))
    commission_bps: Mapped[int | None]
    reason: Mapped[str | None]

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        engagement_key(table)

    @property
    def basis(self) -> Money:
        return Money(self.basis_minor, self.currency)


class OrderChange(OrganizationRecord):
    """Money that went back to a buyer, once by the source's own id. It may come before its order, and waits for it.

    `taken_minor`: how much of the basis it took, None while it waits. `reversal_id`: the negative earning, if any.
    """

    __tablename__ = "order_changes"
    __table_args__ = (
        UniqueConstraint("organization_id", "source", "order_external_id", "external_id"),
        Index("ix_order_changes_order", "order_id"),
        Index(
            "ix_order_changes_waiting", "organization_id", "source", "order_external_id",
            postgresql_where=text("order_id IS NULL"),
        ),
    )  # fmt: skip

    source: Mapped[OrderSource] = mapped_column(choice(OrderSource))
    order_external_id: Mapped[str]
    external_id: Mapped[str]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[ChangeKind] = mapped_column(choice(ChangeKind))
    occurred_at: Mapped[datetime]
    lines_minor: Mapped[int | None]
    lines_tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    gross_minor: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="", server_default="")
    taken_minor: Mapped[int | None]
    reversal_id: Mapped[UUID | None] = mapped_column(ForeignKey("earnings.id"))


class OrderImport(OrganizationRecord):
    """One file of orders. What was read of it lies in `file_id` until it is imported or given up, without buyers.

    `summary` counts what was read and, while the job runs, how far it is (`at`) and what came of it.
    """

    __tablename__ = "order_imports"
    __table_args__ = (Index("ix_order_imports_newest", "organization_id", "created_at", "id"),)

    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    status: Mapped[ImportStatus] = mapped_column(choice(ImportStatus), default=ImportStatus.UPLOADED)
    summary: Mapped[dict[str, Any]]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
