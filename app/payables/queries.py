"""Reads about payment requests: the approval queue, one request with its life, imports. Lists select columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, cast, func, select, text, union
from sqlalchemy.orm import Session

from app.audit.models import Audience
from app.core.errors import NotFound
from app.db import paging
from app.payables.models import BillImport, PaymentRequest
from app.payables.rules import OPEN_TO_REVIEW
from app.payables.states import RequestStatus
from app.payees.models import Engagement, Payee
from app.payees.queries import SHOWN_REFERENCE, matching

R = PaymentRequest


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LARGEST = "largest"
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """None and empty mean "any". `search` finds payees by name or reference and requests by their exact reference
    or invoice number.

    Amounts are minor units; invoice days are whole days. `due_from` and `due_until` find what is still to be paid and
    falls due within them: no credits, nothing that was sent, rejected or withdrawn. `created_until`: nothing newer
    than what the person saw.
    """

    status: RequestStatus | None = None
    search: str = ""
    payee_id: UUID | None = None
    import_id: UUID | None = None
    currency: str | None = None
    min_minor: int | None = None
    max_minor: int | None = None
    invoice_from: date | None = None
    invoice_until: date | None = None
    created_until: datetime | None = None
    due_from: date | None = None
    due_until: date | None = None

    @property
    def by_due_day(self) -> bool:
        return self.due_from is not None or self.due_until is not None


# When a bill falls due: the day it names, else its date and the payee's terms. `payees.rules.due_on` says the same.
_DUE_ON = func.coalesce(R.due_on, R.invoice_on + cast(Engagement.terms_days, Integer))
_LIST = (
    R.id, R.reference, R.invoice_number, R.payee_id, Payee.name.label("payee_name"),
    SHOWN_REFERENCE.label("payee_reference"), R.amount_minor, R.approved_minor, R.currency, R.description,
    R.category, R.project, R.work_type, R.invoice_on, _DUE_ON.label("due_on"), Engagement.terms_days, R.status,
    R.created_at, R.submitted_at, R.submitted_by_account_id, R.reviewed_by, R.reviewed_at, R.review_reason,
    R.import_id, R.version,
)  # fmt: skip
_KEYS = {
    Sort.NEWEST: paging.Key((R.created_at, R.id), ("created_at", "id")),
    Sort.OLDEST: paging.Key((R.created_at, R.id), ("created_at", "id"), descending=False),
    Sort.LARGEST: paging.Key((R.amount_minor, R.id), ("amount_minor", "id")),
    Sort.SMALLEST: paging.Key((R.amount_minor, R.id), ("amount_minor", "id"), descending=False),
}


def _found(organization_id: UUID, term: str) -> Any:
    """Ids that a search finds, each way by its own index; an OR over them would use none."""
    mine = select(R.id).where(R.organization_id == organization_id)
    ways = union(
        mine.where(R.payee_id.in_(matching(term))),
        mine.where(R.reference == term),
        mine.where(R.invoice_number == term),
    )
    return ways.cte("found").prefix_with("MATERIALIZED", dialect="postgresql")


def _narrowed(query: Any, organization_id: UUID, chosen: RequestFilter) -> Any:
    query = query.where(R.organization_id == organization_id)
    if chosen.status is not None:
        query = query.where(R.status == chosen.status)
    else:
        query = query.where(R.status != RequestStatus.DRAFT)
    if chosen.search.strip():
        query = query.where(R.id.in_(select(_found(organization_id, chosen.search.strip()).c.id)))
    for column, wanted in (
        (R.payee_id, chosen.payee_id),
        (R.import_id, chosen.import_id),
        (R.currency, chosen.currency),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if chosen.min_minor is not None:
        query = query.where(R.amount_minor >= chosen.min_minor)
    if chosen.max_minor is not None:
        query = query.where(R.amount_minor <= chosen.max_minor)
    if chosen.invoice_from is not None:
        query = query.where(R.invoice_on >= chosen.invoice_from)
    if chosen.invoice_until is not None:
        query = query.where(R.invoice_on <= chosen.invoice_until)
    if chosen.created_until is not None:
        query = query.where(R.created_at <= chosen.created_until)
    return query.where(*_due(chosen)) if chosen.by_due_day else query


_UNPAID = text(
    """(payment_requests.status IN ('submitted', 'disputed') OR (payment_requests.status = 'approved' AND EXISTS (
        SELECT FROM earnings e WHERE e.organization_id = payment_requests.organization_id
            AND e.source_kind = 'payment_request' AND e.source_id = payment_requests.id
            AND e.source_round = payment_requests.round AND (
                EXISTS (SELECT FROM held_earnings h WHERE h.earning_id = e.id)
                OR EXISTS (SELECT FROM ready_earnings y WHERE y.earning_id = e.id)
                OR EXISTS (SELECT FROM payout_items i JOIN payouts p ON p.id = i.payout_id
                    WHERE i.earning_id = e.id AND p.status IN ('pending', 'approved', 'on_hold'))))))"""
)


def _due(chosen: RequestFilter) -> list[Any]:
    terms = (
        select(cast(Engagement.terms_days, Integer))
        .where(Engagement.organization_id == R.organization_id, Engagement.payee_id == R.payee_id)
        .correlate(R)
        .scalar_subquery()
    )
    day: ColumnElement[date] = func.coalesce(R.due_on, R.invoice_on + terms)
    found: list[Any] = [R.amount_minor > 0, _UNPAID]
    if chosen.due_from is not None:
        found.append(day >= chosen.due_from)
    if chosen.due_until is not None:
        found.append(day <= chosen.due_until)
    return found


def _listed(organization_id: UUID, chosen: RequestFilter) -> paging.AnySelect:
    query = (
        select(*_LIST)
        .join(Payee, Payee.id == R.payee_id)
        .join(Engagement, (Engagement.organization_id == R.organization_id) & (Engagement.payee_id == R.payee_id))
    )
    narrowed: paging.AnySelect = _narrowed(query, organization_id, chosen)
    return narrowed


def approval_queue(
    session: Session,
    organization_id: UUID,
    chosen: RequestFilter,
    *,
    sort: Sort = Sort.NEWEST,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page: id, reference, invoice_number, payee_id, payee_name, payee_reference, amount_minor, approved_minor,
    currency, description, category, project, work_type, invoice_on, due_on (named or by the terms), terms_days,
    status, created_at, submitted_at, submitted_by_account_id, reviewed_by, reviewed_at, review_reason, import_id,
    version. Drafts are the payee's own."""
    return paging.fetch(session, _listed(organization_id, chosen), _KEYS[sort], cursor, limit)


def all_requests(session: Session, organization_id: UUID, chosen: RequestFilter) -> Iterator[paging.AnyRow]:
    """The same rows without pages, newest first, read as they are taken: for files."""
    query = _listed(organization_id, chosen).order_by(R.created_at.desc(), R.id.desc())
    yield from session.execute(query.execution_options(yield_per=1000))


def count(session: Session, organization_id: UUID, chosen: RequestFilter) -> int:
    """Capped: more than `paging.CAP` means "and more"."""
    return paging.capped_count(session, _narrowed(select(R.id), organization_id, chosen))


def counts(session: Session, organization_id: UUID) -> dict[RequestStatus, int]:
    """Requests by status, each counted no further than `paging.CAP` + 1. One statement of short index scans."""
    # Each status by itself: for one that hardly occurs the planner must know that it is this one.
    parts = []
    for status in RequestStatus:
        if status is not RequestStatus.DRAFT:
            found = select(R.id).where(R.organization_id == organization_id, R.status == status)
            capped = select(func.count()).select_from(found.limit(paging.CAP + 1).subquery())
            parts.append(capped.scalar_subquery().label(status.value))
    row = session.execute(select(*parts)).one()
    return {RequestStatus(name): int(number) for name, number in row._mapping.items()}


def open_ids(session: Session, organization_id: UUID, chosen: RequestFilter, most: int) -> list[UUID]:
    """Requests that wait for a decision, as far as `chosen` finds them: `most` at most, oldest first."""
    statuses = [chosen.status] if chosen.status in OPEN_TO_REVIEW else list(OPEN_TO_REVIEW)
    if chosen.status is not None and chosen.status not in OPEN_TO_REVIEW:
        return []
    narrowed = _narrowed(select(R.id), organization_id, replace(chosen, status=None))
    query = narrowed.where(R.status.in_(statuses)).order_by(R.created_at, R.id).limit(most)
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class Totals:
    """What a bulk decision would be about: open requests, their payees, and net minor units by currency."""

    requests: int
    payees: int
    by_currency: dict[str, int]


def open_totals(session: Session, organization_id: UUID, chosen: RequestFilter) -> Totals:
    """Exact, over everything open that `chosen` finds: asked for before a person confirms, not on each page."""
    base = _narrowed(select(R.payee_id, R.currency, R.amount_minor), organization_id, replace(chosen, status=None))
    statuses = {chosen.status} if chosen.status else set(OPEN_TO_REVIEW)
    found = base.where(R.status.in_(statuses & OPEN_TO_REVIEW)).subquery()
    rows = session.execute(
        select(found.c.currency, func.count(), func.sum(found.c.amount_minor)).group_by(found.c.currency)
    ).all()
    payees = session.execute(select(func.count(func.distinct(found.c.payee_id)))).scalar_one()
    return Totals(sum(r[1] for r in rows), int(payees), {r[0]: int(r[2]) for r in sorted(rows, key=lambda r: r[0])})


def detail(session: Session, request_id: UUID, organization_id: UUID | None = None) -> paging.AnyRow:
    """One request with the columns of the queue, organization_id, import_line, round and earning_id. Raises NotFound.

    Staff name their organization; a payee sees its own through the scope.
    """
    query: paging.AnySelect = (
        select(*_LIST, R.organization_id, R.import_line, R.round)
        .join(Payee, Payee.id == R.payee_id)
        .join(Engagement, (Engagement.organization_id == R.organization_id) & (Engagement.payee_id == R.payee_id))
        .where(R.id == request_id)
    )
    if organization_id is not None:
        query = query.where(R.organization_id == organization_id, R.status != RequestStatus.DRAFT)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such payment request.")
    return found


_LIFE = text(
    """WITH of_request AS (
        SELECT e.id FROM earnings e WHERE e.source_kind = 'payment_request' AND e.source_id = :id
            AND e.organization_id = (SELECT r.organization_id FROM payment_requests r WHERE r.id = :id)
    ), subject AS (
        SELECT CAST(:id AS uuid) AS id UNION ALL SELECT id FROM of_request
        UNION ALL SELECT i.payout_id FROM payout_items i JOIN of_request ON of_request.id = i.earning_id
    )
    SELECT t.at, t.subject_kind, t.subject_id, t.actor, t.from_state, t.to_state, t.note, t.audience, t.evidence
    FROM timeline_events t JOIN subject ON subject.id = t.subject_id
    WHERE t.audience = ANY(:audiences) ORDER BY t.at, t.id LIMIT 500"""
)
_SEES = {
    Audience.EVERYONE: ["everyone"],
    Audience.STAFF: ["everyone", "staff"],
    Audience.PLATFORM: ["everyone", "staff", "platform"],
}


def life(session: Session, request_id: UUID, audience: Audience = Audience.EVERYONE) -> Sequence[paging.AnyRow]:
    """at, subject_kind, subject_id, actor, from_state, to_state, note, audience, evidence: the request, what was
    earned by it and the payouts that took it, in one row of events."""
    return session.execute(_LIFE, {"id": request_id, "audiences": _SEES[audience]}).all()


_EARNING = text(
    """SELECT e.id FROM payment_requests r JOIN earnings e ON e.organization_id = r.organization_id
        AND e.source_kind = 'payment_request' AND e.source_id = r.id AND e.source_round = r.round
    WHERE r.id = :id"""
)


def earning_id(session: Session, request_id: UUID) -> UUID | None:
    """What the present agreement about a request earned; None while there is none."""
    found: UUID | None = session.execute(_EARNING, {"id": request_id}).scalar()
    return found


_FILES = text(
    """SELECT id, name, content_type, size_bytes, created_at FROM stored_files
    WHERE subject_id = :id AND purpose = 'attachment' ORDER BY created_at, id"""
)


def files(session: Session, request_id: UUID) -> Sequence[paging.AnyRow]:
    """id, name, content_type, size_bytes, created_at of what is attached."""
    return session.execute(_FILES, {"id": request_id}).all()


def of_payee(
    session: Session,
    payee_id: UUID,
    *,
    organization_id: UUID | None = None,
    status: RequestStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """A payee's own requests with drafts, newest first; where each is: `reporting.money_map.places_of_requests`.

    id, organization_id, reference, invoice_number, amount_minor, approved_minor, currency, description, project,
    work_type, invoice_on, due_on, status, created_at, submitted_at, review_reason, version.
    """
    query: paging.AnySelect = select(
        R.id, R.organization_id, R.reference, R.invoice_number, R.amount_minor, R.approved_minor, R.currency,
        R.description, R.project, R.work_type, R.invoice_on, R.due_on, R.status, R.created_at, R.submitted_at,
        R.review_reason, R.version,
    ).where(R.payee_id == payee_id)  # fmt: skip
    if organization_id is not None:
        query = query.where(R.organization_id == organization_id)
    if status is not None:
        query = query.where(R.status == status)
    return paging.fetch(session, query, _KEYS[Sort.NEWEST], cursor, limit)


def imports(
    session: Session, organization_id: UUID, *, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, file_name, file_sha256, currency, status, summary, imported_by, created_at, finished_at; newest first."""
    query: paging.AnySelect = select(
        BillImport.id, BillImport.file_name, BillImport.file_sha256, BillImport.currency, BillImport.status,
        BillImport.summary, BillImport.imported_by, BillImport.created_at, BillImport.finished_at,
    ).where(BillImport.organization_id == organization_id)  # fmt: skip
    key = paging.Key((BillImport.created_at, BillImport.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)
