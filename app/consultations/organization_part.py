"""What the organization that engages the consultant earns of a booking: an earning of its own payee.

It is held, becomes ready and goes back with what the consultants earn. Where an organization was no payee yet when a
booking was paid, its part stays in its funds, and what it gives back is taken from there (docs/providers.md).
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.charges.client_models import ChargeReturn
from app.consultations.models import Consultation
from app.core.clock import utc_now
from app.core.money import Money
from app.db.session import ScopedSession
from app.earnings.models import EarningKind, HoldReason
from app.earnings.recording import NewEarning
from app.organizations import own_payee

SOURCE, RETURN_SOURCE, UNDONE_SOURCE = (
    "consultation_organization",
    "consultation_organization_return",
    "consultation_organization_undone",
)
_EARNED = text(
    """SELECT id, payee_id FROM earnings
    WHERE organization_id = :organization_id AND source_kind = :source AND source_id = :source_id"""
)
_WAITS = text("SELECT reason FROM held_earnings WHERE earning_id = :id FOR UPDATE")


def earned(session: ScopedSession, held: Consultation, on: date) -> list[NewEarning]:
    """The organization's part of a booking that was paid: one earning, or none. The caller acts as the platform."""
    payee_id = own_payee.find(session, held.organization_id) if held.organization_minor else None
    if payee_id is None:
        return []
    rule = {name: value for name, value in held.pricing.items() if name != "shares"}
    return [
        NewEarning(
            organization_id=held.organization_id,
            payee_id=payee_id,
            amount=Money(held.organization_minor, held.currency),
            kind=EarningKind.BOOKING,
            rule="booking_organization",
            rule_version=max(1, held.pricing["rule_version"]),
            rule_detail={**rule, "consultation_id": str(held.id)},
            source_kind=SOURCE,
            source_id=held.id,
            earned_on=on,
            description=f"{held.title} with {held.client_first_name}",
            available_at=None,
            hold_reason=HoldReason.SESSION,
            basis_minor=held.list_minor,
            share_bps=held.pricing["organization_bps"],
        )
    ]


def _first(session: ScopedSession, held: Consultation, source: str, source_id: UUID) -> Any | None:
    asked = {"organization_id": held.organization_id, "source": source, "source_id": source_id}
    session.flush()
    return session.execute(_EARNED, asked).one_or_none()


def given_back(session: ScopedSession, held: Consultation, back: ChargeReturn, on: date, what: str) -> list[NewEarning]:
    """What a return takes from it, waiting as long as what it takes from. Nothing where nothing was earned."""
    first = _first(session, held, SOURCE, held.id) if back.organization_minor else None
    if first is None:
        return []
    waits = session.execute(_WAITS, {"id": first.id}).scalar()
    return [
        _reversal(
            held, back, first.payee_id, -back.organization_minor, "booking_reversal", RETURN_SOURCE, on,
            f"{what} of {held.title} with {held.client_first_name}: {back.reason}",
            HoldReason(waits) if waits else None,
        )
    ]  # fmt: skip


def undone(session: ScopedSession, held: Consultation, back: ChargeReturn, on: date, what: str) -> list[NewEarning]:
    """What it gave back is with it again; it waits as the consultants' does."""
    gave = _first(session, held, RETURN_SOURCE, back.id)
    if gave is None:
        return []
    waits = HoldReason.REFUND if back.settled_at is None else HoldReason.SESSION
    told = f"{what}: {held.title} with {held.client_first_name}"
    rule, minor = "booking_reversal_undone", back.organization_minor
    return [_reversal(held, back, gave.payee_id, minor, rule, UNDONE_SOURCE, on, told, waits)]


def _reversal(
    held: Consultation, back: ChargeReturn, payee_id: UUID, minor: int, rule: str, source: str, on: date,
    description: str, waits: HoldReason | None,
) -> NewEarning:  # fmt: skip
    return NewEarning(
        organization_id=held.organization_id,
        payee_id=payee_id,
        amount=Money(minor, held.currency),
        kind=EarningKind.REVERSAL,
        rule=rule,
        rule_detail={"consultation_id": str(held.id), "reason": back.reason, "returned_minor": back.amount_minor},
        source_kind=source,
        source_id=back.id,
        earned_on=on,
        description=description,
        available_at=None if waits else utc_now(),
        hold_reason=waits or HoldReason.SESSION,
    )
