"""Money in from clients: what they were charged, and what went back. Minor units of the charge's currency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.charges.states import (
    CHARGE_TRANSITIONS,
    RETURN_TRANSITIONS,
    ChargeProvider,
    ChargeStatus,
    ReturnKind,
    ReturnStatus,
)
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import Identified, Visibility
from app.db.types import Sealed, SealedText, choice


class Charge(Identified):
    """One thing a client pays. `subject_kind`/`subject_id` name it, once. `organization_id` gets the money: who engages
    the consultant. Written before the provider is asked (decision 12); `provider_reference` is its answer. `key` is the
    idempotency key: another test card makes another one, a real card never does. `client_secret_sealed` is what
    the client's browser confirms with; nothing keeps it once the charge is decided.

    `fee_minor`: what the platform keeps of it. `promotion_minor`: what the platform adds to it (a discount it bears).
    `processor_fee_minor`: what the provider kept of it, in `processor_fee_currency`; None until it said so.
    """

    __tablename__ = "charges"
    __visibility__ = Visibility.CLIENT
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id"),
        UniqueConstraint("provider", "provider_reference"),
        UniqueConstraint("key"),
        CheckConstraint("amount_minor >= 0 AND promotion_minor >= 0", name="amounts"),
        CheckConstraint("fee_minor BETWEEN 0 AND amount_minor + promotion_minor", name="fee"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        Index("ix_charges_organization", "organization_id", "created_at", "id"),
        Index("ix_charges_client", "client_account_id", "created_at", "id"),
        Index("ix_charges_newest", "created_at", "id"),
        Index("ix_charges_open", "created_at", postgresql_where=text("status IN ('pending', 'unknown')")),
        CheckConstraint("(processor_fee_minor IS NULL) = (processor_fee_currency IS NULL)", name="processor_fee"),
        Index(
            "ix_charges_fee_unknown",
            "succeeded_at",
            postgresql_where=text("status = 'succeeded' AND processor_fee_minor IS NULL AND provider <> 'funds'"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), sort_order=-9)
    client_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    buyer_organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    description: Mapped[str]
    amount_minor: Mapped[int]
    promotion_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    fee_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    currency: Mapped[str]
    provider: Mapped[ChargeProvider] = mapped_column(choice(ChargeProvider))
    key: Mapped[str]
    provider_reference: Mapped[str | None]
    client_secret_sealed: Mapped[SealedText | None] = mapped_column(Sealed)
    _status: Mapped[ChargeStatus] = mapped_column("status", choice(ChargeStatus), default=ChargeStatus.PENDING)
    failure_message: Mapped[str | None]
    simulated: Mapped[bool] = mapped_column(default=False, server_default="false")
    succeeded_at: Mapped[datetime | None]
    processor_fee_minor: Mapped[int | None]
    processor_fee_currency: Mapped[str | None]

    @property
    def status(self) -> ChargeStatus:
        return self._status

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def refundable(self) -> Money:
        return Money(self.amount_minor - self.refunded_minor, self.currency)

    def advance(self, to: ChargeStatus) -> None:
        """Raises InvalidTransition unless CHARGE_TRANSITIONS allows the move."""
        if to not in CHARGE_TRANSITIONS[self._status]:
            raise InvalidTransition("charge", self._status, to)
        self._status = to


class ChargeReturn(Identified):
    """Money of a charge that goes back: a refund we ask for, or a dispute the client's bank decided.

    Written before the provider is asked; `key` is the idempotency key and never changes; what was refunded at the
    provider itself has its reference there instead. A dispute that is won is
    a return that failed: the money is ours again. One that came back later keeps its parts, and what undid it is
    posted beside it; `settled_at` says when a person saw to it. Once it succeeded, `fee_minor`, `organization_minor`
    and `promotion_minor` say what the platform, the organization and the promotion take back; consultants the rest of
    amount and promotion.
    """

    __tablename__ = "charge_returns"
    __visibility__ = Visibility.CLIENT
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("provider_reference"),
        CheckConstraint(
            "amount_minor >= 0 AND promotion_minor >= 0 AND fee_minor >= 0 AND organization_minor >= 0"
            " AND fee_minor + organization_minor <= amount_minor + promotion_minor",
            name="amounts",
        ),
        Index("ix_charge_returns_charge", "charge_id", "id"),
        Index("ix_charge_returns_organization", "organization_id", "created_at", "id"),
        Index("ix_charge_returns_client", "client_account_id", "id"),
        Index("ix_charge_returns_open", "created_at", postgresql_where=text("status IN ('pending', 'unknown')")),
        Index(
            "ix_charge_returns_unsettled",
            "created_at",
            "id",
            postgresql_where=text("status = 'came_back' AND settled_at IS NULL"),
        ),
        Index("ix_charge_returns_newest", "kind", "status", "created_at", "id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), sort_order=-9)
    client_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charges.id"))
    kind: Mapped[ReturnKind] = mapped_column(choice(ReturnKind))
    _status: Mapped[ReturnStatus] = mapped_column("status", choice(ReturnStatus), default=ReturnStatus.PENDING)
    amount_minor: Mapped[int]
    promotion_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    fee_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    organization_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    currency: Mapped[str]
    reason: Mapped[str]
    key: Mapped[str]
    provider_reference: Mapped[str | None]
    asked_by: Mapped[str]
    asked_by_account_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    failure_message: Mapped[str | None]

    @property
    def status(self) -> ReturnStatus:
        return self._status

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def made_there(self) -> bool:
        """Whether somebody refunded it at the provider itself: we had not asked for it."""
        return self.kind is ReturnKind.REFUND and self.key == self.provider_reference

    def advance(self, to: ReturnStatus) -> None:
        """Raises InvalidTransition unless RETURN_TRANSITIONS allows the move."""
        if to not in RETURN_TRANSITIONS[self._status]:
            raise InvalidTransition("refund", self._status, to)
        self._status = to
