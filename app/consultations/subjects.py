"""What a charge is for, and what follows when its provider answers: one entry for each `subject_kind`.

`charging` asks and hears providers and knows no subject; whoever charges for something new adds one line below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.billing import invoice_cards, pack_returns, packs
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.charges.client_models import Charge
from app.charges.states import ReturnKind
from app.consultations import late, money
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession

GONE = (ConsultationStatus.EXPIRED, ConsultationStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class About:
    """`unwanted`: its time is over, nobody shall pay it any more. `metadata`: what the provider is told of it."""

    unwanted: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """What follows. The charge's or return's id comes third; all are idempotent and act as the platform.

    `disputed` (with the locked charge, the amount, the reason and the provider's reference) returns the return's id.
    """

    about: Callable[[ScopedSession, Charge], About]
    paid: Callable[[ScopedSession, Actor, UUID], None]
    failed: Callable[[ScopedSession, Actor, UUID, str], None]
    returned: Callable[[ScopedSession, Actor, UUID], None]
    not_returned: Callable[[ScopedSession, Actor, UUID, str], None]
    came_back: Callable[[ScopedSession, Actor, UUID, str], None]
    disputed: Callable[[ScopedSession, Actor, Charge, Money, str, str], UUID]


def of(charge: Charge) -> Subject:
    """Raises KeyError for a kind nobody knows, which is a fault of ours."""
    return _SUBJECTS[charge.subject_kind]


def _about_consultation(session: ScopedSession, charge: Charge) -> About:
    held = session.get_one(Consultation, charge.subject_id)
    minutes = int((held.ends_at - held.starts_at).total_seconds()) // 60
    metadata = {
        "charge_id": str(charge.id), "consultation_id": str(held.id), "advisor_id": str(held.payee_id),
        "duration_minutes": str(minutes),
    }  # fmt: skip
    return About(held.status in GONE, metadata)


def _about_pack(session: ScopedSession, charge: Charge) -> About:
    pack = session.get_one(SeatPack, charge.subject_id)
    metadata = {
        "charge_id": str(charge.id), "seat_pack_id": str(pack.id), "organization_id": str(pack.organization_id),
        "credits": str(pack.credits),
    }  # fmt: skip
    return About(pack.status is PackStatus.CANCELLED, metadata)


def _about_invoice(session: ScopedSession, charge: Charge) -> About:
    metadata = {
        "charge_id": str(charge.id), "invoice_id": str(charge.subject_id),
        "organization_id": str(charge.organization_id),
    }  # fmt: skip
    return About(invoice_cards.unwanted(session, charge), metadata)


def _dispute_consultation(
    session: ScopedSession, actor: Actor, charge: Charge, amount: Money, reason: str, reference: str
) -> UUID:
    return money.give_back(
        session, actor, charge.subject_id, amount=amount, kind=ReturnKind.DISPUTE, reason=reason, reference=reference
    ).id


_SUBJECTS: dict[str, Subject] = {
    money.SUBJECT: Subject(
        _about_consultation, money.paid, money.failed, money.returned, money.not_returned, late.came_back,
        _dispute_consultation,
    ),
    packs.SUBJECT: Subject(
        _about_pack, packs.paid, packs.failed, pack_returns.returned, pack_returns.not_returned, pack_returns.came_back,
        pack_returns.disputed,
    ),
    invoice_cards.SUBJECT: Subject(
        _about_invoice, invoice_cards.paid, invoice_cards.failed, invoice_cards.returned, invoice_cards.not_returned,
        invoice_cards.came_back, invoice_cards.disputed,
    ),
}  # fmt: skip
