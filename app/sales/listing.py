"""Reads of the organization's pages: filtered orders, one with its money, codes and stores. Minor units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, and_, func, literal_column, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import paging
from app.db.paging import AnyRow, AnySelect
from app.earnings.models import Earning
from app.earnings.queries import STATES
from app.payees.models import Engagement, Payee
from app.sales.commissions import SOURCE
from app.sales.models import DiscountCode, Order, OrderChange, Store
from app.sales.states import Commission, OrderSource, OrderStatus

CLAIMABLE = (Commission.UNKNOWN_CODE, Commission.NOT_ACTIVE)
# Written out, so that the planner sees that ix_orders_open holds exactly these.
OPEN = literal_column("orders.commission IN ('unknown_code', 'not_active', 'self_referral')", Boolean)
_ORDER: tuple[Any, ...] = (
    Order.id, Order.organization_id, Order.payee_id, Order.source, Order.number, Order.external_id, Order.code,
    Order.discount_code_id, Order.currency, Order.basis_minor, Order.total_minor, Order.refunded_minor,
    Order.ordered_at, Order.status, Order.commission, Order.commission_bps, Order.reason, Order.created_at,
)  # fmt: skip
_NEWEST = paging.Key((Order.ordered_at, Order.id), ("ordered_at", "id"))
_ITS_EARNING = and_(
    Earning.organization_id == Order.organization_id,
    Earning.source_kind == SOURCE,
    Earning.source_id == Order.id,
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which orders of an organization; empty: any. `code` in any case; `search`: a code, or an order's number or id."""

    status: OrderStatus | None = None
    commission: Commission | None = None
    source: OrderSource | None = None
    claimable: bool = False
    payee_id: UUID | None = None
    code: str = ""
    search: str = ""
    since: date | None = None
    until: date | None = None  # the last day, both in UTC


def orders(
    session: Session,
    organization_id: UUID,
    filters: Filters | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """The columns of an order and payee_name; newest order first."""
    query: AnySelect = (
        select(*_ORDER, Payee.name.label("payee_name"))
        .outerjoin(Payee, Payee.id == Order.payee_id)
        .where(Order.organization_id == organization_id)
    )
    return paging.fetch(session, _filtered(query, filters or Filters()), _NEWEST, cursor, limit)


def all_orders(session: Session, organization_id: UUID, filters: Filters) -> Iterator[AnyRow]:
    """The same rows without pages, read as they are taken: for files."""
    query: AnySelect = (
        select(*_ORDER, Payee.name.label("payee_name"))
        .outerjoin(Payee, Payee.id == Order.payee_id)
        .where(Order.organization_id == organization_id)
        .order_by(Order.ordered_at.desc(), Order.id.desc())
    )
    yield from session.execute(_filtered(query, filters).execution_options(yield_per=1000))


def count(session: Session, organization_id: UUID, filters: Filters) -> int:
    """How many `orders` finds, up to `paging.CAP` + 1."""
    query: AnySelect = select(Order.id).where(Order.organization_id == organization_id)
    return paging.capped_count(session, _filtered(query, filters))


def waiting_orders(organization_id: UUID) -> AnySelect:
    """Ids of the orders somebody should look at: claimable ones and creators' own purchases."""
    query: AnySelect = select(Order.id).where(Order.organization_id == organization_id, OPEN)
    return query


def _filtered(query: AnySelect, filters: Filters) -> AnySelect:
    for column, wanted in (
        (Order.status, filters.status), (Order.commission, filters.commission), (Order.source, filters.source),
        (Order.payee_id, filters.payee_id),
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(column == wanted)
    if filters.claimable:
        query = query.where(Order.commission.in_(CLAIMABLE))
    if filters.code.strip():
        query = query.where(func.lower(Order.code) == filters.code.strip().lower())
    if term := filters.search.strip():
        by_name = or_(Order.number == term, Order.number == f"#{term}", Order.external_id == term)
        query = query.where(or_(func.lower(Order.code) == term.lower(), by_name))
    day = func.date(func.timezone("UTC", Order.ordered_at))
    if filters.since:
        query = query.where(day >= filters.since)
    return query.where(day <= filters.until) if filters.until else query


def order(session: Session, organization_id: UUID, order_id: UUID) -> AnyRow:
    """One order: its columns, payee_name, engagement_status, and of the commission earning_id,
    earned_minor, state, available_at, payout_id. Raises NotFound."""
    found = session.execute(
        select(
            *_ORDER, Payee.name.label("payee_name"), Engagement.status.label("engagement_status"),
            Earning.id.label("earning_id"), Earning.amount_minor.label("earned_minor"), STATES.c.state,
            STATES.c.available_at, STATES.c.payout_id,
        )
        .outerjoin(Payee, Payee.id == Order.payee_id)
        .outerjoin(Engagement, _engaged(Order))
        .outerjoin(Earning, _ITS_EARNING)
        .outerjoin(STATES, STATES.c.earning_id == Earning.id)
        .where(Order.organization_id == organization_id, Order.id == order_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There is no such order.")
    return found


def changes(session: Session, organization_id: UUID, order_id: UUID) -> Sequence[AnyRow]:
    """What went back to the buyer, as it came in: id, kind, external_id, occurred_at, note, taken_minor,
    reversal_minor, state, available_at."""
    return session.execute(
        select(
            OrderChange.id, OrderChange.kind, OrderChange.external_id, OrderChange.occurred_at, OrderChange.note,
            OrderChange.taken_minor, Earning.amount_minor.label("reversal_minor"), STATES.c.state,
            STATES.c.available_at,
        )
        .outerjoin(Earning, Earning.id == OrderChange.reversal_id)
        .outerjoin(STATES, STATES.c.earning_id == OrderChange.reversal_id)
        .where(OrderChange.organization_id == organization_id, OrderChange.order_id == order_id)
        .order_by(OrderChange.id)
    ).all()  # fmt: skip


def stores(session: Session, organization_id: UUID) -> Sequence[AnyRow]:
    """id, shop, name, secret_last4, active, last_call_at, created_at; at most one of each kind, oldest first."""
    return session.execute(
        select(Store.id, Store.shop, Store.name, Store.secret_last4, Store.active, Store.last_call_at, Store.created_at)
        .where(Store.organization_id == organization_id)
        .order_by(Store.created_at, Store.id)
    ).all()


_CODE: tuple[Any, ...] = (
    DiscountCode.id, DiscountCode.organization_id, DiscountCode.payee_id, DiscountCode.code, DiscountCode.landing_url,
    DiscountCode.token, DiscountCode.active, DiscountCode.created_at, Engagement.commission_bps,
    Engagement.status.label("engagement_status"),
)  # fmt: skip


def codes(
    session: Session,
    organization_id: UUID,
    payee_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """An organization's codes, newest first: id, payee_id, payee_name, code, landing_url, token, active, created_at,
    commission_bps, engagement_status."""
    query: AnySelect = (
        select(*_CODE, Payee.name.label("payee_name"))
        .join(Payee, Payee.id == DiscountCode.payee_id)
        .join(Engagement, _engaged(DiscountCode))
        .where(DiscountCode.organization_id == organization_id)
    )
    if payee_id is not None:
        query = query.where(DiscountCode.payee_id == payee_id)
    key = paging.Key((DiscountCode.created_at, DiscountCode.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def code(session: Session, organization_id: UUID, code_id: UUID) -> AnyRow:
    """One code, as `codes` has it. Raises NotFound."""
    found = session.execute(
        select(*_CODE, Payee.name.label("payee_name"))
        .join(Payee, Payee.id == DiscountCode.payee_id)
        .join(Engagement, _engaged(DiscountCode))
        .where(DiscountCode.organization_id == organization_id, DiscountCode.id == code_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such code.")
    return found


def code_named(session: Session, organization_id: UUID, written: str) -> AnyRow | None:
    """id, payee_id, payee_name of the code written so, in any case."""
    return session.execute(
        select(DiscountCode.id, DiscountCode.payee_id, Payee.name.label("payee_name"))
        .join(Payee, Payee.id == DiscountCode.payee_id)
        .where(DiscountCode.organization_id == organization_id, func.lower(DiscountCode.code) == written.lower())
    ).one_or_none()


def _engaged(table: Any) -> Any:
    return and_(Engagement.organization_id == table.organization_id, Engagement.payee_id == table.payee_id)


def commission_terms(session: Session, organization_id: UUID, payee_id: UUID) -> AnyRow:
    """commission_bps and commission_hold_days of an engagement. Raises NotFound."""
    found = session.execute(
        select(Engagement.commission_bps, Engagement.commission_hold_days).where(
            Engagement.organization_id == organization_id, Engagement.payee_id == payee_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such payee.")
    return found
