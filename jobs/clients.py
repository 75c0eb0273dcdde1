"""Clients' money: read and commit, ask the provider outside any transaction, record. Any function may run again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.charges import client_service, fees
from app.charges.states import ChargeProvider
from app.consultations import booking, charging
from app.consultations.charging import Asked, AskedBack
from app.core.errors import Conflict
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.gateways import providers
from app.gateways.cards import CardError, Cards, Dispute, Intent, IntentStatus, NewsKind, Refund, Refused, Unanswered
from app.webhooks import queries
from app.webhooks import service as webhooks
from jobs import cards

log = logging.getLogger(__name__)


def ask(charge_id: str) -> None:
    """Begin a charge at its provider, or find out what became of it. Raises Unanswered, so that it is tried again."""
    with unit_of_work(Scope.platform("a charge to ask for")) as session:
        asked = charging.to_ask(session, UUID(charge_id))
    if asked is None:
        return
    try:
        intent = _intent(providers.cards(asked.provider.value), asked)
    except Unanswered:
        with unit_of_work(Scope.platform("a charge without an answer")) as session:
            client_service.unknown(session, asked.charge_id)
        raise
    except Refused as refusal:
        with unit_of_work(Scope.platform("a charge that was refused")) as session:
            charging.refused(session, SYSTEM, asked.charge_id, refusal.message)
        return
    with unit_of_work(Scope.platform("what the provider said of a charge")) as session:
        if intent is None:
            charging.never_asked(session, SYSTEM, asked.charge_id)
        else:
            charging.answered(session, SYSTEM, asked, intent)


def _intent(gateway: Cards, asked: Asked) -> Intent | None:
    """None: unwanted, and the provider never saw it."""
    found = gateway.find(asked.key, asked.reference) if asked.unsure or asked.reference or asked.unwanted else None
    if asked.unwanted:
        return gateway.cancel(found.reference) if found and found.status is IntentStatus.WAITING else found
    if asked.wished is not None:
        return cards.intent(gateway, asked, asked.wished, found)
    return found or gateway.create_intent(asked.key, asked.amount, asked.metadata)


def ask_fee(charge_id: str) -> None:
    """What the provider kept of a charge. Not known yet: the sweep asks again. Raises Unanswered."""
    with unit_of_work(Scope.platform("a charge whose fee is asked for")) as session:
        asked = fees.to_ask(session, UUID(charge_id))
    if asked is None:
        return
    try:
        fee = providers.cards(asked.provider.value).fee(asked.reference, asked.amount)
    except (Refused, Conflict) as refusal:
        log.warning("a fee that cannot be asked for: %s", refusal.message)
        return
    if fee is not None:
        with unit_of_work(Scope.platform("what a provider kept of a charge")) as session:
            fees.known(session, SYSTEM, asked.charge_id, fee)


def give_back(return_id: str) -> None:
    """Ask for a refund, or find out what became of it. Raises Unanswered, so that it is tried again."""
    with unit_of_work(Scope.platform("a refund to ask for")) as session:
        asked = charging.to_give_back(session, UUID(return_id))
    if asked is None:
        return
    try:
        refund = _refund(providers.cards(asked.provider.value), asked)
    except Unanswered:
        with unit_of_work(Scope.platform("a refund without an answer")) as session:
            client_service.unknown_return(session, asked.return_id)
        raise
    except Refused as refusal:
        with unit_of_work(Scope.platform("a refund that was refused")) as session:
            charging.not_given_back(session, SYSTEM, asked.return_id, refusal.message)
        return
    with unit_of_work(Scope.platform("what the provider said of a refund")) as session:
        charging.given_back(session, SYSTEM, asked.return_id, refund)


def _refund(gateway: Cards, asked: AskedBack) -> Refund:
    known = None
    if asked.unsure or asked.reference:
        known = gateway.find_refund(asked.key, asked.intent_reference, asked.reference)
    return known or gateway.refund(asked.key, asked.intent_reference, asked.amount)


def hear(webhook_ids: Sequence[str]) -> None:
    """What a provider told us of: asked there how it stands now, and that is applied. Each in a transaction of its own.

    Raises Unanswered, so that it is tried again.
    """
    failure: Unanswered | None = None
    for webhook_id in webhook_ids:
        try:
            _hear(UUID(webhook_id))
        except Unanswered as unknown:
            failure = unknown
    if failure:
        raise failure


def _hear(webhook_id: UUID) -> None:
    with unit_of_work(Scope.platform("what a provider told us of")) as session:
        found = next(iter(queries.unapplied_events(session, [webhook_id])), None)
        provider = ChargeProvider(found.event["provider"]) if found else ChargeProvider.STRIPE
        why_not = str(found.event.get("ignored", "")) if found else ""
        if found and why_not:
            webhooks.ignored(session, [webhook_id], why_not)
        about_us = found is not None and not why_not and charging.concerns(session, provider, found.event)
    if found is None or why_not:
        return
    try:
        told = _asked_about(provider, found.event) if about_us else None
    except Refused as refusal:
        told, about_us = None, False
        log.warning("news of nothing the provider knows: %s", refusal)
    with unit_of_work(Scope.platform("apply what a provider told us of")) as session:
        if not queries.unapplied_events(session, [webhook_id]):
            return
        if told is None:
            webhooks.ignored(session, [webhook_id], "not a charge of ours")
        else:
            webhooks.applied(session, [webhook_id], charging.heard(session, SYSTEM, provider, told))


def _asked_about(provider: ChargeProvider, event: Mapping[str, str]) -> Intent | Refund | Dispute | None:
    gateway, kind = providers.cards(provider.value), NewsKind(event["kind"])
    if kind is NewsKind.INTENT:
        return gateway.find("", event["reference"])
    return gateway.refund_of(event["reference"]) if kind is NewsKind.REFUND else gateway.dispute(event["reference"])


def look_up() -> None:
    """The sweep: charges and refunds nobody heard of. Lost answers and lost webhooks end here."""
    with unit_of_work(Scope.platform("charges nobody heard of")) as session:
        charges, returns = charging.stale(session)
        without_fee = fees.unknown(session)
    with unit_of_work(Scope.platform("earnings the client's bank has questioned")) as session:
        charging.withhold_again(session, SYSTEM)
    failure: CardError | None = None
    for charge_id in charges:
        with contextlib.suppress(Unanswered):
            ask(str(charge_id))
    for return_id in returns:
        try:
            give_back(str(return_id))
        except Unanswered as unknown:
            failure = unknown
    for charge_id in without_fee:
        with contextlib.suppress(Unanswered):
            ask_fee(str(charge_id))
    if failure:
        raise failure


def confirm(consultation_id: str) -> None:
    """A consultation was paid: its time is the client's, or the money goes back."""
    with unit_of_work(Scope.platform("a paid consultation")) as session:
        booking.confirm(session, SYSTEM, UUID(consultation_id))
