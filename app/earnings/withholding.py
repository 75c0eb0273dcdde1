"""What was ready waits again: the client's bank, or a person, has to decide first. What is in a payout stays there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.earnings.models import HoldReason
from app.earnings.rules import HOLD_TEXT
from app.earnings.service import OF_WITHHELD, withheld_parts
from app.ledger import recipes
from app.ledger import service as ledger

# A reversal goes with what it takes from. Where more was taken back than is left here (the rest was paid), holding the
# reversal would let the payee draw what they owe, and there is nothing to protect: that payee's rows stay.
_WITHHOLD = text(
    """WITH seen AS MATERIALIZED (
        SELECT earning_id, organization_id, payee_id, currency, amount_minor FROM ready_earnings
        WHERE earning_id = ANY(:ids) ORDER BY earning_id FOR UPDATE
    ), gone AS (
        DELETE FROM ready_earnings r USING seen s WHERE r.earning_id = s.earning_id AND EXISTS (
            SELECT FROM seen o WHERE (o.organization_id, o.payee_id, o.currency)
                = (s.organization_id, s.payee_id, s.currency) HAVING sum(o.amount_minor) > 0)
        RETURNING r.earning_id, r.organization_id, r.payee_id, r.currency, r.amount_minor
    ), held AS (
        INSERT INTO held_earnings
            (earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at, withheld_id)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, :reason, NULL, uuidv7() FROM gone
        ON CONFLICT (earning_id) DO UPDATE SET amount_minor = held_earnings.amount_minor + excluded.amount_minor,
            withheld_id = excluded.withheld_id
        RETURNING earning_id, withheld_id
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
        SELECT organization_id, payee_id, 'earning', earning_id, :now, :actor, 'ready', 'held', :note FROM gone
    )
    SELECT h.withheld_id, g.earning_id, g.amount_minor FROM gone g JOIN held h ON h.earning_id = g.earning_id"""
)


def withhold(session: ScopedSession, actor: Actor, earning_ids: Sequence[UUID], reason: HoldReason) -> int:
    """Put what is ready of these on hold until somebody acts; the rest is passed over. Returns how many.

    `earning_ids` belong together, as of one consultation: per payee they go on hold when they are above zero in all.
    The caller has checked the permission.
    """
    if not earning_ids:
        return 0
    session.flush()
    with session.elevated("earnings that wait again"):
        moved = session.execute(
            _WITHHOLD,
            {
                "ids": list(earning_ids),
                "reason": reason.value,
                "now": utc_now(),
                "actor": actor.label,
                "note": HOLD_TEXT[reason],
            },
        ).all()
        if moved:
            ledger.post_from(session, recipes.EARNING_WITHHELD, OF_WITHHELD, withheld_parts(moved))
    return len(moved)
