"""What a suspended engagement does to payouts: nothing leaves for its payee until the suspension ends."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.core.scope import Actor
from app.payees.models import Engagement
from app.payees.states import EngagementStatus
from app.payouts.moves import move
from app.payouts.rules import HOLD_TEXT
from app.payouts.states import HoldCode, PayoutStatus


def suspension(session: Session, organization_id: UUID, payee_id: UUID) -> str | None:
    """Why nothing can be paid to this payee by this organization; None when it can."""
    found = session.execute(
        select(Engagement.status, Engagement.status_reason).where(
            Engagement.organization_id == organization_id, Engagement.payee_id == payee_id
        )
    ).one_or_none()
    if found is None or found.status is not EngagementStatus.SUSPENDED:
        return None
    return (found.status_reason or "").rstrip(".") or "no reason was given"


def refuse_suspended(session: Session, organization_id: UUID, payee_id: UUID) -> None:
    """Raises Conflict with the reason."""
    reason = suspension(session, organization_id, payee_id)
    if reason is not None:
        raise Conflict(f"The engagement is suspended: {reason}. Nothing is paid out until that ends.")


_SUSPENDED = text(
    """SELECT p.id FROM payouts p
    JOIN engagements e ON e.organization_id = p.organization_id AND e.payee_id = p.payee_id
    WHERE p.id = ANY(:ids) AND e.status = 'suspended'"""
)


def suspended(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the payouts whose engagement is suspended."""
    return list(session.execute(_SUSPENDED, {"ids": list(ids)}).scalars())


_OPEN = text(
    """SELECT id FROM payouts WHERE organization_id = :organization_id AND payee_id = :payee_id
    AND (status IN ('pending', 'approved') AND NOT :release OR hold_code = 'suspended' AND :release)
    ORDER BY id FOR UPDATE"""
)


def follow(session: Session, actor: Actor, organization_id: UUID, payee_id: UUID) -> list[UUID]:
    """Hold what was not sent yet while the engagement is suspended, else let it go on; returns what moved.

    Called after every change of an engagement, any number of times.
    """
    reason = suspension(session, organization_id, payee_id)
    parameters = {"organization_id": organization_id, "payee_id": payee_id, "release": reason is None}
    ids = list(session.execute(_OPEN, parameters).scalars())
    if reason is None:
        note = "The suspension ended; approve it again."
        return move(session, actor, ids, PayoutStatus.PENDING, note=note, only_from=PayoutStatus.ON_HOLD)
    return hold(session, actor, ids, reason)


def hold(session: Session, actor: Actor, ids: Sequence[UUID], reason: str | None = None) -> list[UUID]:
    note = f"On hold while the engagement is suspended: {reason}." if reason else HOLD_TEXT[HoldCode.SUSPENDED]
    return move(session, actor, ids, PayoutStatus.ON_HOLD, note=note, hold_code=HoldCode.SUSPENDED, hold_note=reason)
