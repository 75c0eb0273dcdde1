"""Payouts draw on the organization's funds, down to its credit limit; what it cannot cover waits."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.charges import promised
from app.core.money import Money
from app.core.scope import Actor
from app.db import locks
from app.ledger import recipes
from app.ledger import service as ledger
from app.payouts.moves import OF_PAYOUTS, move
from app.payouts.rules import HOLD_TEXT
from app.payouts.states import HoldCode, PayoutStatus

_CREDIT = text(
    """SELECT credit_limit_minor FROM funds_policies
    WHERE organization_id = :organization_id AND currency = :currency"""
)


def spendable(session: Session, organization_id: UUID, currency: str, *, lock: bool = False) -> Money:
    """Funds, without what is on its way back to cards, plus the credit limit. `lock` keeps both still until commit."""
    if lock:  # the balance row may not exist yet: lock a name, which always does
        locks.hold(session, "funds", organization_id, currency)
    credit = session.execute(_CREDIT, {"organization_id": organization_id, "currency": currency}).scalar()
    going = promised.to_cards(session, organization_id, currency)
    return ledger.funds(session, organization_id, currency) - going + Money(int(credit or 0), currency)


# The longest run from the front that fits: nobody overtakes a larger payout that was first.
_COVERED = text(
    """SELECT id FROM (
        SELECT id, sum(amount_minor) OVER (ORDER BY created_at, id) AS upto FROM payouts
        WHERE id = ANY(:ids) AND NOT funded AND currency = :currency AND organization_id = :organization_id
    ) q WHERE upto <= :spendable"""
)
_MARK = text("UPDATE payouts SET funded = true WHERE id = ANY(:ids)")
_KINDS = text(
    "SELECT DISTINCT organization_id, currency FROM payouts WHERE id = ANY(:ids) AND NOT funded ORDER BY 1, 2"
)


def _cover(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Post and mark what the funds cover, oldest first; returns those ids."""
    covered: list[UUID] = []
    for organization_id, currency in session.execute(_KINDS, {"ids": list(ids)}).all():
        limit = spendable(session, organization_id, currency, lock=True)
        parameters = {"currency": currency, "organization_id": organization_id, "spendable": limit.minor}
        covered += session.execute(_COVERED, {"ids": list(ids), **parameters}).scalars()
    if covered:
        ledger.post_from(session, recipes.PAYOUT_FUNDED, OF_PAYOUTS, {"ids": covered})
        session.execute(_MARK, {"ids": covered})
        session.expire_all()
    return covered


def draw(session: Session, payout_id: UUID) -> None:
    """Draw on the funds for what has left already, whatever they cover: they may be below zero then. Twice is once."""
    row = session.execute(
        text("SELECT organization_id, currency, funded FROM payouts WHERE id = :id"), {"id": payout_id}
    )
    payout = row.one()
    if payout.funded:
        return
    locks.hold(session, "funds", payout.organization_id, payout.currency)
    ledger.post_from(session, recipes.PAYOUT_FUNDED, OF_PAYOUTS, {"ids": [payout_id]})
    session.execute(_MARK, {"ids": [payout_id]})
    session.expire_all()


def fund(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[UUID]:
    """Cover approved payouts; the others go on hold until funds arrive. Returns the covered ids."""
    covered = _cover(session, ids)
    short = session.execute(text("SELECT id FROM payouts WHERE id = ANY(:ids) AND NOT funded"), {"ids": list(ids)})
    move(
        session,
        actor,
        list(short.scalars()),
        PayoutStatus.ON_HOLD,
        note=HOLD_TEXT[HoldCode.AWAITING_FUNDS],
        hold_code=HoldCode.AWAITING_FUNDS,
    )
    return covered


_WAITING = text(
    """SELECT id FROM payouts WHERE organization_id = :organization_id AND status = 'on_hold'
    AND hold_code = 'awaiting_funds' ORDER BY created_at, id FOR UPDATE"""
)


def funds_arrived(session: Session, actor: Actor, organization_id: UUID) -> list[UUID]:
    """Approve again, oldest first, what waited for funds and is covered now. Returns those ids."""
    waiting = list(session.execute(_WAITING, {"organization_id": organization_id}).scalars())
    covered = _cover(session, waiting)
    return move(session, actor, covered, PayoutStatus.APPROVED, note="Funds arrived.", only_from=PayoutStatus.ON_HOLD)
