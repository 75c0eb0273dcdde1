"""Recording one earning that is not a bill's: of a project, whose amount was just agreed to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.db.types import new_id
from app.earnings.models import Earning, EarningKind, HeldEarning, HoldReason, ReadyEarning
from app.earnings.rules import HOLD_TEXT
from app.ledger import recipes
from app.ledger import service as ledger


def record(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    amount: Money,
    *,
    kind: EarningKind,
    rule: str,
    source_kind: str,
    source_id: UUID,
    earned_on: date,
    description: str,
    available_at: datetime,
    hold_reason: HoldReason = HoldReason.TERMS,
    reference: str | None = None,
) -> UUID:
    """One earning above or below zero with its ledger entry: held until `available_at`, or ready when that has passed.

    Returns its id; the same source is recorded once, and a repeat returns the first id. The caller has checked the
    permission to promise this money.
    """
    now, earning_id = utc_now(), new_id()
    with session.elevated("an earning whose approval was checked"):
        known: UUID | None = session.scalar(
            select(Earning.id).where(
                Earning.organization_id == organization_id,
                Earning.source_kind == source_kind,
                Earning.source_id == source_id,
            )
        )
        if known is not None:
            return known
        own: dict[str, Any] = {"organization_id": organization_id, "payee_id": payee_id}
        session.execute(
            insert(Earning).values(
                id=earning_id, kind=kind, amount_minor=amount.minor, currency=amount.currency,
                basis_minor=amount.minor, rule=rule, source_kind=source_kind, source_id=source_id,
                earned_on=earned_on, description=description, reference=reference, created_at=now, **own,
            )
        )  # fmt: skip
        place = {"earning_id": earning_id, "currency": amount.currency, "amount_minor": amount.minor, **own}
        held = available_at > now
        if held:
            session.execute(insert(HeldEarning).values(reason=hold_reason, available_at=available_at, **place))
        else:
            session.execute(insert(ReadyEarning).values(ready_at=now, **place))
        recipe = recipes.EARNING_HELD if held else recipes.EARNING_READY
        ledger.post(session, recipe, ref=str(earning_id), amount=amount, memo=reference, **own)
        audit.timeline(
            session, actor, "earning", earning_id, "held" if held else "ready",
            note=HOLD_TEXT[hold_reason] if held else "Ready to be paid.",
            evidence={"available_at": available_at.isoformat()} if held else None, **own,
        )  # fmt: skip
    return earning_id
