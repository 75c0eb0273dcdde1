"""Cards that organizations keep: asked of the provider outside any transaction, recorded after. Any may run again."""

from __future__ import annotations

import logging
from uuid import UUID

from app.charges import kept
from app.charges.kept import Wished
from app.consultations.charging import Asked
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.gateways import providers
from app.gateways.cards import CardReference, Cards, Intent, IntentStatus, Refused

log = logging.getLogger(__name__)


def intent(gateway: Cards, asked: Asked, wished: Wished, found: Intent | None) -> Intent:
    """Begin, or go on with, a charge whose card is kept, or which is charged on the kept one. Raises Unanswered,
    Refused."""
    if found is not None and found.status is not IntentStatus.WAITING:
        return found
    if wished.card is not None:
        if wished.gone and (found is None or found.attempt != str(wished.attempt)):
            raise Refused(kept.GONE, "removed")
        return gateway.charge_kept(asked.key, wished.attempt, asked.amount, asked.metadata, wished.card, found)
    if found is None:
        customer = _customer(gateway, asked, wished) if wished.keep else ""
        return gateway.create_intent(asked.key, asked.amount, asked.metadata, customer)
    if found.keeps is wished.keep:
        return found
    return gateway.keep(found.reference, _customer(gateway, asked, wished), wished.keep)


def _customer(gateway: Cards, asked: Asked, wished: Wished) -> str:
    if wished.customer is not None:
        return wished.customer
    made = gateway.create_customer(str(wished.organization_id), wished.organization_name)
    with unit_of_work(Scope.platform("whom a provider keeps an organization's cards for")) as session:
        return kept.customer_made(session, wished.organization_id, asked.provider, made)


def keep(charge_id: str) -> None:
    """A charge was paid, and its card is to be kept. Raises Unanswered, so that it is tried again."""
    with unit_of_work(Scope.platform("a card to keep")) as session:
        asked = kept.to_keep(session, UUID(charge_id))
    if asked is None:
        return
    try:
        found = providers.cards(asked.provider.value).facts(asked.reference)
    except Refused as refusal:
        log.warning("a card that cannot be kept: %s", refusal.message)
        return
    if found is None:
        log.info("paid by what is no card, or cannot be kept")
        return
    with unit_of_work(Scope.platform("a card that is kept")) as session:
        kept.kept(session, asked.charge_id, found)


def forget(payment_method_id: str) -> None:
    """A card was removed: its provider forgets it, too. Raises Unanswered, so that it is tried again."""
    with unit_of_work(Scope.platform("a card to forget")) as session:
        card = kept.to_detach(session, UUID(payment_method_id))
        asked = None if card is None else (card.provider.value, CardReference(card.customer_reference, card.reference))
    if asked is None:
        return
    try:
        providers.cards(asked[0]).forget(asked[1])
    except Refused as refusal:
        log.warning("a card its provider had forgotten already, or does not know: %s", refusal.message)
    with unit_of_work(Scope.platform("a card its provider forgot")) as session:
        kept.detached(session, UUID(payment_method_id))
