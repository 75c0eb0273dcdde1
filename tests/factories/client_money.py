"""Consultations with their money: paid by a test card, over, given back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.charges.client_models import ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import late, money
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from tests.factories import bookings as make
from tests.factories.people import PLATFORM


def paid(held: Consultation, provider: ChargeProvider = ChargeProvider.SIMULATED) -> UUID:
    """The charge of a booking of `bookings.booked`, paid; the consultation is booked."""
    with unit_of_work(PLATFORM) as session:
        charge_id = money.charge(session, SYSTEM, held, provider).id
        money.paid(session, SYSTEM, charge_id)
    make.advance(held.id, ConsultationStatus.BOOKED)
    return charge_id


def begun(consultation_id: UUID, ago: timedelta = timedelta(hours=3)) -> None:
    """As if it had started a while ago."""
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """UPDATE consultations SET starts_at = now() - CAST(:ago AS interval), clock_at = starts_at,
                ends_at = now() - CAST(:ago AS interval) + (ends_at - starts_at) WHERE id = :id"""
            ),
            {"id": consultation_id, "ago": ago},
        )


def asked_back(consultation_id: UUID, minor: int | None = None, kind: ReturnKind = ReturnKind.REFUND) -> UUID:
    """A return that waits for its provider, or its bank."""
    with unit_of_work(PLATFORM) as session:
        of = money.charge_of(session, consultation_id)
        assert of is not None
        return money.give_back(
            session, SYSTEM, consultation_id, amount=None if minor is None else Money(minor, of.currency), kind=kind,
            reason="Late", reference=f"dp_{consultation_id.hex[-6:]}" if kind is ReturnKind.DISPUTE else None,
        ).id  # fmt: skip


def refused(return_id: UUID, message: str = "The card has expired.") -> None:
    with unit_of_work(PLATFORM) as session:
        money.not_returned(session, SYSTEM, return_id, message)


def returned(return_id: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        money.returned(session, SYSTEM, return_id)


def came_back(return_id: UUID, message: str = "The account was closed.") -> None:
    with unit_of_work(PLATFORM) as session:
        late.came_back(session, SYSTEM, return_id, message)


def returns() -> list[tuple[str, int, str]]:
    """(kind, minor units, status) of every return, oldest first."""
    with unit_of_work(PLATFORM) as session:
        rows = session.query(ChargeReturn).order_by(ChargeReturn.created_at, ChargeReturn.id).all()
        return [(row.kind.value, row.amount_minor, row.status.value) for row in rows]
