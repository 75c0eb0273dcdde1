"""What an organization is charged between two invoices. The caller acts as the platform."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.billing.invoice_models import UnbilledCharge
from app.charges.client_models import Charge
from app.core.clock import utc_now
from app.core.money import Money
from app.core.topics import Topic
from app.db import outbox


def accrue(session: Session, charge: Charge) -> None:
    """A charge that succeeded waits for the invoice of its buyer. Once for each charge; nothing for no money."""
    if charge.buyer_organization_id is None or not charge.amount_minor:
        return
    outbox.emit(session, Topic.LIMITS_WATCHED, organization_id=charge.buyer_organization_id)
    session.execute(
        _ACCRUE,
        {
            "charge_id": charge.id, "organization_id": charge.buyer_organization_id, "currency": charge.currency,
            "description": charge.description, "amount_minor": charge.amount_minor,
            "charged_at": charge.succeeded_at or utc_now(),
        },
    )  # fmt: skip


_ACCRUE = text(
    """INSERT INTO unbilled_charges (charge_id, organization_id, currency, description, amount_minor, charged_at)
    VALUES (:charge_id, :organization_id, :currency, :description, :amount_minor, :charged_at)
    ON CONFLICT (charge_id) DO NOTHING"""
)


def reduce(session: Session, charge_id: UUID, amount: Money) -> bool:
    """So much of a charge went back before it was billed; False when it was billed already (a credit note is due)."""
    waiting = session.scalar(select(UnbilledCharge).where(UnbilledCharge.charge_id == charge_id).with_for_update())
    if waiting is None:
        return False
    if amount.minor >= waiting.amount_minor:
        session.delete(waiting)
    else:
        waiting.amount_minor -= amount.minor
    session.flush()
    return True


def unbilled(session: Session, organization_id: UUID, *, before: datetime | None = None) -> list[Money]:
    """Sums by currency, as far as the scope sees them."""
    query = select(UnbilledCharge.currency, func.sum(UnbilledCharge.amount_minor)).where(
        UnbilledCharge.organization_id == organization_id
    )
    if before is not None:
        query = query.where(UnbilledCharge.charged_at < before)
    rows = session.execute(query.group_by(UnbilledCharge.currency).order_by(UnbilledCharge.currency))
    return [Money(int(minor), currency) for currency, minor in rows]


_WAITING = text(
    """SELECT DISTINCT organization_id FROM unbilled_charges
    WHERE charged_at < :before AND (CAST(:after AS uuid) IS NULL OR organization_id > :after)
    ORDER BY organization_id LIMIT :most"""
)


def waiting(session: Session, before: datetime, after: UUID | None, most: int) -> list[UUID]:
    """Organizations with something to bill of before a moment, by id, after one of them."""
    return list(session.scalars(_WAITING, {"before": before, "after": after, "most": most}))
