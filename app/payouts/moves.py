"""Changing the state of one payout or of thousands: one statement that also writes the timeline.

Also the two money moves that go with states: reserving items and giving them back to the ready queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.scope import Actor
from app.ledger import recipes
from app.ledger import service as ledger
from app.payouts.rules import sources_of
from app.payouts.states import HoldCode, PayoutStatus

_MOVE = text(
    """WITH old AS (
        SELECT id, status FROM payouts WHERE id = ANY(:ids) AND status = ANY(:sources) ORDER BY id FOR UPDATE
    ), moved AS (
        UPDATE payouts p SET status = CAST(:to AS text), status_at = CAST(:now AS timestamptz),
            hold_code = :hold_code, hold_note = :hold_note, first_approved_at = NULL,
            paid_at = CASE WHEN CAST(:to AS text) = 'paid' THEN CAST(:now AS timestamptz) ELSE paid_at END,
            expected_on = coalesce(CAST(:expected_on AS date), expected_on),
            approval_round = approval_round + CASE WHEN CAST(:to AS text) = 'pending' THEN 1 ELSE 0 END
        FROM old WHERE p.id = old.id
        RETURNING p.id, p.organization_id, p.payee_id, old.status AS from_state
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
        SELECT organization_id, payee_id, 'payout', id, CAST(:now AS timestamptz), :actor, from_state,
            CAST(:to AS text), :note FROM moved
    )
    SELECT id FROM moved ORDER BY id"""
)


def move(
    session: Session,
    actor: Actor,
    ids: Sequence[UUID],
    to: PayoutStatus,
    *,
    note: str | None = None,
    only_from: PayoutStatus | None = None,
    hold_code: HoldCode | None = None,
    hold_note: str | None = None,
    expected_on: Any = None,
) -> list[UUID]:
    """Move those of `ids` whose state allows it (PAYOUT_TRANSITIONS); returns the ids that moved."""
    if not ids:
        return []
    session.flush()
    rows = session.execute(
        _MOVE,
        {
            "ids": list(ids),
            "sources": [only_from.value] if only_from else [s.value for s in sources_of(to)],
            "to": to.value,
            "now": utc_now(),
            "hold_code": hold_code.value if hold_code else None,
            "hold_note": hold_note,
            "expected_on": expected_on,
            "actor": actor.label,
            "note": note,
        },
    )
    moved = [row.id for row in rows]
    session.expire_all()
    return moved


# The ledger source of whole payouts: `recipes` about reserving and funding post from it.
OF_PAYOUTS = """SELECT p.id || ':' || p.reservation AS ref, p.organization_id, p.payee_id, CAST(NULL AS text) AS rail,
    p.currency, p.amount_minor, CAST(NULL AS text) AS memo FROM payouts p WHERE p.id = ANY(:ids)"""


def post_reserved(session: Session, ids: Sequence[UUID]) -> None:
    """Books: available → in transit, once per reservation."""
    ledger.post_from(session, recipes.PAYOUT_RESERVED, OF_PAYOUTS, {"ids": list(ids)})


_GIVE_BACK = text(
    """INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor, ready_at)
    SELECT i.earning_id, i.organization_id, i.payee_id, p.currency, i.amount_minor, :now
    FROM payout_items i JOIN payouts p ON p.id = i.payout_id WHERE p.id = ANY(:ids)
    ON CONFLICT (earning_id) DO UPDATE SET amount_minor = ready_earnings.amount_minor + excluded.amount_minor"""
)
_UNFUND = text("UPDATE payouts SET funded = false WHERE id = ANY(:ids) AND funded")


def give_back(session: Session, ids: Sequence[UUID]) -> None:
    """Items return to the ready queue, the organization's funds are free again. The rows of `ids` must be locked."""
    if not ids:
        return
    session.execute(_GIVE_BACK, {"ids": list(ids), "now": utc_now()})
    ledger.post_from(session, recipes.PAYOUT_RELEASED, OF_PAYOUTS, {"ids": list(ids)})
    ledger.post_from(session, recipes.PAYOUT_UNFUNDED, f"{OF_PAYOUTS} AND p.funded", {"ids": list(ids)})
    session.execute(_UNFUND, {"ids": list(ids)})
    session.expire_all()


_LOCK_ITEMS = text(
    """SELECT count(*) FILTER (WHERE abs(r.amount_minor) >= abs(i.amount_minor)
            AND sign(r.amount_minor) = sign(i.amount_minor)) = count(*) AS all_there
    FROM payout_items i LEFT JOIN (
        SELECT earning_id, amount_minor FROM ready_earnings
        WHERE earning_id IN (SELECT earning_id FROM payout_items WHERE payout_id = :id) ORDER BY earning_id FOR UPDATE
    ) r ON r.earning_id = i.earning_id WHERE i.payout_id = :id"""
)
_TAKE_WHOLE = text(
    """DELETE FROM ready_earnings r USING payout_items i
    WHERE i.payout_id = :id AND r.earning_id = i.earning_id AND r.amount_minor = i.amount_minor"""
)
_TAKE_PART = text(
    """UPDATE ready_earnings r SET amount_minor = r.amount_minor - i.amount_minor FROM payout_items i
    WHERE i.payout_id = :id AND r.earning_id = i.earning_id AND r.amount_minor <> i.amount_minor"""
)


def take_again(session: Session, payout_id: UUID) -> bool:
    """Reserve the same items for a retry; False, and nothing done, when part of the money is elsewhere by now."""
    if not session.execute(_LOCK_ITEMS, {"id": payout_id}).scalar_one():
        return False
    session.execute(_TAKE_WHOLE, {"id": payout_id})  # first: what a part leaves may be as much as the part
    session.execute(_TAKE_PART, {"id": payout_id})
    session.execute(text("UPDATE payouts SET reservation = reservation + 1 WHERE id = :id"), {"id": payout_id})
    post_reserved(session, [payout_id])
    session.expire_all()
    return True
