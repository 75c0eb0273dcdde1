"""Reads of deliverables: the board by lanes, lists, one deliverable with what was submitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.audit.models import TimelineEvent
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.db.paging import AnyRow, AnySelect
from app.deliverables.models import Deliverable, DeliverableSubmission
from app.deliverables.service import COMMENT
from app.deliverables.states import LANE_OF, STATUS_OF, TO_DO, DeliverableStatus, Lane
from app.files.models import FilePurpose, StoredFile
from app.organizations.models import Organization
from app.payees.models import Engagement, Payee
from app.payees.queries import matching
from app.payees.states import EngagementStatus, PayeeKind

ON_BOARD = timedelta(days=180)  # approved longer ago: in the list only
DEEPEST = 48  # cards of one lane that are read for the board
MOST_CREATORS = 100  # offered at once; more are searched for
_KEY = paging.Key((Deliverable.moved_at, Deliverable.id), ("moved_at", "id"))


class Due(StrEnum):
    """When a deliverable is due, seen from `Wanted.today`."""

    OVERDUE = "overdue"
    WEEK = "week"
    LATER = "later"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliverables. None and empty mean "any"; `search`: a part of the title or of the creator's name, or
    the reference."""

    organization_id: UUID | None = None
    payee_id: UUID | None = None
    status: DeliverableStatus | None = None
    due: Due | None = None
    today: date | None = None
    search: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.organization_id is not None:
            found.append(Deliverable.organization_id == self.organization_id)
        if self.payee_id is not None:
            found.append(Deliverable.payee_id == self.payee_id)
        if self.status is not None:
            found.append(Deliverable.status == self.status)
        if self.due is not None:
            found += _due(self.due, self.today or utc_now().date())
        if self.search.strip():
            wanted = self.search.strip().lower()
            found.append(
                func.lower(Deliverable.title).contains(wanted, autoescape=True)
                | (func.lower(Deliverable.reference) == wanted)
                | Deliverable.payee_id.in_(matching(self.search))
            )
        return found


def _due(due: Due, today: date) -> list[ColumnElement[bool]]:
    soon = today + timedelta(days=7)
    match due:
        case Due.OVERDUE:
            return [Deliverable.due_on < today, Deliverable.status.in_(TO_DO)]
        case Due.WEEK:
            return [Deliverable.due_on >= today, Deliverable.due_on < soon]
        case Due.LATER:
            return [Deliverable.due_on >= soon]
        case Due.NONE:
            return [Deliverable.due_on.is_(None)]


@dataclass(frozen=True, slots=True)
class Column:
    """One lane: how many cards, with what fees by currency, and the newest of them."""

    lane: Lane
    count: int
    sums: dict[str, int]
    cards: list[AnyRow]


def _rows() -> AnySelect:
    """id, organization_id, payee_id, reference, title, brief, content, status, due_on, fee_minor, currency,
    published_url, revision_note, submissions, moved_at, moved_by, created_at, version, payee_name, organization_name,
    organization_slug."""
    d = Deliverable
    query: AnySelect = (
        select(
            d.id, d.organization_id, d.payee_id, d.reference, d.title, d.brief, d.content, d.status, d.due_on,
            d.fee_minor, d.currency, d.published_url, d.revision_note, d.submissions, d.moved_at, d.moved_by,
            d.created_at, d.version, Payee.name.label("payee_name"), Organization.name.label("organization_name"),
            Organization.slug.label("organization_slug"),
        )
        .join(Payee, Payee.id == d.payee_id)
        .join(Organization, Organization.id == d.organization_id)
    )  # fmt: skip
    return query


def _on_board(wanted: Wanted) -> list[ColumnElement[bool]]:
    recent = (Deliverable.status != DeliverableStatus.APPROVED) | (Deliverable.moved_at > utc_now() - ON_BOARD)
    return [*wanted.conditions(), Deliverable.status != DeliverableStatus.CANCELLED, recent]


def board(session: Session, wanted: Wanted) -> dict[Lane, Column]:
    """The five lanes with up to `DEEPEST` cards each, newest move first. Two statements for any number of cards."""
    shown = _on_board(wanted)
    order = (Deliverable.moved_at.desc(), Deliverable.id.desc())
    place = func.row_number().over(partition_by=Deliverable.status, order_by=order).label("place")
    placed = _rows().add_columns(place).where(*shown).subquery()
    cards = session.execute(select(placed).where(placed.c.place <= DEEPEST).order_by(placed.c.place)).all()
    totals = session.execute(
        select(
            Deliverable.status, Deliverable.currency, func.count().label("n"),
            func.sum(Deliverable.fee_minor).label("sum"),
        )
        .where(*shown)
        .group_by(Deliverable.status, Deliverable.currency)
    ).all()  # fmt: skip
    return {
        lane: Column(
            lane,
            sum(row.n for row in totals if row.status is status),
            {row.currency: int(row.sum) for row in totals if row.status is status and row.currency},
            [row for row in cards if row.status is status],
        )
        for lane, status in STATUS_OF.items()
    }


def lane(
    session: Session, wanted: Wanted, which: Lane, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Cards of one lane, newest move first: what the board does not show at once."""
    query = _rows().where(*_on_board(wanted), Deliverable.status == STATUS_OF[which])
    return paging.fetch(session, query, _KEY, cursor, limit)


def after(row: AnyRow) -> str:
    """The cursor of what follows `row` in its lane."""
    return paging.encode("n", [row.moved_at, row.id])


def deliverables(
    session: Session, wanted: Wanted, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """One page of the list, newest move first."""
    return paging.fetch(session, _rows().where(*wanted.conditions()), _KEY, cursor, limit)


def detail(session: Session, wanted: Wanted, deliverable_id: UUID) -> AnyRow:
    """One deliverable. Raises NotFound."""
    query = _rows().where(*wanted.conditions(), Deliverable.id == deliverable_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such deliverable.")
    return found


def fee(row: AnyRow) -> Money | None:
    """What its approval owes."""
    return None if row.fee_minor is None else Money(row.fee_minor, row.currency)


def lane_of(row: AnyRow) -> str:
    """The word of the board for where it stands; "cancelled" is on no board."""
    found = LANE_OF.get(row.status)
    return found.value if found else DeliverableStatus.CANCELLED.value


def extras(session: Session, ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """(files, comments) of several deliverables in one statement; those without either are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    sent = (
        select(DeliverableSubmission.deliverable_id.label("id"), literal(1).label("files"), literal(0).label("said"))
        .join(StoredFile, StoredFile.subject_id == DeliverableSubmission.id)
        .where(DeliverableSubmission.deliverable_id.in_(wanted), StoredFile.purpose == FilePurpose.ATTACHMENT)
    )
    brief = select(StoredFile.subject_id, literal(1), literal(0)).where(
        StoredFile.subject_id.in_(wanted), StoredFile.purpose == FilePurpose.ATTACHMENT
    )
    talk = select(TimelineEvent.subject_id, literal(0), literal(1)).where(
        TimelineEvent.subject_id.in_(wanted), TimelineEvent.to_state == COMMENT
    )
    each = union_all(sent, brief, talk).subquery()
    rows = session.execute(select(each.c.id, func.sum(each.c.files), func.sum(each.c.said)).group_by(each.c.id)).all()
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def submissions(session: Session, deliverable_id: UUID) -> Sequence[AnyRow]:
    """id, number, links, note, submitted_by, created_at; newest first."""
    s = DeliverableSubmission
    return session.execute(
        select(s.id, s.number, s.links, s.note, s.submitted_by, s.created_at)
        .where(s.deliverable_id == deliverable_id)
        .order_by(s.number.desc())
        .limit(100)
    ).all()


def comments(session: Session, deliverable_id: UUID) -> Sequence[AnyRow]:
    """at, author, text; oldest first, the last 300."""
    rows = session.execute(
        select(TimelineEvent.at, TimelineEvent.actor.label("author"), TimelineEvent.note.label("text"))
        .where(TimelineEvent.subject_id == deliverable_id, TimelineEvent.to_state == COMMENT)
        .order_by(TimelineEvent.at.desc(), TimelineEvent.id.desc())
        .limit(300)
    ).all()
    return rows[::-1]


def waiting(session: Session, wanted: Wanted, statuses: Iterable[DeliverableStatus]) -> int:
    """How many stand at one of these, capped: the number beside a link."""
    query: AnySelect = select(Deliverable.id).where(*wanted.conditions(), Deliverable.status.in_(list(statuses)))
    return min(paging.capped_count(session, query), paging.CAP)


def creators(
    session: Session,
    organization_id: UUID,
    *,
    active: bool = True,
    search: str = "",
    ids: Sequence[UUID] | None = None,
    limit: int = MOST_CREATORS,
) -> Sequence[AnyRow]:
    """payee_id, name of the organization's creators by name; `active`: those that may get a deliverable."""
    query = (
        select(Engagement.payee_id, Payee.name)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(Engagement.organization_id == organization_id, Payee.kind == PayeeKind.CREATOR)
        .order_by(Payee.name, Payee.id)
        .limit(limit)
    )
    if active:
        query = query.where(Engagement.status == EngagementStatus.ACTIVE)
    if search.strip():
        query = query.where(Engagement.payee_id.in_(matching(search)))
    if ids is not None:
        query = query.where(Engagement.payee_id.in_(ids))
    return session.execute(query).all()
