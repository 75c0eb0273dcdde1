"""News against an end we took for certain: paid what had failed, failed what was paid.

Nothing moves by itself then, for the money was given back or is with the payee by our books. It stays visible: on the
payout, on the watch list, and what would pay the same money again waits for a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit.models import Audience
from app.core.clock import utc_now
from app.core.scope import Actor
from app.payouts.moves import move
from app.payouts.states import AttemptStatus, HoldCode, PayoutStatus

MARK = "contradicted"
CAME_BACK = "came_back"  # evidence of an attempt that failed because its money came back: a late "paid" is no news
SAYS = {
    AttemptStatus.FAILED: "The rail says now that it was paid, after it had failed. The money may be with the payee.",
    AttemptStatus.SUCCEEDED: "The rail says now that it failed, after it was paid. The money may have come back.",
}

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
_SAME_MONEY = text(
    """SELECT DISTINCT p.id FROM payout_items i JOIN payout_items j ON j.earning_id = i.earning_id
    JOIN payouts p ON p.id = j.payout_id
    WHERE i.payout_id = ANY(:ids) AND p.status IN ('pending', 'approved') ORDER BY p.id"""
)


def mark(session: Session, actor: Actor, sources: Mapping[str, str], ended: AttemptStatus) -> list[UUID]:
    """Mark the attempts among these keys (key → where the news came from) that ended as `ended`; once for each.

    Returns the payouts that are marked now.
    """
    if not sources:
        return []
    now = utc_now()
    values = {
        "mark": MARK, "came_back": CAME_BACK, "keys": list(sources), "ended": ended.value, "now": now,
        "by": json.dumps({key: {"by": source, "at": now.isoformat()} for key, source in sources.items()}),
        "actor": actor.label, "note": SAYS[ended], "audience": Audience.STAFF.value,
    }  # fmt: skip
    ids = list(session.execute(_MARK, values).scalars())
    if ids and ended is AttemptStatus.FAILED:
        again = list(session.execute(_SAME_MONEY, {"ids": ids}).scalars())
        move(
            session, actor, again, PayoutStatus.ON_HOLD, note=SAYS[ended], hold_code=HoldCode.REVIEW,
            hold_note="The rail says that this money was paid already.",
        )  # fmt: skip
    return ids


_OPEN = text(
    """SELECT a.payout_id, a.key, a.status, p.amount_minor, p.currency, y.name AS payee, o.name AS organization
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id
    JOIN organizations o ON o.id = p.organization_id
    WHERE a.evidence ? 'contradicted' ORDER BY a.created_at DESC, a.id LIMIT :most"""
)


def found(session: Session, most: int) -> list[Any]:
    """payout_id, key, status, amount_minor, currency, payee, organization of what was ever marked, newest first."""
    return list(session.execute(_OPEN, {"most": most}))
