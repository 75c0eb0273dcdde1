"""Consultants as the public sees them, what they asked to be, what they offer and when they have time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.consultations.states import OfferingKind, Practice
from app.core.money import Money
from app.db.base import OrganizationRecord, PayeeOwnRecord, Record
from app.db.types import choice


class ConsultantProfile(Record):
    """One for each consultant; the directory shows those that are `listed`. Ratings are kept by the reviews' service.

    `organization_id` is who engages and pays them: the house, or the provider organization they belong to. `words` is
    what the search looks through: all that is published, lower case and without accents. `calendar_link`: where their
    calendar elsewhere takes bookings, `name/event`.
    """

    __tablename__ = "consultant_profiles"
    __global_reason__ = "anybody reads the public directory; nothing that a consultant does not publish is in it"
    __table_args__ = (
        UniqueConstraint("payee_id"),
        UniqueConstraint("slug"),
        CheckConstraint("rating_count >= 0 AND rating_sum BETWEEN rating_count AND 5 * rating_count", name="rating"),
        Index("ix_consultant_profiles_listed", "listed", "rating_count", "id"),
        Index("ix_consultant_profiles_organization", "organization_id", "id"),
        Index("ix_consultant_profiles_languages", "languages", postgresql_using="gin"),
        Index(
            "ix_consultant_profiles_words",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
    )

    payee_id: Mapped[UUID] = mapped_column(ForeignKey("payees.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    practice: Mapped[Practice] = mapped_column(choice(Practice))
    slug: Mapped[str]
    name: Mapped[str]
    headline: Mapped[str] = mapped_column(default="", server_default="")
    bio: Mapped[str]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    specialties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    country: Mapped[str | None]
    portfolio_urls: Mapped[list[str]] = mapped_column(ARRAY(Text))
    avatar_file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    calendar_link: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    accepting: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    listed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    premium_until: Mapped[date | None]
    rating_sum: Mapped[int] = mapped_column(default=0, server_default="0")
    rating_count: Mapped[int] = mapped_column(default=0, server_default="0")
    words: Mapped[str] = mapped_column(default="", server_default="")


class ApplicationDetails(OrganizationRecord):
    """What a consultant's application says beyond everybody's (`payee_applications`), and goes with it."""

    __tablename__ = "consultant_application_details"
    __table_args__ = (UniqueConstraint("application_id"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("payee_applications.id", ondelete="CASCADE"))
    practice: Mapped[Practice] = mapped_column(choice(Practice))
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    specialties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    bio: Mapped[str]
    avatar_file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))


class Offering(Record):
    """What can be booked. `payee_id` None: a length of the platform's, offered by every advisor.

    A price that changes makes a new `version`; what was booked keeps the price of its day.
    """

    __tablename__ = "offerings"
    __global_reason__ = "anybody reads the price list"
    __table_args__ = (
        CheckConstraint("price_minor >= 0 AND duration_minutes BETWEEN 5 AND 1440", name="amounts"),
        CheckConstraint("(payee_id IS NULL) = (kind = 'session')", name="whose"),
        CheckConstraint("(kind IN ('webinar', 'class')) = (starts_at IS NOT NULL)", name="group_time"),
        CheckConstraint("capacity > 0", name="capacity"),
        Index("ix_offerings_payee", "payee_id", "active", "id"),
        Index(
            "uq_offerings_session", "duration_minutes", "currency", unique=True,
            postgresql_where=text("payee_id IS NULL AND active"),
        ),
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("payees.id"))
    kind: Mapped[OfferingKind] = mapped_column(choice(OfferingKind))
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    duration_minutes: Mapped[int]
    price_minor: Mapped[int]
    currency: Mapped[str]
    capacity: Mapped[int] = mapped_column(default=1, server_default="1")
    starts_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)


class Collaborator(Record):
    """Who shares the consultant's part of an offering, by weight. The owner is one of them."""

    __tablename__ = "offering_collaborators"
    __global_reason__ = "belongs to an offering of the public price list"
    __table_args__ = (
        UniqueConstraint("offering_id", "payee_id"),
        CheckConstraint("weight > 0", name="weight"),
        Index("ix_offering_collaborators_payee", "payee_id"),
    )

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offerings.id"))
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("payees.id"))
    weight: Mapped[int]


class WeeklyHours(PayeeOwnRecord):
    """Minutes since midnight in the consultant's time zone, every week; `weekday` 0 is Monday."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        UniqueConstraint("payee_id", "weekday", "starts_minute"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= starts_minute AND starts_minute < ends_minute AND ends_minute <= 1440", name="hours"),
    )

    weekday: Mapped[int]
    starts_minute: Mapped[int]
    ends_minute: Mapped[int]


class DayHours(PayeeOwnRecord):
    """One day that is not as every week: `hours` are [starts_minute, ends_minute] pairs; none: away."""

    __tablename__ = "day_hours"
    __table_args__ = (UniqueConstraint("payee_id", "day"),)

    day: Mapped[date]
    hours: Mapped[list[Any]]
    note: Mapped[str] = mapped_column(default="", server_default="")
