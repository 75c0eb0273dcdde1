"""Reads of orders and codes, for pages, files and programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.payees.models import Payee
from app.sales.models import Order, OrderChange
from app.sales.rules import commission
from app.sales.states import Commission, OrderSource, OrderStatus

_KEY = paging.Key((Order.ordered_at, Order.id), ("ordered_at", "id"))
_COLUMNS = (
    Order.id, Order.organization_id, Order.source, Order.external_id, Order.number, Order.code, Order.discount_code_id,
    Order.payee_id, Order.currency, Order.basis_minor, Order.total_minor, Order.refunded_minor, Order.ordered_at,
    Order.status, Order.commission, Order.commission_bps, Order.reason, Order.created_at,
)  # fmt: skip


def orders(
    session: Session,
    *,
    organization_id: UUID | None = None,
    payee_id: UUID | None = None,
    status: OrderStatus | None = None,
    commission: Commission | None = None,
    source: OrderSource | None = None,
    code: str = "",
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """Rows of `_COLUMNS` with `payee_name`, newest first. `code` in any case. Raises Invalid for a broken cursor."""
    query: paging.AnySelect = select(*_COLUMNS, Payee.name.label("payee_name")).outerjoin(
        Payee, Payee.id == Order.payee_id
    )
    if organization_id is not None:
        query = query.where(Order.organization_id == organization_id)
    if payee_id is not None:
        query = query.where(Order.payee_id == payee_id)
    if status is not None:
        query = query.where(Order.status == status)
    if commission is not None:
        query = query.where(Order.commission == commission)
    if source is not None:
        query = query.where(Order.source == source)
    if code.strip():
        query = query.where(func.lower(Order.code) == code.strip().lower())
    return paging.fetch(session, query, _KEY, cursor, limit)


def order(session: Session, organization_id: UUID, order_id: UUID) -> paging.AnyRow:
    """One row as in the list. Raises NotFound."""
    return _one(session, organization_id, Order.id == order_id)


def order_of_source(session: Session, organization_id: UUID, source: OrderSource, external_id: str) -> paging.AnyRow:
    """The same by the source's own id. Raises NotFound."""
    return _one(session, organization_id, (Order.source == source) & (Order.external_id == external_id))


def _one(session: Session, organization_id: UUID, which: Any) -> paging.AnyRow:
    query: paging.AnySelect = select(*_COLUMNS, Payee.name.label("payee_name")).outerjoin(
        Payee, Payee.id == Order.payee_id
    )
    found = session.execute(query.where(Order.organization_id == organization_id, which)).one_or_none()
    if found is None:
        raise NotFound("There is no such order.")
    return found


def changes(session: Session, order_id: UUID) -> list[paging.AnyRow]:
    """What went back to the buyer, oldest first: kind, occurred_at, note, taken_minor, reversal_id."""
    return list(
        session.execute(
            select(
                OrderChange.id, OrderChange.kind, OrderChange.occurred_at, OrderChange.note, OrderChange.taken_minor,
                OrderChange.reversal_id,
            )
            .where(OrderChange.order_id == order_id)
            .order_by(OrderChange.id)
        )
    )  # fmt: skip


def commission_of(row: Any) -> Money | None:
    """What the order earns as it stands; None where it earns nothing (yet)."""
    if row.commission is not Commission.EARNED:
        return None
    return Money(commission(row.basis_minor, row.refunded_minor, row.commission_bps), row.currency)


_CODE_STATS = text(
    """SELECT d.id, d.organization_id, d.payee_id, d.code, d.landing_url, d.token, d.active, n.currency,
        coalesce(n.orders, 0) AS orders, coalesce(n.basis_minor, 0) AS basis_minor, coalesce(v.visits, 0) AS visits
    FROM discount_codes d
    LEFT JOIN LATERAL (
        SELECT o.currency, count(*) AS orders, CAST(sum(o.basis_minor) AS bigint) AS basis_minor FROM orders o
        WHERE o.discount_code_id = d.id AND o.ordered_at >= :since AND o.commission IN ('earned', 'nothing')
        GROUP BY o.currency
    ) n ON true
    LEFT JOIN LATERAL (
        SELECT sum(c.visits) AS visits FROM code_visits c
        WHERE c.discount_code_id = d.id AND c.day >= CAST(:since AS date)
    ) v ON true
    WHERE (CAST(:payee_id AS uuid) IS NULL OR d.payee_id = :payee_id)
        AND (CAST(:organization_id AS uuid) IS NULL OR d.organization_id = :organization_id)
    ORDER BY d.organization_id, d.id, n.currency"""
)


def code_stats(
    session: Session, since: datetime, *, payee_id: UUID | None = None, organization_id: UUID | None = None
) -> list[paging.AnyRow]:
    """A row for each code and currency of its orders since: id, organization_id, payee_id, code, landing_url, token,
    active, currency (None without orders), orders, basis_minor, visits. Visits are of the code, the same in each row.
    """
    wanted = {"since": since, "payee_id": payee_id, "organization_id": organization_id}
    return list(session.execute(_CODE_STATS, wanted))
