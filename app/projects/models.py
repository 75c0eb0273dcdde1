"""Projects of contractors with their hours and comments. Files are `stored_files` whose subject is the project."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import PayeeRecord
from app.db.types import choice
from app.projects.states import TRANSITIONS, Mover, ProjectStatus, RateKind


class Project(PayeeRecord):
    """`rate_minor` is the price of the whole project or of an hour. `agreed_minor`: what the approval was for.

    `by_invoice`: the approval makes no earning, the contractor's payment request (`request_id`) does. `version` is
    what a mover saw; `moved_at` is the day of the last step. A cancelled project keeps the status it had.
    """

    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("organization_id", "reference"),
        UniqueConstraint("request_id"),
        CheckConstraint("rate_minor > 0", name="rate"),
        CheckConstraint("worked_minutes >= 0", name="worked"),
        CheckConstraint("(status = 'approved') = (agreed_minor IS NOT NULL)", name="agreed"),
        CheckConstraint("status NOT IN ('payout_ready', 'withdrawal_requested', 'payout_approved')", name="written"),
        Index("ix_projects_payee", "payee_id", "moved_at", "id"),
        Index("ix_projects_organization", "organization_id", "moved_at", "id"),
        Index(
            "ix_projects_open", "organization_id", "status",
            postgresql_where=text("status <> 'approved' AND cancelled_at IS NULL"),
        ),
    )  # fmt: skip

    reference: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    status: Mapped[ProjectStatus] = mapped_column(choice(ProjectStatus), default=ProjectStatus.PENDING_CONTRACTOR)
    rate_kind: Mapped[RateKind] = mapped_column(choice(RateKind))
    rate_minor: Mapped[int]
    currency: Mapped[str]
    due_on: Mapped[date | None]
    by_invoice: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    worked_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    agreed_minor: Mapped[int | None]
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_requests.id"))
    revision_note: Mapped[str | None]
    moved_at: Mapped[datetime]
    moved_by: Mapped[str]
    cancelled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    @property
    def rate(self) -> Money:
        return Money(self.rate_minor, self.currency)

    @property
    def agreed(self) -> Money | None:
        return None if self.agreed_minor is None else Money(self.agreed_minor, self.currency)

    def advance(self, mover: Mover, to: ProjectStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS gives this mover the step."""
        if to not in TRANSITIONS[mover].get(self.status, frozenset()):
            raise InvalidTransition("project", self.status, to)
        self.status = to


class TimeEntry(PayeeRecord):
    """Minutes worked on one day."""

    __tablename__ = "time_entries"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),
        Index("ix_time_entries_project", "project_id", "worked_on", "id"),
    )

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id"))
    worked_on: Mapped[date]
    minutes: Mapped[int]
    note: Mapped[str]
    logged_by: Mapped[str]


class ProjectComment(PayeeRecord):
    """What somebody of either side wrote on the card; never changed."""

    __tablename__ = "project_comments"
    __append_only__ = True
    __table_args__ = (Index("ix_project_comments_project", "project_id", "created_at", "id"),)

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id"))
    author: Mapped[str]
    of_contractor: Mapped[bool]
    text: Mapped[str]
