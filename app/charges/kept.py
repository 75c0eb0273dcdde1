"""The card an organization keeps: kept after it paid, charged again while nobody is there, removed. Nothing here asks
a provider: `jobs/cards.py` does, outside of any transaction, and records here.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.charges import client_service as client
from app.charges.client_models import Charge
from app.charges.kept_models import CardCustomer, CardWish, PaymentMethod
from app.charges.states import ChargeProvider, ChargeStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.gateways.cards import CardFacts, CardReference
from app.organizations import service as organizations

GONE = "The card that was kept has been removed. Pay with another one."
ANOTHER = "This was begun with another provider of cards. Give a card for it."


def active(session: ScopedSession, organization_id: UUID) -> PaymentMethod | None:
    """The card that is kept, as far as the scope sees it."""
    return session.scalar(
        select(PaymentMethod).where(
            PaymentMethod.organization_id == organization_id, PaymentMethod.removed_at.is_(None)
        )
    )


def usable(session: ScopedSession, actor: Actor, payment_method_id: UUID) -> PaymentMethod:
    """Raises NotFound, Forbidden for one of somebody else, Conflict for one that was removed."""
    found = session.get(PaymentMethod, payment_method_id)
    if found is None:
        raise NotFound("There is no such card.")
    actor.require_organization(found.organization_id)
    if found.removed_at is not None:
        raise Conflict(GONE)
    return found


def wish_to_keep(session: ScopedSession, actor: Actor, charge: Charge, keep: bool) -> None:
    """Whether the card that is asked for next is kept once it has paid. The charge is locked."""
    wish = _wish(session, charge, actor)
    if wish is None and not keep:
        return
    wish = wish or _new_wish(session, actor, charge)
    changed, wish.keep, wish.payment_method_id = wish.keep is not keep, keep, None
    session.flush()
    if changed and charge.provider is ChargeProvider.STRIPE and charge.provider_reference:
        outbox.emit(session, Topic.CHARGE_ASKED, charge_id=charge.id)  # the provider has to know, too


def being_charged(session: ScopedSession, charge: Charge) -> bool:
    """Whether a job asks for it, or will: there is nothing to ask for a second time."""
    if charge.status not in client.OPEN:
        return False
    if charge.provider is ChargeProvider.SIMULATED:
        return charge.provider_reference is not None
    return (
        charge.status is ChargeStatus.UNKNOWN
        or charge.provider_reference is None
        or charged_with(session, charge) is not None
    )


def charged_with(session: ScopedSession, of: Charge) -> UUID | None:
    """The kept card that is charged for it, for the amount as it is; None: none of them is."""
    wish = _wish(session, of) if of.status in client.OPEN else None
    return wish.payment_method_id if wish else None


def expired(card: PaymentMethod) -> bool:
    return (card.expiry_year, card.expiry_month) < (utc_now().year, utc_now().month)


def charge(session: ScopedSession, actor: Actor, of: Charge, card: PaymentMethod) -> None:
    """Have the job charge the card that is kept. `of` is locked, and nothing else is charged for it."""
    wish = _wish(session, of, actor) or _new_wish(session, actor, of)
    wish.keep, wish.payment_method_id, wish.attempt = False, card.id, wish.attempt + 1
    session.flush()
    if of.provider is ChargeProvider.SIMULATED:
        client.card_given(session, actor, of.id, f"kept-{card.reference.rpartition('_')[2]}")
    else:
        outbox.emit(session, Topic.CHARGE_ASKED, charge_id=of.id)
    audit.record(
        session, actor, "payment_method.charged", "payment_method", card.id, organization_id=card.organization_id,
        charge_id=of.id, amount_minor=of.amount_minor, currency=of.currency,
    )  # fmt: skip


def paid(session: ScopedSession, of: Charge) -> None:
    """It was paid: the card is kept by a job if that was wished."""
    wish = _wish(session, of)
    if wish is not None and wish.keep:
        outbox.emit(session, Topic.CARD_PAID, charge_id=of.id)


def refused(session: ScopedSession, of: Charge) -> None:
    """The kept card did not pay it: whoever pays next says with what."""
    wish = _wish(session, of)
    if wish is not None:
        wish.payment_method_id = None
        session.flush()


@dataclass(frozen=True, slots=True)
class Wished:
    """For the job that asks. `customer` None: the provider does not know the organization yet. `card`: charge this one
    while nobody is there; `gone`: it was removed since, nothing new is charged with it."""

    organization_id: UUID
    organization_name: str
    customer: str | None
    keep: bool
    card: CardReference | None
    attempt: int
    gone: bool


def wished(session: ScopedSession, of: Charge) -> Wished | None:
    """None for a card that is charged once, as most are."""
    wish = _wish(session, of)
    if wish is None:
        return None
    card = session.get(PaymentMethod, wish.payment_method_id) if wish.payment_method_id else None
    return Wished(
        wish.organization_id, organizations.get(session, wish.organization_id).name,
        customer(session, wish.organization_id, of.provider), wish.keep,
        CardReference(card.customer_reference, card.reference) if card else None, wish.attempt,
        card is not None and card.removed_at is not None,
    )  # fmt: skip


def customer(session: ScopedSession, organization_id: UUID, provider: ChargeProvider) -> str | None:
    query = select(CardCustomer.reference).where(
        CardCustomer.organization_id == organization_id, CardCustomer.provider == provider
    )
    return session.scalar(query)


def customer_made(session: ScopedSession, organization_id: UUID, provider: ChargeProvider, reference: str) -> str:
    """The provider knows the organization now; whoever was first counts. Returns that one's reference."""
    locks.hold(session, "card_customer", organization_id, provider.value)
    known = customer(session, organization_id, provider)
    if known is not None:
        return known
    session.add(CardCustomer(id=new_id(), organization_id=organization_id, provider=provider, reference=reference))
    session.flush()
    return reference


@dataclass(frozen=True, slots=True)
class ToKeep:
    charge_id: UUID
    provider: ChargeProvider
    reference: str


def to_keep(session: ScopedSession, charge_id: UUID) -> ToKeep | None:
    """None when nobody wishes it, or it was not paid."""
    of = session.get(Charge, charge_id)
    wish = _wish(session, of) if of is not None else None
    if of is None or wish is None or not wish.keep or of.status is not ChargeStatus.SUCCEEDED:
        return None
    return ToKeep(of.id, of.provider, of.provider_reference or "")


def kept(session: ScopedSession, charge_id: UUID, found: CardFacts) -> PaymentMethod | None:
    """What the provider says of the card that paid: kept from now on, instead of the one before. Twice is once."""
    of = client.locked(session, charge_id)
    wish = _wish(session, of)
    if wish is None or not wish.keep:
        return None
    wish.keep = False
    locks.hold(session, "payment_method", wish.organization_id)
    same = (PaymentMethod.provider == of.provider, PaymentMethod.reference == found.reference)
    known = session.scalar(select(PaymentMethod).where(*same))
    if known is not None:
        return known
    actor = Actor(wish.asked_by, "system", wish.asked_by_account_id)
    before = active(session, wish.organization_id)
    if before is not None:
        _remove(session, actor, before)
    made = PaymentMethod(
        id=new_id(), organization_id=wish.organization_id, provider=of.provider, customer_reference=found.customer,
        reference=found.reference, brand=found.brand, last_four=found.last_four, expiry_month=found.expiry_month,
        expiry_year=found.expiry_year, added_by=wish.asked_by, added_by_account_id=wish.asked_by_account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, actor, made, "payment_method.kept")
    return made


def remove(session: ScopedSession, actor: Actor, organization_id: UUID, payment_method_id: UUID) -> None:
    """Nothing is charged with it from now on; a job has the provider forget it. Twice is once.

    Raises Forbidden, NotFound.
    """
    actor.require(Permission.BILLING_MANAGE)
    actor.require_organization(organization_id)
    with session.elevated("an organization's card is removed"):
        locks.hold(session, "payment_method", organization_id)
        found = session.get(PaymentMethod, payment_method_id, with_for_update=True, populate_existing=True)
        if found is None or found.organization_id != organization_id:
            raise NotFound("There is no such card.")
        if found.removed_at is None:
            _remove(session, actor, found)


def to_detach(session: ScopedSession, payment_method_id: UUID) -> PaymentMethod | None:
    """None when it is kept, or the provider forgot it already."""
    found = session.get(PaymentMethod, payment_method_id)
    return None if found is None or found.removed_at is None or found.detached_at is not None else found


def detached(session: ScopedSession, payment_method_id: UUID) -> None:
    session.get_one(PaymentMethod, payment_method_id).detached_at = utc_now()


def _remove(session: ScopedSession, actor: Actor, card: PaymentMethod) -> None:
    card.removed_at, card.removed_by, card.removed_by_account_id = utc_now(), actor.label, actor.account_id
    session.flush()
    outbox.emit(session, Topic.CARD_REMOVED, payment_method_id=card.id)
    _note(session, actor, card, "payment_method.removed")


def _wish(session: ScopedSession, of: Charge, actor: Actor | None = None) -> CardWish | None:
    """`actor`: who wishes something else from now on."""
    found = session.scalar(select(CardWish).where(CardWish.charge_id == of.id))
    if found is not None and actor is not None:
        found.asked_by, found.asked_by_account_id = actor.label, actor.account_id
    return found


def _new_wish(session: ScopedSession, actor: Actor, of: Charge) -> CardWish:
    made = CardWish(
        id=new_id(), organization_id=of.organization_id, charge_id=of.id, keep=False, attempt=0,
        asked_by=actor.label, asked_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _note(session: ScopedSession, actor: Actor, card: PaymentMethod, action: str) -> None:
    audit.record(
        session, actor, action, "payment_method", card.id, organization_id=card.organization_id, brand=card.brand,
        last_four=card.last_four,
    )  # fmt: skip
