"""What of an organization's funds is for its consultants and its own payee: clients paid it for them.

An organization that buys and provides has one account with us for both. What it books is its own to pay: it is never
set against what clients paid for others.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.core.money import Money
from app.db.session import ScopedSession


def of_organization(expression: str) -> str:
    """SQL of (currency, minor): held and ready, and in payouts that funds have not been drawn on for. Nothing for an
    organization that only buys. `expression` is its id."""
    whose = f"o.id = {expression} AND o.kind IN ('PROVIDER', 'HYBRID') AND NOT o.is_house"
    return f"""SELECT currency, CAST(sum(minor) AS bigint) AS minor FROM (
        SELECT b.currency, b.balance_minor AS minor
        FROM organizations o JOIN ledger_balances b ON b.organization_id = o.id
            AND b.account IN ('payee_held', 'payee_available') JOIN payees y ON y.id = b.payee_id
        WHERE {whose} AND y.kind IN ('consultant', 'organization')
        UNION ALL
        SELECT x.currency, x.amount_minor
        FROM organizations o JOIN payouts x ON x.organization_id = o.id
            AND x.status IN ('pending', 'approved', 'on_hold') AND NOT x.funded JOIN payees y ON y.id = x.payee_id
        WHERE {whose} AND y.kind IN ('consultant', 'organization')
    ) parts GROUP BY currency"""


_ONE = text(f"SELECT minor FROM ({of_organization(':organization_id')}) found WHERE currency = :currency")


def to_consultants(session: ScopedSession, organization_id: UUID, currency: str) -> Money:
    """Never below zero: what consultants owe after a refund is not the organization's to spend."""
    minor = session.execute(_ONE, {"organization_id": organization_id, "currency": currency}).scalar()
    return Money(max(0, int(minor or 0)), currency)
