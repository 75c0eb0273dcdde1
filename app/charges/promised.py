"""What of an organization's funds is promised to others: it covers nothing of its own.

An organization that buys and provides has one account with us for both: what clients paid for its consultants and its
own payee is theirs. What a refund has promised to a card that had paid in is on its way out.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.money import Money


def _to_consultants(expression: str) -> str:
    """Held and ready, and in payouts that funds have not been drawn on for. Nothing for an organization that only buys.
    Never below zero: what consultants owe after a refund is not the organization's to spend."""
    whose = f"o.id = {expression} AND o.kind IN ('PROVIDER', 'HYBRID') AND NOT o.is_house"
    return f"""SELECT currency, greatest(sum(minor), 0) AS minor FROM (
        SELECT b.currency, b.balance_minor AS minor
        FROM organizations o JOIN ledger_balances b ON b.organization_id = o.id
            AND b.account IN ('payee_held', 'payee_available') JOIN payees y ON y.id = b.payee_id
        WHERE {whose} AND y.kind IN ('consultant', 'organization')
        UNION ALL
        SELECT x.currency, x.amount_minor
        FROM organizations o JOIN payouts x ON x.organization_id = o.id
            AND x.status IN ('pending', 'approved', 'on_hold') AND NOT x.funded JOIN payees y ON y.id = x.payee_id
        WHERE {whose} AND y.kind IN ('consultant', 'organization')
    ) consultants GROUP BY currency"""


def _to_cards(expression: str) -> str:
    """Refunds out of the funds that are not decided: of a card that paid an invoice, and of what came back of a seat
    pack and is asked for again. The first refund of a pack takes its credits; a bank that questions a payment opens
    what that has paid."""
    return f"""SELECT r.currency, r.amount_minor AS minor
        FROM charge_returns r JOIN charges c ON c.id = r.charge_id LEFT JOIN seat_packs s ON s.id = c.subject_id
        WHERE r.organization_id = {expression} AND r.kind = 'refund' AND r.status IN ('pending', 'unknown')
            AND (c.subject_kind = 'invoice' OR c.subject_kind = 'seat_pack' AND s.invoice_id IS NOT NULL
                AND EXISTS (SELECT FROM charge_returns b WHERE b.charge_id = r.charge_id AND b.status = 'came_back'
                    AND split_part(b.key, '.', 1) = split_part(r.key, '.', 1)))"""


def of_organization(expression: str) -> str:
    """SQL of (currency, minor), nothing below zero. `expression` is the organization's id."""
    return f"""SELECT currency, CAST(sum(minor) AS bigint) AS minor FROM (
        {_to_consultants(expression)} UNION ALL {_to_cards(expression)}
    ) parts GROUP BY currency"""


_ALL = text(f"SELECT minor FROM ({of_organization(':organization_id')}) found WHERE currency = :currency")
_CARDS = text(
    f"""SELECT CAST(sum(minor) AS bigint) FROM ({_to_cards(":organization_id")}) found WHERE currency = :currency"""
)


def to_others(session: Session, organization_id: UUID, currency: str) -> Money:
    """Whatever of its funds is not its own to spend."""
    minor = session.execute(_ALL, {"organization_id": organization_id, "currency": currency}).scalar()
    return Money(int(minor or 0), currency)


def to_cards(session: Session, organization_id: UUID, currency: str) -> Money:
    """What is on its way out of the funds, back to cards."""
    minor = session.execute(_CARDS, {"organization_id": organization_id, "currency": currency}).scalar()
    return Money(int(minor or 0), currency)
