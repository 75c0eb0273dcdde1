"""Consultations with their money, who shares it, calendar numbers and reviews; appointments of doctors."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.consultations.states import (
    TRANSITIONS,
    AppointmentSource,
    AppointmentStatus,
    CancelledBy,
    ConsultationStatus,
    OfferingKind,
    PaidBy,
    Practice,
)
from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import Identified, PayeeRecord, Record, Visibility, engagement_key
from app.db.types import choice

_TAKES_TIME = "status IN ('pending', 'booked', 'completed', 'no_show_client')"


class Consultation(Identified):
    """One client's booking. `organization_id` engages and pays the consultant; a buyer may stand behind the client.

    Minor units of `currency`. `list_minor` is the price split; `price_minor` what the client pays, the difference is
    a discount the platform bears. `platform_minor + organization_minor + consultant_minor = list_minor`, always.
    `clock_at`: the start that the 24 hours of a free cancellation are counted to. The client's surname and addresses
    are in no table that consultants can read. `project_id`: what the buyer's work it is for, named by the client.
    `department`: where in the buyer the client belonged as they booked; it stays when they change.
    `pricing` is the snapshot the split is explained from.
    """

    __tablename__ = "consultations"
    __visibility__ = Visibility.CONSULTATION
    __table_args__ = (
        CheckConstraint("platform_minor + organization_minor + consultant_minor = list_minor", name="split"),
        CheckConstraint(
            "platform_minor >= 0 AND organization_minor >= 0 AND consultant_minor >= 0 AND price_minor >= 0",
            name="amounts",
        ),
        CheckConstraint("price_minor <= list_minor", name="price"),
        CheckConstraint("starts_at < ends_at", name="time"),
        CheckConstraint("(paid_by IN ('card')) = (buyer_organization_id IS NULL)", name="buyer"),
        CheckConstraint("project_id IS NULL OR buyer_organization_id IS NOT NULL", name="project"),
        CheckConstraint("department IS NULL OR buyer_organization_id IS NOT NULL", name="department"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        ExcludeConstraint(
            ("payee_id", "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            where=text(f"{_TAKES_TIME} AND kind IN ('session', 'consultation')"),
            using="gist",
            name="ex_consultations_time",
        ),
        Index("ix_consultations_payee", "payee_id", "starts_at", "id"),
        Index("ix_consultations_organization", "organization_id", "starts_at", "id"),
        Index("ix_consultations_client", "client_account_id", "starts_at", "id"),
        Index("ix_consultations_newest", "created_at", "id"),
        Index("ix_consultations_start", "starts_at", "id"),
        Index("ix_consultations_status", "status", "starts_at", "id"),
        Index(
            "ix_consultations_title", "title", postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}
        ),
        Index("ix_consultations_offering", "offering_id"),
        Index("ix_consultations_due", "ends_at", postgresql_where=text("status = 'booked'")),
        Index("ix_consultations_unpaid", "created_at", postgresql_where=text("status = 'pending'")),
        Index(
            "ix_consultations_buyer", "buyer_organization_id", "starts_at", "id",
            postgresql_where=text("buyer_organization_id IS NOT NULL"),
        ),
        Index("ix_consultations_project", "project_id", postgresql_where=text("project_id IS NOT NULL")),
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(sort_order=-9)
    payee_id: Mapped[UUID] = mapped_column(sort_order=-8)
    client_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    client_first_name: Mapped[str]
    client_time_zone: Mapped[str]
    locale: Mapped[str]
    buyer_organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("projects.id"))
    department: Mapped[str | None]
    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offerings.id"))
    kind: Mapped[OfferingKind] = mapped_column(choice(OfferingKind))
    practice: Mapped[Practice] = mapped_column(choice(Practice))
    title: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    clock_at: Mapped[datetime]
    paid_by: Mapped[PaidBy] = mapped_column(choice(PaidBy))
    currency: Mapped[str]
    list_minor: Mapped[int]
    price_minor: Mapped[int]
    platform_minor: Mapped[int]
    organization_minor: Mapped[int]
    consultant_minor: Mapped[int]
    pricing: Mapped[dict[str, Any]]
    video_url: Mapped[str | None]
    _status: Mapped[ConsultationStatus] = mapped_column(
        "status", choice(ConsultationStatus), default=ConsultationStatus.PENDING
    )
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[CancelledBy | None] = mapped_column(choice(CancelledBy))
    cancel_reason: Mapped[str | None]
    review_asked_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        engagement_key(table)

    @property
    def status(self) -> ConsultationStatus:
        return self._status

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    def advance(self, to: ConsultationStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS allows the move."""
        if to not in TRANSITIONS[self._status]:
            raise InvalidTransition("consultation", self._status, to)
        self._status = to
        self.version += 1


class ConsultationShare(PayeeRecord):
    """What one collaborator gets of a consultation's consultant part; the shares add up to it (migration 0015)."""

    __tablename__ = "consultation_shares"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("consultation_id", "payee_id"),
        CheckConstraint("amount_minor >= 0 AND weight > 0", name="amounts"),
        Index("ix_consultation_shares_payee", "payee_id", "id"),
    )

    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultations.id"))
    weight: Mapped[int]
    amount_minor: Mapped[int]


class ConsultationReturn(PayeeRecord):
    """What one collaborator gives back of a share, because the client got money back; its reversal names it as source.

    `return_id` is the client's return, which consultants do not see; `reason` is what they read.
    """

    __tablename__ = "consultation_returns"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("share_id", "return_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_consultation_returns_consultation", "consultation_id", "id"),
    )

    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultations.id"))
    share_id: Mapped[UUID] = mapped_column(ForeignKey("consultation_shares.id"))
    return_id: Mapped[UUID] = mapped_column(ForeignKey("charge_returns.id"))
    amount_minor: Mapped[int]
    reason: Mapped[str]


class CalendarBooking(PayeeRecord):
    """The number a calendar knows a consultation by; a moved one gets a new number and keeps the old ones."""

    __tablename__ = "calendar_bookings"
    __table_args__ = (UniqueConstraint("uid"), Index("ix_calendar_bookings_consultation", "consultation_id", "id"))

    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultations.id"))
    uid: Mapped[str]
    previous_uid: Mapped[str | None]


class Review(Record):
    """One for each consultation, by its client, after it was held."""

    __tablename__ = "reviews"
    __global_reason__ = "reviews are published with the profile; the client's first name is all that is told of them"
    __table_args__ = (
        UniqueConstraint("consultation_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("expertise BETWEEN 1 AND 5", name="expertise"),
        CheckConstraint("communication BETWEEN 1 AND 5", name="communication"),
        CheckConstraint("helpfulness BETWEEN 1 AND 5", name="helpfulness"),
        CheckConstraint("(hidden_at IS NULL) = (hidden_reason IS NULL)", name="hidden"),
        Index("ix_reviews_payee", "payee_id", "created_at", "id"),
        Index("ix_reviews_newest", "created_at", "id"),
    )

    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultations.id"))
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("payees.id"))
    client_first_name: Mapped[str]
    rating: Mapped[int]
    expertise: Mapped[int | None]
    communication: Mapped[int | None]
    helpfulness: Mapped[int | None]
    text: Mapped[str] = mapped_column(default="", server_default="")
    hidden_at: Mapped[datetime | None]
    hidden_reason: Mapped[str | None]
    hidden_by: Mapped[str | None]


class Appointment(PayeeRecord):
    """A doctor's appointment that was held, known once by the organization's own number. Nothing of the patient."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        CheckConstraint("(status = 'rated') = (rate_minor IS NOT NULL)", name="rated"),
        Index("ix_appointments_payee", "payee_id", "completed_at", "id"),
        Index("ix_appointments_organization", "organization_id", "completed_at", "id"),
        Index("ix_appointments_open", "organization_id", "completed_at", postgresql_where=text("status = 'completed'")),
    )

    external_id: Mapped[str]
    completed_at: Mapped[datetime]
    description: Mapped[str] = mapped_column(default="", server_default="")
    source: Mapped[AppointmentSource] = mapped_column(choice(AppointmentSource))
    status: Mapped[AppointmentStatus] = mapped_column(
        choice(AppointmentStatus), default=AppointmentStatus.COMPLETED, server_default="completed"
    )
    rate_minor: Mapped[int | None]
    currency: Mapped[str]
    recorded_by: Mapped[str]
