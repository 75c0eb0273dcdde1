"""Orders that came with a creator's codes at one brand, each with its commission and where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.money import Money
from app.db import paging
from app.earnings.models import Earning
from app.earnings.queries import STATES
from app.sales import queries as sales
from app.sales.commissions import SOURCE
from app.sales.states import Commission, OrderStatus


@dataclass(frozen=True, slots=True)
class BrandOrder:
    """`basis` is what commission was computed from, `refunded` how much of it went back. `commission` is what the
    order earns as it stands, None where it earns nothing; `state` is its earning's, with the day it is released."""

    id: UUID
    number: str
    code: str
    ordered_at: datetime
    status: OrderStatus
    basis: Money
    refunded: Money
    outcome: Commission
    reason: str
    bps: int | None
    commission: Money | None
    earning_id: UUID | None
    state: str
    available_at: datetime | None


def orders(
    session: Session,
    payee_id: UUID,
    organization_id: UUID,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page of `BrandOrder`s, newest order first, two statements. Raises Invalid for a broken cursor."""
    page = sales.orders(session, payee_id=payee_id, organization_id=organization_id, cursor=cursor, limit=limit)
    states = _states(session, organization_id, [row.id for row in page.items])
    made = [_order(row, states.get(row.id)) for row in page.items]
    return paging.Page(made, page.next_cursor, page.previous_cursor)


def _states(session: Session, organization_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, paging.AnyRow]:
    if not order_ids:
        return {}
    rows = session.execute(
        select(Earning.source_id, Earning.id, STATES.c.state, STATES.c.available_at)
        .join(STATES, STATES.c.earning_id == Earning.id)
        .where(
            Earning.organization_id == organization_id, Earning.source_kind == SOURCE, Earning.source_id.in_(order_ids)
        )
    )
    return {row.source_id: row for row in rows}


def _order(row: paging.AnyRow, earning: paging.AnyRow | None) -> BrandOrder:
    return BrandOrder(
        id=row.id,
        number=row.number,
        code=row.code,
        ordered_at=row.ordered_at,
        status=row.status,
        basis=Money(row.basis_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        outcome=row.commission,
        reason=row.reason or "",
        bps=row.commission_bps,
        commission=sales.commission_of(row),
        earning_id=earning.id if earning else None,
        state=earning.state if earning else "",
        available_at=earning.available_at if earning else None,
    )
