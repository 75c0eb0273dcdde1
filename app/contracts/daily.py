"""What the clock does to contracts: those nobody signed in time expire, the others are reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.contracts import rules, service
from app.contracts.models import Contract
from app.contracts.rules import Witness
from app.contracts.states import OPEN, TO_SIGN
from app.core.clock import utc_now
from app.core.scope import SYSTEM
from app.db.session import ScopedSession


def open_ids(session: ScopedSession, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Contracts somebody still has to sign, in the order of their ids. Needs a platform scope."""
    query = select(Contract.id).where(Contract.status.in_(OPEN))
    if after is not None:
        query = query.where(Contract.id > after)
    return session.scalars(query.order_by(Contract.id).limit(limit)).all()


def step(session: ScopedSession, contract_id: UUID) -> str:
    """Expire or remind one contract; says which of the two it did. Running it again does nothing more."""
    contract = service.locked(session, SYSTEM, contract_id)
    now = utc_now()
    if contract.status not in OPEN or contract.sent_at is None or contract.expires_at is None:
        return ""
    if now >= contract.expires_at:
        service.expire(session, contract)
        return "expired"
    due = rules.reminder_due(contract.sent_at, contract.expires_at, contract.reminded_at, now)
    if contract.status in TO_SIGN and due:
        service.send_reminder(session, SYSTEM, contract, Witness())
        return "reminded"
    return ""
