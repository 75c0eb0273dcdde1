"""A payout that had failed was paid after all: its money is taken again, and its attempt counts as it was.

The one way back from a failed attempt, and only by two people (`verdicts`). The attempt keeps its key, so that returns,
look-ups and statements find it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import Conflict
from app.core.scope import Actor
from app.db import locks
from app.ledger import recipes
from app.ledger import service as ledger
from app.payouts import funding, settling
from app.payouts.moves import move, take_again
from app.payouts.states import HOLDING, PayoutStatus

TWICE = (
    "It was sent a second time since: the money may be gone twice. Call the second one back, then confirm this. Where "
    "that is not possible, take the amount off what comes by an adjustment, and close the item on the watch list."
)
_PAYOUT = text(
    """SELECT p.id, p.status, p.organization_id FROM payouts p JOIN payout_attempts a ON a.payout_id = p.id
    WHERE a.key = :key FOR UPDATE OF p"""
)
_OVER = text(
    """WITH again AS (
        UPDATE payouts SET status = 'approved', status_at = :now WHERE id = :id AND status IN ('rejected', 'cancelled')
        RETURNING id, organization_id, payee_id
    ) INSERT INTO timeline_events
        (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
    SELECT organization_id, payee_id, 'payout', id, :now, :actor, :status, 'approved', :note FROM again"""
)
_PAID = text(
    """UPDATE payout_attempts SET status = 'succeeded', settled_at = :now,
        rail_reference = coalesce(nullif(evidence #>> '{contradicted,reference}', ''), rail_reference),
        evidence = evidence || jsonb_build_object('succeeded', CAST(:evidence AS jsonb))
    WHERE key = :key AND status = 'failed'"""
)


def paid_after_all(session: Session, actor: Actor, key: str, evidence: Mapping[str, str]) -> None:
    """Settle the payout of this failed attempt as paid by it; the funds are drawn on whatever they cover.

    Raises Conflict when part of the money is in another payout by now, or when it was sent again since.
    """
    payout = session.execute(_PAYOUT, {"key": key}).one()
    status = PayoutStatus(payout.status)
    if status in (PayoutStatus.PROCESSING, PayoutStatus.PAID):
        raise Conflict(TWICE)
    locks.hold(session, "claims", payout.organization_id, shared=True)
    if status not in HOLDING and not take_again(session, payout.id):
        raise Conflict("Part of this money is in another payout by now. Cancel that one first.")
    funding.draw(session, payout.id)
    note = "The rail had paid it after all."
    of = {"id": payout.id, "now": utc_now(), "actor": actor.label, "status": status.value, "note": note}
    session.execute(_OVER, of)
    steps = [PayoutStatus.PENDING] if status is PayoutStatus.RETURNED else []
    for to in (*steps, PayoutStatus.APPROVED, PayoutStatus.PROCESSING):
        move(session, actor, [payout.id], to, note=note)
    session.execute(_PAID, {"key": key, "now": utc_now(), "evidence": json.dumps({"by": "person", **evidence})})
    _post(session, key)
    move(session, actor, [payout.id], PayoutStatus.PAID, note=note)
    settling.announce(session, [payout.id], "paid")


def _post(session: Session, key: str) -> None:
    """Once each: it left, it had not come back, it arrived."""
    keys = {"keys": [key]}
    ledger.post_from(session, recipes.PAYOUT_SENT, settling.OF_ATTEMPTS, keys)
    bounced = text("SELECT 1 FROM ledger_entries WHERE kind = :kind AND ref = :key")
    if session.execute(bounced, {"kind": recipes.PAYOUT_BOUNCED.kind, "key": key}).first():
        ledger.post_from(session, recipes.PAYOUT_UNBOUNCED, settling.OF_ATTEMPTS, keys)
    ledger.post_from(session, recipes.PAYOUT_PAID, settling.OF_ATTEMPTS, keys)
