"""Runs that calculate a period for everybody who is paid by the month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord
from app.db.types import choice
from app.payouts.states import RunStatus


class PayoutRun(OrganizationRecord):
    """One calculation for an organization, from `period_start` to `period_end`, both included, in its time zone.

    `due_on`: the day the scheduler made it for, None when a person started it; a month is scheduled once.
    `summary` says how far it is, what it made and whom it left out, and why.
    """

    __tablename__ = "payout_runs"
    __table_args__ = (
        CheckConstraint("period_start <= period_end", name="period"),
        CheckConstraint("rate_minor > 0", name="rate"),
        Index("ix_payout_runs_newest", "created_at", "id"),
        Index("ix_payout_runs_organization", "organization_id", "created_at", "id"),
        Index(
            "uq_payout_runs_due", "organization_id", "period_start", "due_on", unique=True,
            postgresql_where=text("due_on IS NOT NULL"),
        ),
    )  # fmt: skip

    period_start: Mapped[date]
    period_end: Mapped[date]
    rate_minor: Mapped[int | None]
    due_on: Mapped[date | None]
    status: Mapped[RunStatus] = mapped_column(choice(RunStatus), default=RunStatus.RUNNING)
    summary: Mapped[dict[str, Any]]
    started_by: Mapped[str]
    started_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
