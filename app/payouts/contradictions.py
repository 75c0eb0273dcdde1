"""News against an end we took for certain: paid what had failed, failed what was paid.

No money moves by itself then, for it was given back or is with the payee by our books. It stays visible, on the payout
and on the watch list, and nothing that would pay the same money again is sent until two people have said what happened
(`verdicts`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit.models import Audience
from app.core.clock import utc_now
from app.core.scope import Actor
from app.payouts.states import AttemptStatus

MARK = "contradicted"
CAME_BACK = "came_back"  # evidence of an attempt that failed because its money came back: a late "paid" is no news
SAYS = {
    AttemptStatus.FAILED: "The rail says now that it was paid, after it had failed. The money may be with the payee.",
    AttemptStatus.SUCCEEDED: "The rail says now that it failed, after it was paid. The money may have come back.",
}
MAYBE_PAID = "This money may have been paid already; somebody finds out."

_MARK = text(
    """WITH marked AS (
        UPDATE payout_attempts a SET evidence = coalesce(a.evidence, CAST('{}' AS jsonb)) || jsonb_build_object(
            CAST(:mark AS text), CAST(:by AS jsonb) -> a.key)
        WHERE a.key = ANY(:keys) AND a.status = :ended AND NOT coalesce(a.evidence ? :mark, false)
            AND NOT coalesce(a.evidence -> 'failed' ? :came_back, false)
        RETURNING a.payout_id
    )
    INSERT INTO timeline_events
        (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note, audience)
    SELECT p.organization_id, p.payee_id, 'payout', p.id, :now, :actor, p.status, p.status, :note, :audience
    FROM marked JOIN payouts p ON p.id = marked.payout_id RETURNING subject_id"""
)


def mark(session: Session, actor: Actor, told: Mapping[str, tuple[str, str]], ended: AttemptStatus) -> list[UUID]:
    """Mark the attempts among these that ended as `ended`, once for each. `told`: key → where the news came from, and
    what the rail calls it. Returns the payouts that are marked now."""
    if not told:
        return []
    now = utc_now()
    by = {key: {"by": source, "reference": ref, "at": now.isoformat()} for key, (source, ref) in told.items()}
    values = {
        "mark": MARK, "came_back": CAME_BACK, "keys": list(told), "ended": ended.value, "now": now,
        "by": json.dumps(by), "actor": actor.label, "note": SAYS[ended], "audience": Audience.STAFF.value,
    }  # fmt: skip
    return list(session.execute(_MARK, values).scalars())


_UNDECIDED = "a.evidence ? 'contradicted' AND NOT a.evidence -> 'contradicted' ? 'decided'"
# From the few that are open, by their index, to what has an item of the same earnings.
_SAME_MONEY = text(
    f"""WITH open AS MATERIALIZED (
        SELECT a.payout_id FROM payout_attempts a WHERE a.status = 'failed' AND {_UNDECIDED}
    ) SELECT DISTINCT i.payout_id FROM open JOIN payout_items o ON o.payout_id = open.payout_id
    JOIN payout_items i ON i.earning_id = o.earning_id WHERE i.payout_id = ANY(:ids)"""
)
_OF_PAYOUT = text(
    f"""SELECT a.key FROM payout_attempts a WHERE a.payout_id = :id AND a.status = 'failed' AND {_UNDECIDED}
    ORDER BY a.number LIMIT 1"""
)
_OPEN = text(
    f"""SELECT a.payout_id, a.key, a.status, p.status AS payout_status, p.amount_minor, p.currency,
        y.name AS payee, o.name AS organization
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id
    JOIN organizations o ON o.id = p.organization_id
    WHERE a.status IN ('failed', 'succeeded') AND {_UNDECIDED} ORDER BY a.created_at DESC, a.id LIMIT :most"""
)
_DECIDE = text(
    """UPDATE payout_attempts SET evidence = jsonb_set(evidence, '{contradicted,decided}', to_jsonb(CAST(:by AS text)))
    WHERE key = :key"""
)


def same_money(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these payouts that pay money of an attempt that failed and may have been paid after all."""
    return set(session.execute(_SAME_MONEY, {"ids": list(ids)}).scalars())


def open_of(session: Session, payout_id: UUID) -> str | None:
    """The key of an attempt that failed and whose rail says it was paid after all, until people have decided."""
    return session.execute(_OF_PAYOUT, {"id": payout_id}).scalar()


def decide(session: Session, key: str, by: str) -> None:
    """It is known what happened: what holds the same money may go on. The caller moves what has to be moved."""
    session.execute(_DECIDE, {"key": key, "by": by})


def found(session: Session, most: int) -> list[Any]:
    """payout_id, key, status, payout_status, amount_minor, currency, payee, organization of what nobody decided, newest
    first."""
    return list(session.execute(_OPEN, {"most": most}))
