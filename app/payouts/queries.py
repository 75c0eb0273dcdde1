"""Reads for payout pages: columns, not entities; keyset pages; capped counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, ColumnElement, Uuid, cast, func, select, text
from sqlalchemy.orm import Session, aliased

from app.db.paging import AnySelect, Key, Page, capped_count, fetch
from app.methods.models import Method
from app.organizations.models import Organization
from app.payees.models import Payee
from app.payees.queries import matching
from app.payees.states import PayeeKind
from app.payouts.models import Attempt, Batch, Export, Payout
from app.payouts.states import PayoutStatus

OPEN = (PayoutStatus.PENDING, PayoutStatus.APPROVED, PayoutStatus.ON_HOLD)


@dataclass(frozen=True, slots=True)
class PayoutFilter:
    """What a list of payouts is narrowed to; None and empty mean "any". Dates are whole days in `zone`.

    `single`: those outside batches. `signed_once`: those that wait for a second person. `own`: False leaves out what
    organizations are paid themselves.
    """

    statuses: tuple[PayoutStatus, ...] = ()
    organization_id: UUID | None = None
    payee_id: UUID | None = None
    batch_id: UUID | None = None
    rail: str | None = None
    currency: str | None = None
    search: str = ""
    start: date | None = None
    end: date | None = None
    minimum_minor: int | None = None
    zone: str = "UTC"
    single: bool = False
    signed_once: bool = False
    own: bool = True
    kind: PayeeKind | None = None
    found_payees: tuple[UUID, ...] | None = None  # what `search` found, once it was looked up


def _base() -> AnySelect:
    return (
        select(
            Payout.id,
            Payout.organization_id,
            Organization.name.label("organization_name"),
            Organization.slug.label("organization_slug"),
            Payout.payee_id,
            Payee.name.label("payee_name"),
            Payee.kind.label("payee_kind"),
            Payee.own_organization_id.is_not(None).label("own"),
            Payout.amount_minor,
            Payout.currency,
            Payout.rail,
            Method.label.label("method_label"),
            Method.last4,
            Payout.status.label("status"),
            Payout.hold_code,
            Payout.hold_note,
            Payout.origin,
            Payout.reason,
            Payout.period_start,
            Payout.period_end,
            Payout.batch_id,
            Batch.number.label("batch_number"),
            Batch.approved_at.label("batch_approved_at"),
            Batch.started_at.label("batch_started_at"),
            Payout.simulated,
            Payout.funded,
            Payout.expected_on,
            Payout.failure_code,
            Payout.failure_message,
            Payout.failure_cure,
            Payout.waiting_message,
            Payout.waiting_cure,
            Payout.created_at,
            Payout.status_at,
            Payout.paid_at,
            Payout.requested_by,
            Payout.requested_by_account_id,
        )
        .join(Payee, Payee.id == Payout.payee_id)
        .join(Organization, Organization.id == Payout.organization_id)
        .join(Method, Method.id == Payout.method_id)
        .outerjoin(Batch, Batch.id == Payout.batch_id)
    )


def _day(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def looked_up(session: Session, chosen: PayoutFilter) -> PayoutFilter:
    """The same filter with its search done, for whoever runs several queries with it."""
    if not chosen.search.strip() or chosen.found_payees is not None:
        return chosen
    found = session.execute(matching(chosen.search)).scalars()
    return replace(chosen, found_payees=tuple(found))


def narrow(session: Session, query: AnySelect, chosen: PayoutFilter) -> AnySelect:
    """`query` over payouts, cut down to what `chosen` says."""
    chosen = looked_up(session, chosen)
    if chosen.statuses:
        query = query.where(Payout.status.in_(chosen.statuses))
    for column, value in (
        (Payout.organization_id, chosen.organization_id),
        (Payout.payee_id, chosen.payee_id),
        (Payout.batch_id, chosen.batch_id),
        (Payout.rail, chosen.rail),
        (Payout.currency, chosen.currency),
    ):
        if value:
            query = query.where(column == value)
    if chosen.found_payees is not None:
        query = query.where(Payout.payee_id == func.any(cast(list(chosen.found_payees), ARRAY(Uuid))))
    if chosen.start:
        query = query.where(Payout.created_at >= _day(chosen.start, chosen.zone))
    if chosen.end:
        query = query.where(Payout.created_at < _day(chosen.end + timedelta(days=1), chosen.zone))
    if chosen.single:
        query = query.where(Payout.batch_id.is_(None))
    if chosen.signed_once:
        query = query.where(Payout.first_approved_at.is_not(None))
    if not chosen.own:
        query = query.where(not_own())
    if chosen.kind:
        query = query.where(_of_kind(chosen.kind))
    if chosen.minimum_minor is not None:
        query = query.where(Payout.amount_minor >= chosen.minimum_minor)
    return query


def _of_kind(kind: PayeeKind) -> ColumnElement[bool]:
    payee = aliased(Payee)
    return select(payee.id).where(payee.id == Payout.payee_id, payee.kind == kind).exists()


def not_own() -> ColumnElement[bool]:
    """Of a payout: its payee is not an organization that is paid what it earned itself."""
    payee = aliased(Payee)
    own = select(payee.id).where(payee.id == Payout.payee_id, payee.own_organization_id.is_not(None))
    return ~own.exists()


_NEWEST = Key((Payout.created_at, Payout.id), ("created_at", "id"))
_IN_BATCH = Key((Payout.id,), ("id",))  # planned at the same moment; the index of a batch is by id


def payouts(
    session: Session, chosen: PayoutFilter, cursor: str | None = None, limit: int = 50, *, skip: int = 0
) -> Page:
    """One page of payouts, newest first. `skip`: rows left out before it, for callers that count."""
    key = _IN_BATCH if chosen.batch_id else _NEWEST
    return fetch(session, narrow(session, _base(), chosen), key, cursor, limit, skip=skip)


def count(session: Session, chosen: PayoutFilter) -> int:
    """How many, counted to 1,001 at most."""
    return capped_count(session, narrow(session, select(Payout.id), chosen))


def approvals(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """Payout → (account_id, approved_by, created_at) of those whose approval was given, oldest first."""
    rows = session.execute(
        text(
            """SELECT payout_id, account_id, approved_by, created_at FROM payout_approvals
            WHERE payout_id = ANY(:ids) ORDER BY created_at, id"""
        ),
        {"ids": list(ids)},
    )
    result: dict[UUID, list[Any]] = {}
    for row in rows:
        result.setdefault(row.payout_id, []).append(row)
    return result


def payout(session: Session, payout_id: UUID) -> Any | None:
    """One payout as in the list, or None."""
    return session.execute(_base().where(Payout.id == payout_id)).one_or_none()


def payouts_by_id(session: Session, ids: Sequence[UUID]) -> Sequence[Any]:
    """These payouts as in the list, newest first."""
    query = _base().where(Payout.id.in_(ids)).order_by(Payout.created_at.desc(), Payout.id.desc())
    return session.execute(query).all()


def items(session: Session, payout_id: UUID, limit: int = 1000) -> Sequence[Any]:
    """earning_id, description, reference, earned_on, kind, amount_minor (the part), whole_minor; oldest first."""
    return session.execute(
        text(
            """SELECT i.earning_id, e.description, e.reference, e.earned_on, e.kind, i.amount_minor,
                e.amount_minor AS whole_minor, e.source_kind, e.source_id
            FROM payout_items i JOIN earnings e ON e.id = i.earning_id
            WHERE i.payout_id = :id ORDER BY e.earned_on, e.id LIMIT :limit"""
        ),
        {"id": payout_id, "limit": limit},
    ).all()


def payout_of(session: Session, key: str) -> UUID | None:
    """The payout an attempt's key is of."""
    found: UUID | None = session.scalar(select(Attempt.payout_id).where(Attempt.key == key))
    return found


def attempts(session: Session, payout_id: UUID) -> Sequence[Any]:
    return session.execute(
        text(
            """SELECT a.number, a.rail, a.key, a.status, a.rail_reference, a.error_code, a.error_message, a.created_at,
                a.answered_at, a.settled_at, a.evidence, a.export_id, e.number AS export_number
            FROM payout_attempts a LEFT JOIN payout_exports e ON e.id = a.export_id
            WHERE a.payout_id = :id ORDER BY a.number DESC"""
        ),
        {"id": payout_id},
    ).all()


_BATCHES = select(
    Batch.id,
    Batch.number,
    Batch.title,
    Batch.status.label("status"),
    Batch.organization_id,
    Organization.name.label("organization_name"),
    Organization.slug.label("organization_slug"),
    Batch.created_by,
    Batch.submitted_by,
    Batch.approved_by,
    Batch.created_at,
).join(Organization, Organization.id == Batch.organization_id)


def batches(
    session: Session,
    organization_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 25,
    *,
    own: bool | None = None,
) -> Page:
    """One page of batches, newest first; totals come from `batch_totals`. `own`: of what organizations earned alone;
    False leaves those out."""
    query = _BATCHES if organization_id is None else _BATCHES.where(Batch.organization_id == organization_id)
    if own is not None:
        query = query.where(Batch.own.is_(own))
    return fetch(session, query, Key((Batch.created_at, Batch.id), ("created_at", "id")), cursor, limit)


def batch_totals(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """Batch → rows (currency, payouts, amount_minor)."""
    rows = session.execute(
        text(
            """SELECT batch_id, currency, count(*) AS payouts, CAST(sum(amount_minor) AS bigint) AS amount_minor
            FROM payouts WHERE batch_id = ANY(:ids) GROUP BY batch_id, currency ORDER BY currency"""
        ),
        {"ids": list(ids)},
    )
    result: dict[UUID, list[Any]] = {}
    for row in rows:
        result.setdefault(row.batch_id, []).append(row)
    return result


@dataclass(frozen=True, slots=True)
class Progress:
    """Payouts of a batch by where they are: `paid`, `sent` (with the rail), `failed` (incl. returned), `waiting` (on
    hold), `queued` (not sent yet), `over` (rejected, cancelled)."""

    paid: int
    sent: int
    failed: int
    waiting: int
    queued: int
    over: int

    @property
    def total(self) -> int:
        return self.paid + self.sent + self.failed + self.waiting + self.queued + self.over

    @property
    def handed(self) -> int:
        return self.paid + self.sent + self.failed


_PROGRESS = """count(*) FILTER (WHERE status = 'paid') AS paid,
    count(*) FILTER (WHERE status = 'processing') AS sent,
    count(*) FILTER (WHERE status IN ('failed', 'returned')) AS failed,
    count(*) FILTER (WHERE status = 'on_hold') AS waiting,
    count(*) FILTER (WHERE status IN ('pending', 'approved')) AS queued,
    count(*) FILTER (WHERE status IN ('rejected', 'cancelled')) AS over"""


def batch_progress(session: Session, batch_id: UUID) -> Progress:
    row = session.execute(text(f"SELECT {_PROGRESS} FROM payouts WHERE batch_id = :id"), {"id": batch_id}).one()
    return Progress(row.paid, row.sent, row.failed, row.waiting, row.queued, row.over)


def batch_rails(session: Session, batch_id: UUID) -> Sequence[Any]:
    """Per rail and currency: the counts of `Progress`, payouts and amount_minor; short and short_minor: what waits for
    funds; failed_minor."""
    return session.execute(
        text(
            f"""SELECT rail, currency, {_PROGRESS}, count(*) AS payouts,
                CAST(sum(amount_minor) AS bigint) AS amount_minor,
                count(*) FILTER (WHERE hold_code = 'awaiting_funds') AS short,
                CAST(coalesce(sum(amount_minor) FILTER (WHERE hold_code = 'awaiting_funds'), 0) AS bigint)
                    AS short_minor,
                CAST(coalesce(sum(amount_minor) FILTER (WHERE status IN ('failed', 'returned')), 0) AS bigint)
                    AS failed_minor
            FROM payouts WHERE batch_id = :id GROUP BY rail, currency ORDER BY currency, rail"""
        ),
        {"id": batch_id},
    ).all()


_EXPORTS = select(
    Export.id,
    Export.number,
    Export.rail,
    Export.currency,
    Export.line_count,
    Export.total_minor,
    Export.file_sha256,
    Export.status.label("status"),
    Export.batch_id,
    Export.organization_id,
    Organization.name.label("organization_name"),
    Organization.slug.label("organization_slug"),
    Export.made_by,
    Export.made_by_account_id,
    Export.format,
    Export.remarks,
    Export.format_by,
    Export.format_by_account_id,
    Export.released_by,
    Export.released_at,
    Export.created_at,
).join(Organization, Organization.id == Export.organization_id)


def exports(session: Session, *, batch_id: UUID | None = None, cursor: str | None = None, limit: int = 25) -> Page:
    query = _EXPORTS if batch_id is None else _EXPORTS.where(Export.batch_id == batch_id)
    return fetch(session, query, Key((Export.created_at, Export.id), ("created_at", "id")), cursor, limit)


def export(session: Session, export_id: UUID) -> Any | None:
    return session.execute(_EXPORTS.where(Export.id == export_id)).one_or_none()


def export_payouts(session: Session, export_id: UUID) -> Sequence[Any]:
    """The lines as staff may see them: payee, amount, masked destination, check number, state."""
    return session.execute(
        text(
            """SELECT p.id, y.name AS payee_name, p.amount_minor, p.currency, p.status, m.label AS method_label,
                m.last4, a.rail_reference, a.status AS attempt_status
            FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id
            JOIN methods m ON m.id = p.method_id WHERE a.export_id = :id ORDER BY p.id LIMIT 5000"""
        ),
        {"id": export_id},
    ).all()
