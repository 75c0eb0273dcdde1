"""Payees and their engagements with organizations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Identified, PayeeRecord, Visibility
from app.db.types import choice
from app.payees.states import BusinessType, EngagementStatus, PayeeKind, ProjectBilling


class Payee(Identified):
    """A person or organization that can be paid. `name_search` is the lower-case name for prefix search.

    `own_organization_id`: this is that organization itself, which earns its part of bookings with its consultants.

    `address` has the keys of the check rail's address fields. `business_type`, `trading_name` and `registration_number`
    are a vendor's; the last is a public number (company register, VAT), never a personal one.
    """

    __tablename__ = "payees"
    __visibility__ = Visibility.PAYEE_OWN
    __table_args__ = (
        Index("ix_payees_name", "name_search", "id"),
        Index("ix_payees_newest", "created_at", "id"),
        Index(
            "ix_payees_name_grams",
            "name_search",
            postgresql_using="gin",
            postgresql_ops={"name_search": "gin_trgm_ops"},
        ),
        UniqueConstraint("own_organization_id"),
        CheckConstraint("own_organization_id IS NULL OR kind = 'organization'", name="own_organization"),
    )

    kind: Mapped[PayeeKind] = mapped_column(choice(PayeeKind))
    name: Mapped[str]
    legal_name: Mapped[str | None]
    email: Mapped[str | None]
    country: Mapped[str | None]
    address: Mapped[dict[str, Any] | None]
    business_type: Mapped[BusinessType | None] = mapped_column(choice(BusinessType))
    trading_name: Mapped[str | None]
    registration_number: Mapped[str | None]
    own_organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    name_search: Mapped[str] = mapped_column(Computed("lower(name)", persisted=True))


class Engagement(Identified):
    """Payee × organization. `reference` is the organization's own number for the payee (supplier id), any case.

    `status_reason` is what the payee reads. What the platform decided, the organization cannot undo.
    `commission_bps`: the rate of now; what it was on a day is a `CommissionRate`.
    `commission_hold_days`: the return window, for which commission on an order is held.
    `consultant_bps`: a consultant's share of bookings instead of the organization's rate. `flat_rate_minor`: for each
    appointment, in `currency`.
    """

    __tablename__ = "engagements"
    __visibility__ = Visibility.PAYEE
    __table_args__ = (
        UniqueConstraint("organization_id", "payee_id"),
        Index("uq_engagements_reference", "organization_id", text("lower(reference)"), unique=True),
        Index("ix_engagements_payee", "payee_id"),
        Index("ix_engagements_newest", "organization_id", "created_at", "id"),
        CheckConstraint("terms_days BETWEEN 0 AND 365", name="terms"),
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission"),
        CheckConstraint("commission_hold_days BETWEEN 0 AND 365", name="commission_hold"),
        CheckConstraint("consultant_bps BETWEEN 0 AND 10000", name="consultant"),
        CheckConstraint("flat_rate_minor >= 0", name="flat_rate"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("payees.id"))
    reference: Mapped[str | None]
    currency: Mapped[str]
    terms_days: Mapped[int] = mapped_column(default=30, server_default="30")
    commission_bps: Mapped[int] = mapped_column(default=0, server_default="0")
    commission_hold_days: Mapped[int] = mapped_column(default=14, server_default="14")
    consultant_bps: Mapped[int | None]
    flat_rate_minor: Mapped[int | None]
    status: Mapped[EngagementStatus] = mapped_column(
        choice(EngagementStatus), default=EngagementStatus.ACTIVE, server_default="active"
    )
    status_reason: Mapped[str | None]
    status_at: Mapped[datetime | None]
    status_by_platform: Mapped[bool] = mapped_column(default=False, server_default="false")
    project_billing: Mapped[ProjectBilling] = mapped_column(
        choice(ProjectBilling), default=ProjectBilling.APPROVAL, server_default="approval"
    )


class CommissionRate(PayeeRecord):
    """A creator's share of orders from `valid_from` on, until the next one. Rates are added, never changed."""

    __tablename__ = "commission_rates"
    __append_only__ = True
    __table_args__ = (
        Index("ix_commission_rates_since", "organization_id", "payee_id", "valid_from", "id"),
        Index("ix_commission_rates_payee", "payee_id"),
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission"),
    )

    commission_bps: Mapped[int]
    valid_from: Mapped[datetime]
    set_by: Mapped[str]
