"""Cards an organization keeps for what it pays next. Nothing here is secret: a reference charges only with our key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.charges.states import ChargeProvider
from app.db.base import OrganizationRecord
from app.db.types import choice


class CardCustomer(OrganizationRecord):
    """Whom a provider knows the organization as, once; its cards are kept there."""

    __tablename__ = "card_customers"
    __table_args__ = (UniqueConstraint("organization_id", "provider"), UniqueConstraint("provider", "reference"))

    provider: Mapped[ChargeProvider] = mapped_column(choice(ChargeProvider))
    reference: Mapped[str]


class PaymentMethod(OrganizationRecord):
    """A card that was kept; at most one of an organization is not removed. `detached_at`: the provider forgot it, too.

    `reference` is the provider's, and known once: a card that was removed and is kept again has another one.
    """

    __tablename__ = "payment_methods"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        Index("ix_payment_methods_active", "organization_id", unique=True, postgresql_where=text("removed_at IS NULL")),
        CheckConstraint("last_four ~ '^[0-9]{4}$'", name="last_four"),
        CheckConstraint("expiry_month BETWEEN 1 AND 12 AND expiry_year BETWEEN 2000 AND 2200", name="expiry"),
    )

    provider: Mapped[ChargeProvider] = mapped_column(choice(ChargeProvider))
    customer_reference: Mapped[str]
    reference: Mapped[str]
    brand: Mapped[str]
    last_four: Mapped[str]
    expiry_month: Mapped[int]
    expiry_year: Mapped[int]
    added_by: Mapped[str]
    added_by_account_id: Mapped[UUID | None]
    removed_by: Mapped[str | None]
    removed_by_account_id: Mapped[UUID | None]
    removed_at: Mapped[datetime | None]
    detached_at: Mapped[datetime | None]


class CardWish(OrganizationRecord):
    """What who pays wishes of a charge's card: to keep it (`keep`), or to be charged on the one that is kept
    (`payment_method_id`, until that is decided). `attempt` counts the latter, as each has an idempotency key.
    """

    __tablename__ = "card_wishes"
    __table_args__ = (UniqueConstraint("charge_id"),)

    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charges.id"))
    keep: Mapped[bool] = mapped_column(default=False, server_default="false")
    payment_method_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_methods.id"))
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    asked_by: Mapped[str]
    asked_by_account_id: Mapped[UUID | None]
