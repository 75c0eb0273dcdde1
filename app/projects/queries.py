"""Reads of projects: the board by columns, lists, one project. A project's status here includes its money's part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Date, DateTime, Integer, Text, Uuid, column, func, literal, select, text, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import FromClause

from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.db.paging import AnyRow, AnySelect
from app.files.models import FilePurpose, StoredFile
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus, PayeeKind
from app.projects.models import ProjectComment, TimeEntry
from app.projects.states import STAGE_OF, ProjectStatus, Stage

ON_BOARD = timedelta(days=180)  # approved longer ago: in the list only
DEEPEST = 48  # cards of one column that are read for the board

# `rules.money_status` says the same in Python; a test compares them.
LIVE = """SELECT p.*, n.name AS payee_name, o.name AS organization_name, o.slug AS organization_slug,
    coalesce(p.agreed_minor, CASE p.rate_kind WHEN 'fixed' THEN p.rate_minor
        ELSE (p.rate_minor * p.worked_minutes * 2 + 60) / 120 END) AS amount_minor,
    s.earning_id, s.available_at, s.payout_id, s.payout_status, x.paid_at, x.expected_on, r.status AS request_status,
    CASE WHEN p.status <> 'approved' THEN p.status
         WHEN s.earning_id IS NULL OR (s.ready_minor IS NULL AND s.payout_status IS NULL) THEN 'approved'
         WHEN s.ready_minor IS NOT NULL AND coalesce(s.payout_status, 'paid') = 'paid' THEN 'payout_ready'
         WHEN s.payout_status IN ('approved', 'processing', 'paid') THEN 'payout_approved'
         ELSE 'withdrawal_requested' END AS live
FROM projects p
JOIN payees n ON n.id = p.payee_id
JOIN organizations o ON o.id = p.organization_id
LEFT JOIN payment_requests r ON r.id = p.request_id
LEFT JOIN LATERAL (
    SELECT y.earning_id, y.available_at, y.ready_minor, y.payout_id, y.payout_status
    FROM earnings e JOIN earning_states y ON y.earning_id = e.id
    WHERE p.status = 'approved' AND e.organization_id = p.organization_id
        AND e.source_kind = CASE WHEN p.request_id IS NULL THEN 'project' ELSE 'payment_request' END
        AND e.source_id = coalesce(p.request_id, p.id)
    ORDER BY e.source_round DESC LIMIT 1
) s ON true
LEFT JOIN payouts x ON x.id = s.payout_id"""
_WHICH = " ".join(f"WHEN '{status.value}' THEN '{stage.value}'" for status, stage in STAGE_OF.items())
_STAGE = f"SELECT *, CASE live {_WHICH} END AS stage FROM ({LIVE}) AS live_projects WHERE"
_COLUMNS: dict[str, Any] = {
    "id": Uuid(), "organization_id": Uuid(), "payee_id": Uuid(), "reference": Text(), "title": Text(),
    "description": Text(), "status": Text(), "live": Text(), "stage": Text(), "rate_kind": Text(),
    "rate_minor": Integer(), "amount_minor": Integer(), "currency": Text(), "due_on": Date(), "by_invoice": Boolean(),
    "worked_minutes": Integer(), "agreed_minor": Integer(), "request_id": Uuid(), "request_status": Text(),
    "revision_note": Text(), "moved_at": DateTime(timezone=True), "moved_by": Text(),
    "cancelled_at": DateTime(timezone=True), "created_at": DateTime(timezone=True), "version": Integer(),
    "payee_name": Text(), "organization_name": Text(), "organization_slug": Text(), "earning_id": Uuid(),
    "available_at": DateTime(timezone=True), "payout_id": Uuid(), "payout_status": Text(),
    "paid_at": DateTime(timezone=True), "expected_on": Date(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whose:
    """The projects of a payee or of an organization; neither means everybody's, for the platform."""

    payee_id: UUID | None = None
    organization_id: UUID | None = None

    def source(self, more: str = "true", **bound: Any) -> FromClause:
        """The projects with their live status and column; `more` narrows by columns of projects."""
        owner = self.payee_id or self.organization_id
        mine = "payee_id = :owner" if self.payee_id else "organization_id = :owner" if owner else "true"
        bound = {**bound, "owner": owner} if owner else bound
        statement = text(f"{_STAGE} {mine} AND {more}").bindparams(**bound)
        return statement.columns(*[column(name, kind) for name, kind in _COLUMNS.items()]).subquery("project")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the board: how many cards, worth how much by currency, and the newest of them."""

    stage: Stage
    count: int
    sums: dict[str, int]
    cards: list[AnyRow]


_BOARD = "cancelled_at IS NULL AND (status <> 'approved' OR moved_at > :since)"


def board(session: Session, whose: Whose) -> dict[Stage, Column]:
    """The six columns with up to `DEEPEST` cards each, newest move first. Two statements for any number of projects."""
    source = whose.source(_BOARD, since=utc_now() - ON_BOARD)
    place = func.row_number().over(partition_by=source.c.stage, order_by=(source.c.moved_at.desc(), source.c.id.desc()))
    placed = select(source, place.label("place")).subquery()
    cards = session.execute(select(placed).where(placed.c.place <= DEEPEST).order_by(placed.c.place)).all()
    totals = session.execute(
        select(source.c.stage, source.c.currency, func.count().label("n"), func.sum(source.c.amount_minor).label("sum"))
        .group_by(source.c.stage, source.c.currency)
    ).all()  # fmt: skip
    return {
        stage: Column(
            stage,
            sum(row.n for row in totals if row.stage == stage),
            {row.currency: int(row.sum) for row in totals if row.stage == stage},
            [row for row in cards if row.stage == stage],
        )
        for stage in Stage
    }


def lane(
    session: Session, whose: Whose, stage: Stage, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Cards of one column, newest move first: what the board does not show at once."""
    source = whose.source(_BOARD, since=utc_now() - ON_BOARD)
    return paging.fetch(session, select(source).where(source.c.stage == stage.value), _key(source), cursor, limit)


def after(row: AnyRow) -> str:
    """The cursor of what follows `row` in its column."""
    return paging.encode("n", [row.moved_at, row.id])


def _key(source: FromClause) -> paging.Key:
    return paging.Key((source.c.moved_at, source.c.id), ("moved_at", "id"))


def projects(
    session: Session,
    whose: Whose,
    *,
    stage: Stage | None = None,
    cancelled: bool = False,
    payee_id: UUID | None = None,
    search: str = "",
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page of the list, newest move first. `search`: words of the title or the reference."""
    source = whose.source("(cancelled_at IS NOT NULL) = :gone", gone=cancelled)
    query: AnySelect = select(source)
    if stage is not None:
        query = query.where(source.c.stage == stage.value)
    if payee_id is not None:
        query = query.where(source.c.payee_id == payee_id)
    if search.strip():
        wanted = search.strip().lower()
        query = query.where(
            func.lower(source.c.title).contains(wanted, autoescape=True)
            | (func.lower(source.c.reference) == wanted)
        )  # fmt: skip
    return paging.fetch(session, query, _key(source), cursor, limit)


def detail(session: Session, whose: Whose, project_id: UUID) -> AnyRow:
    """One project with its live status. Raises NotFound."""
    source = whose.source("id = :id", id=project_id)
    found = session.execute(select(source)).one_or_none()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def amount(row: AnyRow) -> Money:
    """What the project is worth now: agreed, fixed, or the hours so far."""
    return Money(row.amount_minor, row.currency)


def status(row: AnyRow) -> ProjectStatus:
    return ProjectStatus(row.live)


def extras(session: Session, project_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """(files, comments) of several projects in one statement; those without either are left out."""
    ids = list(project_ids)
    if not ids:
        return {}
    each = union_all(
        select(StoredFile.subject_id.label("id"), literal(1).label("files"), literal(0).label("comments")).where(
            StoredFile.subject_id.in_(ids), StoredFile.purpose == FilePurpose.ATTACHMENT
        ),
        select(ProjectComment.project_id, literal(0), literal(1)).where(ProjectComment.project_id.in_(ids)),
    ).subquery()
    rows = session.execute(
        select(each.c.id, func.sum(each.c.files), func.sum(each.c.comments)).group_by(each.c.id)
    ).all()
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def comments(session: Session, project_id: UUID) -> Sequence[AnyRow]:
    """id, author, of_contractor, text, created_at; oldest first."""
    return session.execute(
        select(
            ProjectComment.id, ProjectComment.author, ProjectComment.of_contractor, ProjectComment.text,
            ProjectComment.created_at,
        )
        .where(ProjectComment.project_id == project_id)
        .order_by(ProjectComment.created_at, ProjectComment.id)
        .limit(500)
    ).all()  # fmt: skip


def hours(session: Session, project_id: UUID) -> Sequence[AnyRow]:
    """id, worked_on, minutes, note, logged_by; newest day first."""
    return session.execute(
        select(TimeEntry.id, TimeEntry.worked_on, TimeEntry.minutes, TimeEntry.note, TimeEntry.logged_by)
        .where(TimeEntry.project_id == project_id)
        .order_by(TimeEntry.worked_on.desc(), TimeEntry.id.desc())
        .limit(1_000)
    ).all()


def contractors(session: Session, organization_id: UUID) -> Sequence[AnyRow]:
    """payee_id, name, currency, project_billing of the contractors that may get a project, by name."""
    return session.execute(
        select(Engagement.payee_id, Payee.name, Engagement.currency, Engagement.project_billing)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(
            Engagement.organization_id == organization_id,
            Engagement.status == EngagementStatus.ACTIVE,
            Payee.kind == PayeeKind.CONTRACTOR,
        )
        .order_by(Payee.name, Payee.id)
        .limit(1_000)
    ).all()
