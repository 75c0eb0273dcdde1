"""The money map: every bill, credit, earning and payout of a payee with where its money is, and balances by payer.

The sentences are made once, in `rules`; whoever shows a bill or a payout reads them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select, text, tuple_, union_all
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.money import Money
from app.db import paging
from app.earnings.models import Earning, HoldReason
from app.methods.queries import usable_method_join, usable_method_parameters
from app.methods.rules import Blocked
from app.payables.models import PaymentRequest
from app.payables.states import RequestStatus
from app.payees.states import EngagementStatus
from app.payouts.models import Payout
from app.payouts.rules import payout_number
from app.payouts.states import HoldCode, PayoutStatus
from app.reporting.rules import (
    EarningFacts,
    PayoutFacts,
    Place,
    for_payee,
    place_of_earning,
    place_of_payout,
    place_of_request,
)
from app.tax.queries import form_missing


class Tab(StrEnum):
    """What a payee's list is narrowed to."""

    ALL = "all"
    BILLS = "bills"
    PAYOUTS = "payouts"
    CREDITS = "credits"


class Group(StrEnum):
    """Bills by what their writer is waiting for."""

    ALL = "all"
    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    REJECTED = "rejected"


_GROUPS: dict[Group, tuple[RequestStatus, ...]] = {
    Group.ALL: tuple(status for status in RequestStatus if status is not RequestStatus.CANCELLED),
    Group.DRAFT: (RequestStatus.DRAFT,),
    Group.REVIEW: (RequestStatus.SUBMITTED, RequestStatus.DISPUTED),
    Group.APPROVED: (RequestStatus.APPROVED,),
    Group.REJECTED: (RequestStatus.REJECTED, RequestStatus.CANCELLED),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a payee's list. `amount` is signed as the payee's balance sees it: a payout takes away.

    `kind` is bill, earning or payout, and `id` that thing's. `asked` is set where less was approved. `number`,
    `method_label` and `last4` belong to payouts.
    """

    kind: str
    id: UUID
    organization_id: UUID
    organization_name: str
    at: datetime
    on: date
    title: str
    reference: str
    amount: Money
    place: Place
    asked: Money | None = None
    number: str = ""
    origin: str = ""
    method_label: str = ""
    last4: str = ""


_NOT_SENT = (RequestStatus.DRAFT, RequestStatus.CANCELLED)


def lines(
    session: Session,
    payee_id: UUID,
    *,
    tab: Tab = Tab.ALL,
    organization_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page of `Line`s, newest first. Raises Invalid for a broken cursor."""
    branches = _branches(payee_id, tab, organization_id, cursor, limit)
    found = union_all(*branches).subquery()
    key = paging.Key((found.c.created_at, found.c.id), ("created_at", "id"))
    query: paging.AnySelect = select(found.c.id, found.c.created_at, found.c.kind)
    page = paging.fetch(session, query, key, cursor, limit)
    of_kind = {kind: [row.id for row in page.items if row.kind == kind] for kind in ("bill", "earning", "payout")}
    made: dict[UUID, Line] = {
        **_bill_lines(session, of_kind["bill"]),
        **_earning_lines(session, of_kind["earning"]),
        **_payout_lines(session, of_kind["payout"]),
    }
    return paging.Page([made[row.id] for row in page.items], page.next_cursor, page.previous_cursor)


def line(session: Session, kind: str, line_id: UUID) -> Line | None:
    """One line of the list; None outside the scope, and for a kind there is not."""
    made = {"bill": _bill_lines, "earning": _earning_lines, "payout": _payout_lines}[kind](session, [line_id])
    return made.get(line_id)


def _branches(
    payee_id: UUID, tab: Tab, organization_id: UUID | None, cursor: str | None, limit: int
) -> list[paging.AnySelect]:
    """The keys of each kind, newest first and no more than a page: three short index scans, then merged."""
    kinds: list[tuple[str, Any, list[ColumnElement[bool]]]] = []
    if tab is not Tab.PAYOUTS:
        sign = PaymentRequest.amount_minor < 0 if tab is Tab.CREDITS else PaymentRequest.amount_minor > 0
        narrowed = [] if tab is Tab.ALL else [sign]
        kinds.append(("bill", PaymentRequest, [PaymentRequest.status.not_in(_NOT_SENT), *narrowed]))
        sign = Earning.amount_minor < 0 if tab is Tab.CREDITS else Earning.amount_minor > 0
        narrowed = [] if tab is Tab.ALL else [sign]
        kinds.append(("earning", Earning, [Earning.source_kind != "payment_request", *narrowed]))
    if tab in (Tab.ALL, Tab.PAYOUTS):
        kinds.append(("payout", Payout, []))
    direction, mark = _mark(cursor)
    branches: list[paging.AnySelect] = []
    for kind, model, conditions in kinds:
        here = tuple_(model.created_at, model.id)
        query = select(model.id, model.created_at, literal(kind).label("kind")).where(
            model.payee_id == payee_id, *conditions
        )
        if organization_id is not None:
            query = query.where(model.organization_id == organization_id)
        if mark is not None:
            there = tuple_(literal(mark[0], model.created_at.type), literal(mark[1], model.id.type))
            query = query.where(here < there if direction == "n" else here > there)
        order = (
            (model.created_at.desc(), model.id.desc()) if direction == "n" else (model.created_at.asc(), model.id.asc())
        )
        # limit + 1: as `fetch` asks for, to know whether there is more
        narrow = query.order_by(*order).limit(min(limit, paging.MAX_LIMIT) + 1).subquery()
        branches.append(select(narrow.c.id, narrow.c.created_at, narrow.c.kind))
    return branches


def _mark(cursor: str | None) -> tuple[str, tuple[datetime, UUID] | None]:
    if not cursor:
        return "n", None
    direction, values = paging.decode(cursor, 2)
    try:
        return direction, (datetime.fromisoformat(values[0]), UUID(values[1]))
    except (ValueError, TypeError, AttributeError):
        raise Invalid("This page link is not valid any more. Start from the first page.") from None


# Where the parts of earning `e` sit: `h` held, `q` ready, `p` the newest payout on its way, else the newest of all.
_PARTS = f"""LEFT JOIN held_earnings h ON h.earning_id = e.id
    LEFT JOIN ready_earnings q ON q.earning_id = e.id
    LEFT JOIN LATERAL (
        SELECT x.id, x.status, x.hold_code, x.hold_note, x.expected_on, x.paid_at, x.failure_message, x.failure_cure,
            x.waiting_message, x.waiting_cure
        FROM payout_items i JOIN payouts x ON x.id = i.payout_id WHERE i.earning_id = e.id
        ORDER BY (x.status IN ('pending', 'approved', 'on_hold', 'processing')) DESC, x.id DESC LIMIT 1
    ) p ON true
    JOIN engagements g ON g.organization_id = r.organization_id AND g.payee_id = r.payee_id
    {usable_method_join("r.payee_id", "r.currency")}"""
_FACTS = f"""h.reason AS hold_reason, h.available_at, q.amount_minor AS ready_minor, e.amount_minor AS earned_minor,
    p.id AS payout_id, p.status AS payout_status, p.hold_code, p.hold_note, p.expected_on, p.paid_at,
    p.failure_message, p.failure_cure, p.waiting_message, p.waiting_cure,
    m.blocked, m.usable_from_at, g.status AS standing, g.status_reason,
    q.earning_id IS NOT NULL AND {form_missing("r.organization_id", "r.payee_id", "r.currency")} AS tax_form_missing"""
_BILLS = text(
    f"""SELECT r.id, r.organization_id, o.name AS organization_name, r.created_at, r.invoice_on, r.description,
        r.reference, r.invoice_number, r.amount_minor, r.approved_minor, r.currency, r.status, r.review_reason,
        r.payee_id, r.project, r.category, r.work_type, r.due_on, r.submitted_at, r.reviewed_at, r.reviewed_by,
        r.version, e.id AS earning_id, {_FACTS}
    FROM payment_requests r JOIN organizations o ON o.id = r.organization_id
    LEFT JOIN LATERAL (
        SELECT x.id, x.amount_minor FROM earnings x
        WHERE x.organization_id = r.organization_id AND x.source_kind = 'payment_request' AND x.source_id = r.id
            AND x.source_round = r.round
    ) e ON true
    {_PARTS} WHERE r.id = ANY(:ids)"""
)
_EARNINGS = text(
    f"""SELECT r.id, r.organization_id, o.name AS organization_name, r.created_at, r.earned_on, r.description,
        r.reference, r.amount_minor, r.currency, {_FACTS}
    FROM earnings r JOIN organizations o ON o.id = r.organization_id JOIN earnings e ON e.id = r.id
    {_PARTS} WHERE r.id = ANY(:ids)"""
)


def _rows(session: Session, sql: Any, ids: Sequence[UUID]) -> Sequence[paging.AnyRow]:
    if not ids:
        return ()
    return session.execute(sql, {"ids": list(ids), **usable_method_parameters()}).all()


def _facts(row: Any) -> EarningFacts:
    payout = None
    if row.payout_id is not None:
        payout = PayoutFacts(
            row.payout_id,
            PayoutStatus(row.payout_status),
            HoldCode(row.hold_code) if row.hold_code else None,
            row.hold_note,
            row.expected_on,
            row.paid_at,
            row.failure_message,
            row.failure_cure,
            row.waiting_message,
            row.waiting_cure,
        )
    return EarningFacts(
        hold_reason=HoldReason(row.hold_reason) if row.hold_reason else None,
        available_at=row.available_at,
        ready_minor=row.ready_minor,
        payout=payout,
        blocked=Blocked(row.blocked) if row.blocked else None,
        usable_from_at=row.usable_from_at,
        negative=row.earned_minor < 0,
        standing=EngagementStatus(row.standing),
        standing_reason=row.status_reason or "",
        tax_form_missing=row.tax_form_missing,
    )


def place_of_bill(row: Any) -> Place:
    """Where a bill is, said to its payee; `row` as `bill` gives it."""
    return for_payee(_place_of_bill(row))


def _place_of_bill(row: Any) -> Place:
    earning = _facts(row) if row.earning_id is not None else None
    return place_of_request(RequestStatus(row.status), row.organization_name, row.review_reason, earning)


def places_of_requests(session: Session, request_ids: Sequence[UUID]) -> dict[UUID, Place]:
    """Where each bill is, said to staff; those outside the scope are left out."""
    return {row.id: _place_of_bill(row) for row in _rows(session, _BILLS, request_ids)}


def bills(
    session: Session,
    payee_id: UUID,
    *,
    group: Group = Group.ALL,
    organization_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
    to_payee: bool = True,
) -> paging.Page:
    """One page of a payee's bills as `Line`s, drafts too, newest first. `to_payee`: whether the payee reads them.

    Raises Invalid for a broken cursor.
    """
    query: paging.AnySelect = select(PaymentRequest.id, PaymentRequest.created_at).where(
        PaymentRequest.payee_id == payee_id, PaymentRequest.status.in_(_GROUPS[group])
    )
    if organization_id is not None:
        query = query.where(PaymentRequest.organization_id == organization_id)
    key = paging.Key((PaymentRequest.created_at, PaymentRequest.id), ("created_at", "id"))
    page = paging.fetch(session, query, key, cursor, limit)
    made = _bill_lines(session, [row.id for row in page.items], to_payee)
    return paging.Page([made[row.id] for row in page.items], page.next_cursor, page.previous_cursor)


def bill(session: Session, request_id: UUID) -> Any | None:
    """One bill with everything known of it and of its money; None outside the scope. `place_of_bill` reads it."""
    return next(iter(_rows(session, _BILLS, [request_id])), None)


def asked(row: Any) -> Money:
    return Money(row.amount_minor, row.currency)


def agreed(row: Any) -> Money | None:
    return None if row.approved_minor is None else Money(row.approved_minor, row.currency)


def _bill_lines(session: Session, ids: Sequence[UUID], to_payee: bool = True) -> dict[UUID, Line]:
    made = {}
    for row in _rows(session, _BILLS, ids):
        wanted = asked(row)
        amount = agreed(row) or wanted
        made[row.id] = Line(
            "bill",
            row.id,
            row.organization_id,
            row.organization_name,
            row.created_at,
            row.invoice_on,
            row.description,
            row.invoice_number or row.reference,
            amount,
            place_of_bill(row) if to_payee else _place_of_bill(row),
            asked=wanted if wanted != amount else None,
        )
    return made


def _earning_lines(session: Session, ids: Sequence[UUID]) -> dict[UUID, Line]:
    return {
        row.id: Line(
            "earning",
            row.id,
            row.organization_id,
            row.organization_name,
            row.created_at,
            row.earned_on,
            row.description,
            row.reference or "",
            Money(row.amount_minor, row.currency),
            for_payee(place_of_earning(_facts(row))),
        )
        for row in _rows(session, _EARNINGS, ids)
    }


_PAYOUTS = text(
    """SELECT p.id, p.organization_id, o.name AS organization_name, p.created_at, p.amount_minor, p.currency, p.origin,
        p.reason, p.status, p.hold_code, p.hold_note, p.expected_on, p.paid_at, p.failure_message, p.failure_cure,
        p.waiting_message, p.waiting_cure,
        m.label AS method_label, m.last4
    FROM payouts p JOIN organizations o ON o.id = p.organization_id JOIN methods m ON m.id = p.method_id
    WHERE p.id = ANY(:ids)"""
)


def payout_facts(row: Any) -> PayoutFacts:
    """From a row with a payout's `id` and `status`, as `app.payouts.queries.payout` gives."""
    return PayoutFacts(
        row.id,
        PayoutStatus(row.status),
        HoldCode(row.hold_code) if row.hold_code else None,
        row.hold_note,
        row.expected_on,
        row.paid_at,
        row.failure_message,
        row.failure_cure,
        row.waiting_message,
        row.waiting_cure,
    )


def _payout_lines(session: Session, ids: Sequence[UUID]) -> dict[UUID, Line]:
    return {
        row.id: Line(
            "payout",
            row.id,
            row.organization_id,
            row.organization_name,
            row.created_at,
            row.created_at.date(),
            row.reason or "",
            payout_number(row.id),
            Money(-row.amount_minor, row.currency),
            place_of_payout(payout_facts(row)),
            number=payout_number(row.id),
            origin=row.origin,
            method_label=row.method_label,
            last4=row.last4,
        )
        for row in (session.execute(_PAYOUTS, {"ids": list(ids)}).all() if ids else ())
    }
