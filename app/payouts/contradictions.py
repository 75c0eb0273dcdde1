"""News against an end we took for certain: paid what had failed, failed what was paid.

No money moves by itself then, for it was given back or is with the payee by our books. It stays visible, on the payout
and on the watch list; what would pay the same money again waits, until two people have said what happened
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
from app.db.session import ScopedSession
from app.earnings import service as earnings
from app.earnings import withholding
from app.earnings.models import HoldReason
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
    if ended is AttemptStatus.FAILED:
        for payout_id in ids:
            _keep_back(session, actor, payout_id)
    return ids


_EARNINGS = text("SELECT earning_id FROM payout_items WHERE payout_id = :id ORDER BY earning_id")
_SAME_MONEY = text(
    """SELECT DISTINCT p.id FROM payout_items i JOIN payout_items j ON j.earning_id = i.earning_id
    JOIN payouts p ON p.id = j.payout_id
    WHERE i.payout_id = :id AND p.status IN ('pending', 'approved') ORDER BY p.id"""
)


def _keep_back(session: Session, actor: Actor, payout_id: UUID) -> None:
    """Neither what is ready of its money nor what is on its way into another payout is paid again unseen."""
    assert isinstance(session, ScopedSession)
    withholding.withhold(session, actor, _earnings(session, payout_id), HoldReason.CONTRADICTED)
    move(
        session, actor, list(session.execute(_SAME_MONEY, {"id": payout_id}).scalars()), PayoutStatus.ON_HOLD,
        note=SAYS[AttemptStatus.FAILED], hold_code=HoldCode.REVIEW,
        hold_note="The rail says that this money was paid already.",
    )  # fmt: skip


def _earnings(session: Session, payout_id: UUID) -> Sequence[UUID]:
    return session.execute(_EARNINGS, {"id": payout_id}).scalars().all()


_WITHHELD = text(
    """SELECT earning_id FROM held_earnings WHERE earning_id = ANY(:ids) AND reason = 'contradicted'
    ORDER BY earning_id"""
)
_DECIDE = text(
    """UPDATE payout_attempts SET evidence = jsonb_set(evidence, '{contradicted,decided}', to_jsonb(CAST(:by AS text)))
    WHERE key = :key"""
)


def decide(session: Session, actor: Actor, payout_id: UUID, key: str, by: str) -> None:
    """It is known what happened: what was kept back of the money is ready again. The caller moves the rest."""
    assert isinstance(session, ScopedSession)
    kept = session.execute(_WITHHELD, {"ids": list(_earnings(session, payout_id))}).scalars().all()
    earnings.release_these(session, actor, kept)
    session.execute(_DECIDE, {"key": key, "by": by})


_UNDECIDED = "a.evidence ? 'contradicted' AND NOT a.evidence -> 'contradicted' ? 'decided'"
_OF_PAYOUT = text(
    f"""SELECT a.key FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    WHERE p.id = :id AND p.status = 'failed' AND a.number = p.attempt_number AND {_UNDECIDED}"""
)
_OPEN = text(
    f"""SELECT a.payout_id, a.key, a.status, p.amount_minor, p.currency, y.name AS payee, o.name AS organization
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id
    JOIN organizations o ON o.id = p.organization_id
    WHERE {_UNDECIDED} ORDER BY a.created_at DESC, a.id LIMIT :most"""
)


def open_of(session: Session, payout_id: UUID) -> str | None:
    """The key of the attempt of a failed payout whose rail says it was paid after all, until people decided."""
    return session.execute(_OF_PAYOUT, {"id": payout_id}).scalar()


def found(session: Session, most: int) -> list[Any]:
    """payout_id, key, status, amount_minor, currency, payee, organization of what nobody decided, newest first."""
    return list(session.execute(_OPEN, {"most": most}))
