"""Organizations (the tenants), their members and funds policy."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord, Record
from app.db.types import choice
from app.organizations.states import BillingMode, MemberStatus, OrganizationKind, OrganizationStatus, Role


class Organization(Record):
    __tablename__ = "organizations"
    __global_reason__ = (
        "names and slugs are read before a scope exists, and by payees; nothing secret or of money is in it"
    )
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9])*$'", name="slug"),
        Index("uq_organizations_house", "is_house", unique=True, postgresql_where=text("is_house")),
    )

    slug: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str | None]
    kind: Mapped[OrganizationKind] = mapped_column(choice(OrganizationKind), default=OrganizationKind.BUYER)
    status: Mapped[OrganizationStatus] = mapped_column(choice(OrganizationStatus), default=OrganizationStatus.DRAFT)
    is_house: Mapped[bool] = mapped_column(default=False, server_default="false")
    currency: Mapped[str]
    country: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(default="UTC")
    address: Mapped[dict[str, Any] | None]
    billing_email: Mapped[str | None]
    tax_form_required: Mapped[bool] = mapped_column(default=False, server_default="false")
    billing_mode: Mapped[BillingMode] = mapped_column(
        choice(BillingMode), default=BillingMode.TAG_ONLY, server_default=BillingMode.TAG_ONLY.value
    )
    accepts_applications: Mapped[bool] = mapped_column(default=False, server_default="false")
    auto_approve_consultants: Mapped[bool] = mapped_column(default=False, server_default="false")


class Member(OrganizationRecord):
    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("organization_id", "account_id"),
        CheckConstraint("char_length(department) BETWEEN 1 AND 60", name="department"),
        Index("ix_members_account", "account_id"),
        Index(
            "ix_members_department",
            "organization_id",
            "department",
            postgresql_where=text("department IS NOT NULL"),
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[Role] = mapped_column(choice(Role))
    status: Mapped[MemberStatus] = mapped_column(choice(MemberStatus), default=MemberStatus.ACTIVE)
    department: Mapped[str | None]


class OrganizationDraft(OrganizationRecord):
    """What the wizard knows of an organization beyond its row. `steps`: those that were saved.

    `organization_bps`: its part of bookings, set as it is launched. `invitees`: `{"email": …, "role": …}`, invited
    then; the row goes when they are.
    """

    __tablename__ = "organization_drafts"
    __table_args__ = (
        UniqueConstraint("organization_id"),
        CheckConstraint("organization_bps BETWEEN 0 AND 10000", name="rate"),
    )

    steps: Mapped[list[str]] = mapped_column(JSONB, default=list)
    organization_bps: Mapped[int | None]
    invitees: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)


class FundsPolicy(OrganizationRecord):
    """How far the funds account of a currency may go below zero, and what needs a second approval.

    `near_limit_at`: since when most of it is used, as far as that was told.
    """

    __tablename__ = "funds_policies"
    __table_args__ = (
        UniqueConstraint("organization_id", "currency"),
        CheckConstraint("credit_limit_minor >= 0", name="credit_limit"),
    )

    currency: Mapped[str]
    credit_limit_minor: Mapped[int] = mapped_column(default=0)
    second_approval_minor: Mapped[int | None]
    near_limit_at: Mapped[datetime | None]
