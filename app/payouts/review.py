"""Reads for the people who decide about payouts: what waits, who has signed, and what each reader may do next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.money import Money
from app.db.paging import CAP, AnyRow, AnySelect, Key, Page, fetch
from app.methods.models import Method
from app.organizations.models import FundsPolicy, Organization
from app.payees.models import Payee
from app.payouts import content, destinations, recalls, verdicts
from app.payouts.models import Approval, Attempt, Batch, Payout
from app.payouts.queries import PayoutFilter, looked_up, narrow
from app.payouts.rules import approvals_needed, may_approve, payout_number
from app.payouts.states import HoldCode, PayoutStatus
from app.rails import registry

P = PayoutStatus
# The views of the queue, in the order people work through them.
VIEWS: dict[str, PayoutFilter] = {
    "open": PayoutFilter(statuses=(P.PENDING,)),
    "second": PayoutFilter(statuses=(P.PENDING,), signed_once=True),
    "approved": PayoutFilter(statuses=(P.APPROVED,)),
    "on_hold": PayoutFilter(statuses=(P.ON_HOLD,)),
    "processing": PayoutFilter(statuses=(P.PROCESSING,)),
    "failed": PayoutFilter(statuses=(P.FAILED, P.RETURNED)),
    "done": PayoutFilter(statuses=(P.PAID, P.REJECTED, P.CANCELLED)),
}
FINISHED = "done"  # grows for ever: shown without a count
FILTERED_CAP = 200
WITH_FUNDS = "It waits for the organization's funds and goes on by itself when they arrive."
_BY_ITSELF = {
    HoldCode.AWAITING_FUNDS: WITH_FUNDS,
    HoldCode.SUSPENDED: "The engagement is suspended; the payout comes back for approval once that ends.",
}


def in_view(view: str, chosen: PayoutFilter) -> PayoutFilter:
    """The same filter within one view of the queue."""
    return replace(chosen, statuses=VIEWS[view].statuses, signed_once=VIEWS[view].signed_once)


def count_cap(chosen: PayoutFilter) -> int:
    """How far views are counted: what a filter leaves is read row by row, so not as far as whole views."""
    whole = PayoutFilter(chosen.statuses, signed_once=chosen.signed_once, zone=chosen.zone)
    return CAP if chosen == whole else FILTERED_CAP


def view_counts(session: Session, chosen: PayoutFilter) -> dict[str, int]:
    """How many payouts each view but the finished ones holds, counted to `count_cap` + 1 at most."""
    cap = count_cap(chosen)
    chosen = looked_up(session, chosen)
    if chosen.found_payees is not None:
        few = _counts_of_few(session, chosen)
        if few is not None:
            return few
    parts = []
    for view in VIEWS:
        if view == FINISHED:
            continue
        found = narrow(session, select(Payout.id), in_view(view, chosen)).limit(cap + 1).subquery()
        parts.append(select(func.count()).select_from(found).scalar_subquery().label(view))
    return dict(session.execute(select(*parts)).one()._mapping)


def _counts_of_few(session: Session, chosen: PayoutFilter) -> dict[str, int] | None:
    """The payouts of some payees read once for all views; None when they are too many for that."""
    most = len(VIEWS) * CAP
    signed = Payout.first_approved_at.is_not(None).label("signed")
    columns: AnySelect = select(Payout.status.label("status"), signed)
    everything = replace(chosen, statuses=(), signed_once=False)
    found = narrow(session, columns, everything).limit(most).subquery()
    rows = session.execute(
        select(found.c.status, found.c.signed, func.count().label("payouts")).group_by(found.c.status, found.c.signed)
    ).all()
    if sum(row.payouts for row in rows) == most:
        return None
    return {
        view: sum(row.payouts for row in rows if row.status in of.statuses and (row.signed or not of.signed_once))
        for view, of in VIEWS.items()
        if view != FINISHED
    }


@dataclass(frozen=True, slots=True)
class Totals:
    """`sums` per currency, empty when there are more payouts than were counted (`count` is above `CAP` then)."""

    count: int
    sums: Sequence[Money] = ()


def totals(session: Session, chosen: PayoutFilter) -> Totals:
    """Count and sums of what a filter finds; never added across currencies, and never over more than 1,001 rows."""
    amounts: AnySelect = select(Payout.currency, Payout.amount_minor)
    query = narrow(session, amounts, chosen).limit(CAP + 1).subquery()
    rows = session.execute(
        select(query.c.currency, func.count().label("payouts"), func.sum(query.c.amount_minor).label("amount_minor"))
        .group_by(query.c.currency)
        .order_by(query.c.currency)
    ).all()
    count = sum(row.payouts for row in rows)
    return Totals(count, [Money(int(row.amount_minor), row.currency) for row in rows] if count <= CAP else [])


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's yes that still covers the payout as it is."""

    account_id: UUID
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A payout as one reader sees it. `choices`: what can be done next → why this reader may not, "" when they may.

    `shared`: how many other payees are paid at the same destination, a mistake or a fraud.
    """

    row: AnyRow
    signatures: Sequence[Signature] = ()
    needed: int = 1
    choices: Mapping[str, str] = field(default_factory=dict)
    shared: int = 0

    @property
    def id(self) -> UUID:
        return self.row.id  # type: ignore[no-any-return]

    @property
    def number(self) -> str:
        return payout_number(self.row.id)

    @property
    def amount(self) -> Money:
        return Money(self.row.amount_minor, self.row.currency)

    @property
    def state(self) -> str:
        """The word of the vocabulary."""
        return "needs_second" if self.row.status is P.PENDING and self.signatures else self.row.status.value

    @property
    def rail_label(self) -> str:
        return registry.rail(self.row.rail).label

    def why_not(self, action: str) -> str | None:
        """The reason against `action` for this reader, "" when there is none, None when it is not offered at all."""
        return self.choices.get(action)


def lines(session: Session, rows: Sequence[AnyRow], account_id: UUID | None) -> list[ReviewLine]:
    """What `queries.payouts` found, as this account reads it."""
    signed = signatures(session, [row.id for row in rows if row.status is P.PENDING])
    limits = _limits(session, {row.organization_id for row in rows})
    shared = destinations.shared(session, [row.id for row in rows])
    return [
        ReviewLine(
            row,
            signed.get(row.id, ()),
            approvals_needed(row.amount_minor, row.currency, limits.get((row.organization_id, row.currency))),
            choices(row, account_id, [signature.account_id for signature in signed.get(row.id, ())]),
            shared.get(row.id, 0),
        )
        for row in rows
    ]


def signatures(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Signature]]:
    """Payout → approvals that fit its present content, oldest first."""
    if not ids:
        return {}
    rows = session.execute(
        select(
            Approval.payout_id, Approval.account_id, Approval.approved_by, Approval.created_at, Approval.content_sha256
        )
        .where(Approval.payout_id.in_(ids))
        .order_by(Approval.created_at, Approval.id)
    ).all()
    now = content.hashes(session, list({row.payout_id for row in rows})) if rows else {}
    found: dict[UUID, list[Signature]] = {}
    for row in rows:
        if now.get(row.payout_id) == row.content_sha256:
            found.setdefault(row.payout_id, []).append(Signature(row.account_id, row.approved_by, row.created_at))
    return found


def _limits(session: Session, organization_ids: Collection[UUID]) -> dict[tuple[UUID, str], int | None]:
    query = select(FundsPolicy.organization_id, FundsPolicy.currency, FundsPolicy.second_approval_minor).where(
        FundsPolicy.organization_id.in_(organization_ids)
    )
    return {(row.organization_id, row.currency): row.second_approval_minor for row in session.execute(query)}


def choices(row: Any, account_id: UUID | None, signed_by: Collection[UUID]) -> dict[str, str]:
    """What can be done with a payout in its state → why this account may not, "" when it may. Pure.

    The services decide again; this is what the page offers and explains beforehand.
    """
    found: dict[str, str] = {}
    exports = registry.rail(row.rail).exports
    match row.status:
        case P.PENDING:
            in_review = row.batch_id is not None and row.batch_approved_at is None
            alone = f"It belongs to batch {row.batch_number}; approve the batch." if in_review else None
            found["approve"] = alone or may_approve(account_id, row.requested_by_account_id, signed_by) or ""
            found |= {"hold": "", "reject": "", "cancel": ""}
        case P.APPROVED:
            waits = row.batch_id is not None and row.batch_started_at is None
            found["send"] = f"It goes out with batch {row.batch_number}; run the batch." if waits else ""
            found |= {"hold": "", "cancel": ""}
        case P.ON_HOLD:
            found["release"] = _BY_ITSELF.get(row.hold_code, "")
            found |= {"reject": "", "cancel": ""}
        case P.FAILED | P.RETURNED:
            found["retry"] = ""
        case P.PROCESSING | P.PAID if recalls.possible(row.rail, row.status, row.waiting_message):
            found["recall"] = ""
        case P.PROCESSING if verdicts.possible(row.rail, row.status, row.status_at.date()):
            found["settle"] = ""
        case P.PROCESSING | P.PAID if exports:
            found["settle"] = ""
    return found


def batch(session: Session, batch_id: UUID) -> AnyRow:
    """One batch with its organization and its people. Raises NotFound."""
    found = session.execute(
        select(
            Batch.id,
            Batch.number,
            Batch.title,
            Batch.status.label("status"),
            Batch.currency,
            Batch.rail,
            Batch.own,
            Batch.organization_id,
            Organization.name.label("organization_name"),
            Organization.slug.label("organization_slug"),
            Batch.created_by,
            Batch.created_by_account_id,
            Batch.created_at,
            Batch.submitted_by,
            Batch.submitted_by_account_id,
            Batch.submitted_at,
            Batch.approved_by,
            Batch.approved_at,
            Batch.started_by,
            Batch.started_at,
            Batch.finished_at,
        )
        .join(Organization, Organization.id == Batch.organization_id)
        .where(Batch.id == batch_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such batch.")
    return found


def export_lines(session: Session, export_id: UUID, cursor: str | None = None, limit: int = 50) -> Page:
    """The lines of an export as staff may see them, in the order of the file.

    id, payee_id, payee_name, amount_minor, currency, status, method_label, last4, rail_reference (a check's number),
    attempt_status, error_code, evidence.
    """
    query: AnySelect = (
        select(
            Payout.id,
            Payout.payee_id,
            Payee.name.label("payee_name"),
            Payout.amount_minor,
            Payout.currency,
            Payout.status.label("status"),
            Method.label.label("method_label"),
            Method.last4,
            Attempt.rail_reference,
            Attempt.status.label("attempt_status"),
            Attempt.error_code,
            Attempt.evidence,
        )
        .join(Attempt, Attempt.payout_id == Payout.id)
        .join(Payee, Payee.id == Payout.payee_id)
        .join(Method, Method.id == Payout.method_id)
        .where(Attempt.export_id == export_id)
    )
    return fetch(session, query, Key((Payout.id,), ("id",), descending=False), cursor, limit)


_READY = text(
    """SELECT o.slug, o.name, r.currency, r.lines, r.amount_minor FROM (
        SELECT organization_id, currency, count(*) AS lines, CAST(sum(amount_minor) AS bigint) AS amount_minor
        FROM ready_earnings GROUP BY organization_id, currency
    ) r JOIN organizations o ON o.id = r.organization_id ORDER BY o.name, o.id, r.currency LIMIT 200"""
)


def ready(session: Session) -> Sequence[AnyRow]:
    """slug, name, currency, lines, amount_minor: what each organization could be paid out for now."""
    return session.execute(_READY).all()


def in_files(*more: Any) -> AnySelect:
    """What files say of payouts: id, payee_id, payee_name, payee_email, amount_minor, currency, rail, status, and
    `more`."""
    return (
        select(
            Payout.id,
            Payout.payee_id,
            Payee.name.label("payee_name"),
            Payee.email.label("payee_email"),
            Payout.amount_minor,
            Payout.currency,
            Payout.rail,
            Payout.status.label("status"),
            *more,
        )
        .join(Payee, Payee.id == Payout.payee_id)
        .join(Method, Method.id == Payout.method_id)
    )


def all_payouts(session: Session, chosen: PayoutFilter) -> Iterator[AnyRow]:
    """Every payout a filter finds, newest first, read as it is taken: for files. Destinations stay masked.

    The columns of `in_files`, with last4 and created_at.
    """
    query = in_files(Method.last4, Payout.created_at)
    found = narrow(session, query, chosen).order_by(Payout.created_at.desc(), Payout.id.desc())
    yield from session.execute(found.execution_options(yield_per=1000))
