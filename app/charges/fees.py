"""What the provider keeps of a charge: asked for once it is known, borne by the platform, never in anybody's way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.charges import client_service as client
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ChargeStatus
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.ledger import recipes
from app.ledger import service as ledger

LOOK_BACK = timedelta(days=30)  # a provider says it within days


@dataclass(frozen=True, slots=True)
class AskedFee:
    """A charge whose fee nobody has told yet. `reference` is the provider's."""

    charge_id: UUID
    provider: ChargeProvider
    reference: str
    amount: Money


def to_ask(session: ScopedSession, charge_id: UUID) -> AskedFee | None:
    """None when the fee is known, or nothing was paid at a provider."""
    of = session.get(Charge, charge_id)
    if of is None or of.status is not ChargeStatus.SUCCEEDED or of.provider not in client.BY_CARD:
        return None
    if of.processor_fee_minor is not None or not of.provider_reference:
        return None
    return AskedFee(of.id, of.provider, of.provider_reference, of.amount)


def known(session: ScopedSession, actor: Actor, charge_id: UUID, fee: Money) -> bool:
    """The provider said what it kept; False when that was known. Its currency is the provider's, perhaps not the
    charge's: it is kept and posted in its own. The caller acts as the platform.
    """
    of = client.locked(session, charge_id)
    if of.processor_fee_minor is not None or of.status is not ChargeStatus.SUCCEEDED:
        return False
    of.processor_fee_minor, of.processor_fee_currency = fee.minor, fee.currency
    ledger.post(
        session, recipes.PROCESSOR_FEE, ref=str(of.id), organization_id=of.organization_id, amount=fee,
        rail=of.provider.value, memo=of.description,
    )  # fmt: skip
    audit.record(
        session, actor, "charge.fee_known", "charge", of.id, organization_id=of.organization_id,
        amount_minor=fee.minor, currency=fee.currency,
    )  # fmt: skip
    return True


def given_back(session: ScopedSession, return_id: UUID, fee: Money) -> None:
    """The provider says that it gives a part of its fee back with a refund. Once for each; most give nothing."""
    back = session.get_one(ChargeReturn, return_id)
    of = session.get_one(Charge, back.charge_id)
    ledger.post(
        session, recipes.PROCESSOR_FEE, ref=f"{back.id}.back", organization_id=of.organization_id, amount=-fee,
        rail=of.provider.value, memo=back.reason,
    )  # fmt: skip


def unknown(session: ScopedSession, limit: int = 50) -> list[UUID]:
    """Charges of the last month whose fee nobody has told, those of the last minutes apart; oldest first."""
    now = utc_now()
    query = select(Charge.id).where(
        Charge._status == ChargeStatus.SUCCEEDED,
        Charge.processor_fee_minor.is_(None),
        Charge.provider != ChargeProvider.FUNDS,  # as the index says
        Charge.provider.in_(client.BY_CARD),
        Charge.provider_reference.is_not(None),
        Charge.succeeded_at.between(now - LOOK_BACK, now - client.STALE),
    )
    return list(session.scalars(query.order_by(Charge.succeeded_at).limit(limit)))
