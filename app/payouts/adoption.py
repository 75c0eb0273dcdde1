"""A payout that had failed was paid after all: its money is taken again, and what the rail did is written down as a new
attempt that nobody sends, so that books and states go forward only."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import Conflict
from app.core.scope import Actor
from app.db import locks
from app.payouts import funding, settling
from app.payouts.moves import move, take_again
from app.payouts.rules import send_key
from app.payouts.settling import News
from app.payouts.states import PayoutStatus
from app.rails.base import Outcome, Result

_PAYOUT = text("SELECT organization_id, attempt_number FROM payouts WHERE id = :id FOR UPDATE")
_ATTEMPT = text(
    """INSERT INTO payout_attempts (organization_id, payee_id, payout_id, number, rail, key, request_sha256, payee_name,
        reference, rail_reference, status, created_at)
    SELECT organization_id, payee_id, payout_id, :number, rail, :new, request_sha256, payee_name, reference,
        rail_reference, 'submitted', :now FROM payout_attempts WHERE key = :key"""
)
_COUNT = text("UPDATE payouts SET attempt_number = :number WHERE id = :id")


def paid_after_all(session: Session, actor: Actor, payout_id: UUID, key: str, evidence: Mapping[str, str]) -> None:
    """Take the money of a failed payout again and settle it as paid; the funds are drawn on whatever they cover.

    `key`: the attempt that was paid. Raises Conflict when part of the money is in another payout by now.
    """
    payout = session.execute(_PAYOUT, {"id": payout_id}).one()
    locks.hold(session, "claims", payout.organization_id, shared=True)
    if not take_again(session, payout_id):
        raise Conflict("Part of this money is in another payout by now. Cancel that one first.")
    funding.draw(session, payout_id)
    note = "The rail had paid it after all."
    move(session, actor, [payout_id], PayoutStatus.APPROVED, note=note, only_from=PayoutStatus.FAILED)
    number = payout.attempt_number + 1
    new = send_key(payout_id, number)
    session.execute(_ATTEMPT, {"key": key, "new": new, "number": number, "now": utc_now()})
    session.execute(_COUNT, {"id": payout_id, "number": number})
    move(session, actor, [payout_id], PayoutStatus.PROCESSING, note=note)
    settling.apply(session, actor, [News(Result(new, Outcome.PAID), "person", {**evidence, "paid_as": key})])
