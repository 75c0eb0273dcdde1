"""A consultant who earned in every way there is: booked by a client, shared, given back, adjusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import booking, money
from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.core import clock
from app.core.money import Money
from app.core.scope import SYSTEM, operator
from app.db.session import unit_of_work
from app.earnings import adjustments
from app.earnings.rate_models import AdjustmentKind
from tests.factories import bookings
from tests.factories.people import PLATFORM


@dataclass(frozen=True, slots=True)
class World:
    """`held` is over, `coming` paid for, `refunded` given back, `hers` held by `partner`, who shares it 3 to 1."""

    payee_id: UUID
    partner: UUID
    client: UUID
    held: UUID
    coming: UUID
    refunded: UUID
    hers: UUID


def paid(what: Offering, payee_id: UUID, client: UUID, *, hours: int, over: bool = False) -> Consultation:
    """Booked, paid and confirmed; `over`: held too."""
    made = bookings.booked(what, payee_id, client, hours=hours)
    with unit_of_work(PLATFORM) as session:
        charge = money.charge(session, SYSTEM, session.get_one(Consultation, made.id), ChargeProvider.SIMULATED)
        money.paid(session, SYSTEM, charge.id)
        booking.confirm(session, SYSTEM, made.id)
    if over:
        with clock.at(made.ends_at + timedelta(minutes=5)), unit_of_work(PLATFORM) as session:
            booking.complete(session, SYSTEM, [made.id])
    return made


def refund(consultation_id: UUID, reason: str = "Canceled in time") -> None:
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(session, SYSTEM, consultation_id, amount=None, kind=ReturnKind.REFUND, reason=reason).id
        money.returned(session, SYSTEM, back)


def world(organization_id: UUID, payee_id: UUID, partner: UUID, client: UUID) -> World:
    """In dollars: $100 split by the organization's rates, thrice, and $200 of the partner's; a bonus of $12."""
    own = bookings.offering(organization_id, payee_id, 100_00, minutes=60)
    hers = bookings.offering(organization_id, partner, 200_00, minutes=30)
    bookings.collaborators(hers.id, (partner, 3), (payee_id, 1))
    held = paid(own, payee_id, client, hours=1, over=True)
    coming = paid(own, payee_id, client, hours=72)
    back = paid(own, payee_id, client, hours=120)
    refund(back.id)
    shared = paid(hers, partner, client, hours=2, over=True)
    with unit_of_work(PLATFORM) as session:
        adjustments.make(
            session, operator(), organization_id=organization_id, payee_id=payee_id, kind=AdjustmentKind.BONUS,
            amount=Money(12_00, "USD"), reason="Ten sessions in a week", note="",
        )  # fmt: skip
    return World(payee_id, partner, client, held.id, coming.id, back.id, shared.id)
