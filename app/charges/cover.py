"""Whether an organization's funds and credit are enough for what is asked of them now."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.charges import promised
from app.core.errors import Conflict
from app.core.formats import format_money
from app.core.money import Money
from app.db import locks
from app.db.session import ScopedSession
from app.ledger import service as ledger

_CREDIT = text(
    """SELECT credit_limit_minor FROM funds_policies
    WHERE organization_id = :organization_id AND currency = :currency"""
)


def check(session: ScopedSession, organization_id: UUID, amount: Money) -> None:
    """Both stay still until commit; what is promised to others is not counted. Raises Conflict with what is left when
    they do not cover the amount."""
    locks.hold(session, "funds", organization_id, amount.currency)
    credit = session.execute(_CREDIT, {"organization_id": organization_id, "currency": amount.currency}).scalar()
    funds = ledger.funds(session, organization_id, amount.currency)
    others = promised.to_others(session, organization_id, amount.currency)
    left = funds - others + Money(int(credit or 0), amount.currency)
    if left < amount:
        shown = format_money(max(left, Money(0, amount.currency)))
        raise Conflict(
            f"The organization’s funds and credit do not cover this: {shown} is left, {format_money(amount)} is needed."
        )
