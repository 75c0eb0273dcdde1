"""Statements of banks and providers, their lines, and what was found out about each line.

All of it is the platform's own. Lines and matches are never changed: a match that was wrong is undone by another row.
A line is either in the queue `open_statement_lines` or has exactly one match that nothing undid.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.core.errors import InvalidTransition
from app.core.money import Money
from app.db.base import Base, PlatformRecord, Record, Visibility
from app.db.types import choice
from app.reconciliation.states import (
    TRANSFER_TRANSITIONS,
    WRITE_OFF_TRANSITIONS,
    How,
    ItemKind,
    Resolution,
    StatementKind,
    StatementStatus,
    TargetKind,
    TransferStatus,
    WriteOffStatus,
)


class BankStatement(PlatformRecord):
    """One file of one of our accounts (`app.rails.accounts`). The file itself is kept as evidence.

    `summary` counts what was read and, while the job runs, how far it is (`at`) and what came of it.
    """

    __tablename__ = "bank_statements"
    __table_args__ = (
        Index("ix_bank_statements_newest", "created_at", "id"),
        Index("ix_bank_statements_account", "account", "last_on"),
    )

    account: Mapped[str]
    kind: Mapped[StatementKind] = mapped_column(choice(StatementKind))
    currency: Mapped[str]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    status: Mapped[StatementStatus] = mapped_column(choice(StatementStatus), default=StatementStatus.UPLOADED)
    choices: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]


class StatementFormat(PlatformRecord):
    """How a person said that files with these headings are to be read; the next such file is read the same way."""

    __tablename__ = "statement_formats"
    __table_args__ = (UniqueConstraint("account", "headings_sha256"),)

    account: Mapped[str]
    headings_sha256: Mapped[str]
    choices: Mapped[dict[str, Any]]
    chosen_by: Mapped[str]


class StatementLine(PlatformRecord):
    """One booking as the bank told it. `amount_minor`: above zero came to us, below zero left.

    `tokens` are the words of its texts that can be a reference (`rules.tokens`). `dedupe_key` is the same for the same
    booking in every file of the account.
    """

    __tablename__ = "statement_lines"
    __append_only__ = True
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        UniqueConstraint("account", "dedupe_key"),
        Index("ix_statement_lines_statement", "statement_id", "line"),
        Index("ix_statement_lines_newest", "booked_on", "id"),
        Index("ix_statement_lines_account", "account", "currency", "booked_on", "id"),
    )

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("bank_statements.id"))
    line: Mapped[int]
    account: Mapped[str]
    booked_on: Mapped[date]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    balance_minor: Mapped[int | None]
    description: Mapped[str]
    counterparty: Mapped[str]
    reference: Mapped[str]
    bank_reference: Mapped[str]
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dedupe_key: Mapped[str]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class OpenLine(Base):
    """A queue: lines nobody has an explanation for yet. `write_off_id`: somebody proposed to write it off."""

    __tablename__ = "open_statement_lines"
    __visibility__ = Visibility.PLATFORM
    __table_args__ = (
        Index("ix_open_statement_lines_oldest", "booked_on", "line_id"),
        Index("ix_open_statement_lines_amount", "account", "currency", "amount_minor"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("statement_lines.id"), primary_key=True)
    account: Mapped[str]
    booked_on: Mapped[date]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    write_off_id: Mapped[UUID | None] = mapped_column(ForeignKey("write_offs.id"))


class StatementMatch(PlatformRecord):
    """What a line is, said once. A row with `undoes_id` takes an earlier one back; the line is in the queue again."""

    __tablename__ = "statement_matches"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("undoes_id"),
        Index("ix_statement_matches_line", "line_id", "id"),
        Index("ix_statement_matches_newest", "created_at", "id"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("statement_lines.id"))
    resolution: Mapped[Resolution] = mapped_column(choice(Resolution))
    how: Mapped[How] = mapped_column(choice(How))
    note: Mapped[str] = mapped_column(default="", server_default="")
    made_by: Mapped[str]
    made_by_account_id: Mapped[UUID | None]
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("statement_matches.id"))


# The matches that nothing undid: a view, which says once for everybody which those are.
StandingMatch = aliased(
    StatementMatch,
    table("standing_matches", *(column(one.name, one.type) for one in StatementMatch.__table__.columns)),
    adapt_on_names=True,
)


class MatchPart(Base):
    """The part of a line that is about one target; the parts of a match add up to its line."""

    __tablename__ = "statement_match_parts"
    __visibility__ = Visibility.PLATFORM
    __append_only__ = True
    __table_args__ = (
        PrimaryKeyConstraint("match_id", "position"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_statement_match_parts_target", "target_id", postgresql_where=text("target_id IS NOT NULL")),
    )

    match_id: Mapped[UUID] = mapped_column(ForeignKey("statement_matches.id"))
    position: Mapped[int]
    kind: Mapped[TargetKind] = mapped_column(choice(TargetKind))
    target_id: Mapped[UUID | None]
    amount_minor: Mapped[int]


class TakenTarget(Base):
    """What a match that stands is about: its key makes sure that no second line is about the same."""

    __tablename__ = "taken_targets"
    __visibility__ = Visibility.PLATFORM
    __table_args__ = (PrimaryKeyConstraint("kind", "target_id"), Index("ix_taken_targets_match", "match_id"))

    kind: Mapped[TargetKind] = mapped_column(choice(TargetKind))
    target_id: Mapped[UUID]
    match_id: Mapped[UUID] = mapped_column(ForeignKey("statement_matches.id"))


class WriteOff(PlatformRecord):
    """Proposed by one person, approved or rejected by another."""

    __tablename__ = "write_offs"
    __table_args__ = (
        Index("ix_write_offs_open", "created_at", "id", postgresql_where=text("status = 'proposed'")),
        Index("ix_write_offs_line", "line_id"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("statement_lines.id"))
    reason: Mapped[str]
    _status: Mapped[WriteOffStatus] = mapped_column("status", choice(WriteOffStatus), default=WriteOffStatus.PROPOSED)
    proposed_by: Mapped[str]
    proposed_by_account_id: Mapped[UUID | None]
    decided_by: Mapped[str | None]
    decided_by_account_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]

    @property
    def status(self) -> WriteOffStatus:
        return self._status

    def advance(self, to: WriteOffStatus) -> None:
        """Raises InvalidTransition unless WRITE_OFF_TRANSITIONS allows the move."""
        if to not in WRITE_OFF_TRANSITIONS[self._status]:
            raise InvalidTransition("write-off", self._status, to)
        self._status = to


class OwnTransfer(PlatformRecord):
    """Money from one account of ours to another, such as a top-up of a provider's balance."""

    __tablename__ = "own_transfers"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND from_account <> to_account", name="amount"),
        Index("ix_own_transfers_newest", "created_at", "id"),
    )

    from_account: Mapped[str]
    to_account: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reference: Mapped[str]
    sent_on: Mapped[date]
    _status: Mapped[TransferStatus] = mapped_column("status", choice(TransferStatus), default=TransferStatus.SENT)
    recorded_by: Mapped[str]
    recorded_by_account_id: Mapped[UUID | None]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    @property
    def status(self) -> TransferStatus:
        return self._status

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def advance(self, to: TransferStatus) -> None:
        """Raises InvalidTransition unless TRANSFER_TRANSITIONS allows the move."""
        if to not in TRANSFER_TRANSITIONS[self._status]:
            raise InvalidTransition("transfer", self._status, to)
        self._status = to


class DeskItem(PlatformRecord):
    """Something a job noticed that a person should look at. At most one is open for the same subject."""

    __tablename__ = "desk_items"
    __table_args__ = (
        Index(
            "uq_desk_items_open", "kind", "subject", unique=True, postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_desk_items_newest", "created_at", "id"),
    )  # fmt: skip

    kind: Mapped[ItemKind] = mapped_column(choice(ItemKind))
    subject: Mapped[str]
    subject_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closing_note: Mapped[str | None]


class ClosedMonth(Record):
    """The books of a month, closed by a person. `numbers` is what stood in them then; nothing is posted in it since:
    a trigger on the books refuses it. Only the platform may add one."""

    __global_reason__ = "whoever posts is held to it; it says nothing of any tenant"
    __tablename__ = "closed_months"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("month"),
        CheckConstraint("EXTRACT(day FROM month) = 1", name="month"),
    )

    month: Mapped[date]
    numbers: Mapped[dict[str, Any]]
    closed_by: Mapped[str]
    closed_by_account_id: Mapped[UUID | None]


class BalanceCheck(PlatformRecord):
    """What a provider said it holds for us, beside the books at that moment. It agrees between cash and cash plus
    clearing: what is on its way may have left there already."""

    __tablename__ = "balance_checks"
    __append_only__ = True
    __table_args__ = (Index("ix_balance_checks_newest", "rail", "currency", "created_at"),)

    rail: Mapped[str]
    account: Mapped[str]
    currency: Mapped[str]
    told_minor: Mapped[int]
    cash_minor: Mapped[int]
    clearing_minor: Mapped[int]
    agrees: Mapped[bool]
