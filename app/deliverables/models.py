"""Content deliverables of creators and what was submitted for them.

Files are `stored_files`: those of the brief have the deliverable as their subject, those sent in their submission.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import PayeeRecord
from app.db.types import choice
from app.deliverables.states import TRANSITIONS, Content, DeliverableStatus, Mover


class Deliverable(PayeeRecord):
    """`fee_minor` and `currency` are set together: what the approval owes, None for work that earns by commission.

    `version` is what a mover saw. `due_told_on` and `overdue_told_on` are the due days of which the creator was
    reminded: another day is told anew. `submissions` counts them.
    """

    __tablename__ = "deliverables"
    __table_args__ = (
        UniqueConstraint("organization_id", "reference"),
        CheckConstraint("fee_minor > 0", name="fee"),
        CheckConstraint("(fee_minor IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint(
            "submissions > 0 OR status NOT IN ('submitted', 'revision_requested', 'approved')", name="sent"
        ),
        Index("ix_deliverables_payee", "payee_id", "moved_at", "id"),
        Index("ix_deliverables_organization", "organization_id", "moved_at", "id"),
        Index("ix_deliverables_lane", "organization_id", "status", "moved_at", "id"),
        Index(
            "ix_deliverables_due", "due_on",
            postgresql_where=text("status IN ('assigned', 'in_progress', 'revision_requested')"),
        ),
    )  # fmt: skip

    reference: Mapped[str]
    title: Mapped[str]
    brief: Mapped[str]
    content: Mapped[Content] = mapped_column(choice(Content))
    status: Mapped[DeliverableStatus] = mapped_column(choice(DeliverableStatus), default=DeliverableStatus.ASSIGNED)
    due_on: Mapped[date | None]
    fee_minor: Mapped[int | None]
    currency: Mapped[str | None]
    published_url: Mapped[str | None]
    revision_note: Mapped[str | None]
    submissions: Mapped[int] = mapped_column(default=0, server_default="0")
    moved_at: Mapped[datetime]
    moved_by: Mapped[str]
    due_told_on: Mapped[date | None]
    overdue_told_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    @property
    def fee(self) -> Money | None:
        return None if self.fee_minor is None or self.currency is None else Money(self.fee_minor, self.currency)

    def advance(self, mover: Mover, to: DeliverableStatus) -> None:
        """Raises InvalidTransition unless TRANSITIONS gives this mover the step."""
        if to not in TRANSITIONS[mover].get(self.status, frozenset()):
            raise InvalidTransition("deliverable", self.status, to)
        self.status = to


class DeliverableSubmission(PayeeRecord):
    """What a creator sent in, the first one is number 1; `links` are addresses. Never changed."""

    __tablename__ = "deliverable_submissions"
    __append_only__ = True
    __table_args__ = (UniqueConstraint("deliverable_id", "number"), CheckConstraint("number > 0", name="number"))

    deliverable_id: Mapped[UUID] = mapped_column(ForeignKey("deliverables.id"))
    number: Mapped[int]
    links: Mapped[list[Any]]
    note: Mapped[str]
    submitted_by: Mapped[str]
