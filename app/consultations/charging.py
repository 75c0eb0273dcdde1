"""What jobs need to ask a provider for a client's money, and what follows from its answers. No network here.

A job reads what to ask and commits, asks outside any transaction, and records the answer. Whatever happens to it in
between, the next run finds the charge as it was and looks it up before it asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text

from app.charges import client_service as client
from app.charges import fees, kept
from app.charges.client_models import Charge, ChargeReturn
from app.charges.kept import Wished
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind, ReturnStatus
from app.consultations import standing, subjects
from app.consultations.subjects import Subject
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.gateways.cards import Dispute, DisputeStatus, Intent, IntentStatus, NewsKind, Refund, RefundStatus

log = logging.getLogger(__name__)
WITHOUT_PROVIDER = (ChargeProvider.FUNDS, ChargeProvider.CREDIT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A charge to ask for or look up. `can_be`: not a test card that was not given yet. `unwanted`: its time is over,
    nobody shall pay it any more. `wished`: of its card, by an organization that pays.
    """

    charge_id: UUID
    provider: ChargeProvider
    key: str
    reference: str | None
    amount: Money
    unsure: bool
    can_be: bool
    unwanted: bool
    metadata: Mapping[str, str]
    wished: Wished | None = None


def to_ask(session: ScopedSession, charge_id: UUID) -> Asked | None:
    """None when the charge is decided, or a test card was not given yet."""
    status = session.scalar(select(Charge._status).where(Charge.id == charge_id))
    asked = _of(session, charge_id) if status in client.OPEN else None
    if asked is None or asked.provider in WITHOUT_PROVIDER or not (asked.can_be or asked.unwanted):
        return None
    return asked


def _of(session: ScopedSession, charge_id: UUID) -> Asked | None:
    of = session.get(Charge, charge_id)
    if of is None:
        return None
    about = subjects.of(of).about(session, of)
    return Asked(
        charge_id=of.id,
        provider=of.provider,
        key=of.key,
        reference=of.provider_reference if of.provider is ChargeProvider.STRIPE else None,
        amount=of.amount,
        unsure=of.status is ChargeStatus.UNKNOWN,
        can_be=of.provider is ChargeProvider.STRIPE or of.provider_reference is not None,
        unwanted=about.unwanted,
        metadata=about.metadata,
        wished=kept.wished(session, of) if of.buyer_organization_id else None,
    )


def answered(session: ScopedSession, actor: Actor, asked: Asked, intent: Intent) -> None:
    """What the provider says about a charge. One of another amount is never taken for ours."""
    if intent.amount is not None and intent.amount != asked.amount:
        log.error("a charge of another amount than asked for", extra={"fields": {"charge_id": str(asked.charge_id)}})
        return
    if asked.provider is ChargeProvider.STRIPE:
        client.intent_made(session, asked.charge_id, intent.reference, intent.client_secret)
    if intent.status is IntentStatus.SUCCEEDED:
        if asked.provider is ChargeProvider.SIMULATED:
            client.locked(session, asked.charge_id).provider_reference = intent.reference
        _subject(session, asked.charge_id).paid(session, actor, asked.charge_id)
    elif intent.status is IntentStatus.FAILED:
        refused(session, actor, asked.charge_id, intent.message)
    elif intent.status is IntentStatus.WAITING and intent.message:
        client.locked(session, asked.charge_id).failure_message = intent.message[:500]
    elif intent.status is IntentStatus.CANCELLED:
        client.give_up(session, actor, client.locked(session, asked.charge_id))


def refused(session: ScopedSession, actor: Actor, charge_id: UUID, message: str) -> None:
    """The provider took no money; `message` is for who pays."""
    _subject(session, charge_id).failed(session, actor, charge_id, message)


def _subject(session: ScopedSession, charge_id: UUID) -> Subject:
    return subjects.of(session.get_one(Charge, charge_id))


def _subject_of_return(session: ScopedSession, return_id: UUID) -> Subject:
    return _subject(session, session.get_one(ChargeReturn, return_id).charge_id)


def never_asked(session: ScopedSession, actor: Actor, charge_id: UUID) -> None:
    """The time is over and the provider knows nothing of it."""
    client.give_up(session, actor, client.locked(session, charge_id))


def by_intent(session: ScopedSession, provider: ChargeProvider, reference: str) -> UUID | None:
    """Our charge of a provider's reference."""
    return session.scalar(select(Charge.id).where(Charge.provider == provider, Charge.provider_reference == reference))


@dataclass(frozen=True, slots=True)
class AskedBack:
    """A refund to ask for or look up."""

    return_id: UUID
    provider: ChargeProvider
    key: str
    intent_reference: str
    reference: str | None
    amount: Money
    unsure: bool


def to_give_back(session: ScopedSession, return_id: UUID) -> AskedBack | None:
    """None when it is decided, or a dispute, which the bank decides."""
    row = session.execute(
        select(ChargeReturn, Charge)
        .join(Charge, Charge.id == ChargeReturn.charge_id)
        .where(ChargeReturn.id == return_id, ChargeReturn.kind == ReturnKind.REFUND)
    ).one_or_none()
    if row is None or row.ChargeReturn.status not in (ReturnStatus.PENDING, ReturnStatus.UNKNOWN):
        return None
    back, of = row.ChargeReturn, row.Charge
    return AskedBack(
        back.id, of.provider, back.key, of.provider_reference or "", back.provider_reference, back.amount,
        back.status is ReturnStatus.UNKNOWN,
    )  # fmt: skip


def given_back(session: ScopedSession, actor: Actor, return_id: UUID, refund: Refund) -> None:
    """What the provider says about a refund of ours."""
    client.return_known(session, return_id, refund.reference)
    if refund.status is RefundStatus.SUCCEEDED:
        _subject_of_return(session, return_id).returned(session, actor, return_id)
        if refund.fee_back:
            fees.given_back(session, return_id, refund.fee_back)
    elif refund.status is RefundStatus.FAILED:
        _refused_back(session, actor, return_id, refund.message)


def not_given_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """The provider refused the refund for good: somebody has to look at it."""
    _refused_back(session, actor, return_id, message)


def _refused_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    _, back = client.locked_return(session, return_id)
    if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):  # the client's bank sent it back to us
        _subject_of_return(session, return_id).came_back(session, actor, return_id, message)
        return
    _subject_of_return(session, return_id).not_returned(session, actor, return_id, message)


def told_of_refund(session: ScopedSession, actor: Actor, provider: ChargeProvider, refund: Refund) -> str:
    """A refund the provider tells of, ours or made there by hand; returns what followed, for the event's row."""
    known = client.by_reference(session, refund.reference)
    if known is None and refund.key:
        known = session.scalar(select(ChargeReturn).where(ChargeReturn.key == refund.key))
    if known is not None:
        given_back(session, actor, known.id, refund)
        return f"refund {known.id}"
    charge_id = by_intent(session, provider, refund.intent_reference)
    if charge_id is None:
        return "not a charge of ours"
    if refund.status is not RefundStatus.SUCCEEDED:
        return "made at the provider, not through yet"
    of = client.locked(session, charge_id)
    amount = min(refund.amount, of.refundable)
    if not amount:
        return "all of it had gone back before"
    back = client.ask_return(
        session, actor, of, amount, ReturnKind.REFUND, "Refunded at the payment provider", refund.reference,
        key=refund.reference,
    )  # fmt: skip
    given_back(session, actor, back.id, refund)
    return f"refund {back.id}, made at the provider"


def told_of_dispute(session: ScopedSession, actor: Actor, provider: ChargeProvider, dispute: Dispute) -> str:
    """How a dispute stands now: opened, won or lost, in whatever order it is told; returns what followed."""
    charge_id = by_intent(session, provider, dispute.intent_reference)
    if charge_id is None:
        return "not a charge of ours"
    if dispute.status is DisputeStatus.INQUIRY:
        return "an inquiry takes nothing back"
    of = client.locked(session, charge_id)
    subject, known = subjects.of(of), client.by_reference(session, dispute.reference)
    if known is None:
        if not of.refundable:
            return "all of it had gone back before"
        reason = dispute.reason or "The client’s bank took the money back"
        made = subject.disputed(session, actor, of, min(dispute.amount, of.refundable), reason, dispute.reference)
        known = session.get_one(ChargeReturn, made)
    if dispute.status is DisputeStatus.LOST:
        subject.returned(session, actor, known.id)
    elif dispute.status is DisputeStatus.WON:
        _, back = client.locked_return(session, known.id)
        if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):
            subject.came_back(session, actor, back.id, "The dispute was won on appeal.")
        else:
            subject.not_returned(session, actor, back.id, "The dispute was won.")
    return f"dispute {dispute.status.value}"


def concerns(session: ScopedSession, provider: ChargeProvider, event: Mapping[str, str]) -> bool:
    """Whether to ask the provider about its news: of payments only those of ours, of anything else always."""
    return (
        NewsKind(event["kind"]) is not NewsKind.INTENT or by_intent(session, provider, event["reference"]) is not None
    )


def heard(session: ScopedSession, actor: Actor, provider: ChargeProvider, told: Intent | Refund | Dispute) -> str:
    """How something stands at the provider; returns what followed, for the event's row."""
    if isinstance(told, Refund):
        return told_of_refund(session, actor, provider, told)
    if isinstance(told, Dispute):
        return told_of_dispute(session, actor, provider, told)
    charge_id = by_intent(session, provider, told.reference)
    asked = None if charge_id is None else _of(session, charge_id)
    if asked is None:
        return "not a charge of ours"
    answered(session, actor, asked, told)
    return f"charge {charge_id}: {told.status.value}"


_READY_AGAIN = text(
    """SELECT DISTINCT c.subject_id FROM charge_returns r JOIN charges c ON c.id = r.charge_id
        AND c.subject_kind = 'consultation'
    CROSS JOIN LATERAL (
        SELECT 'consultation_share' AS kind, s.id FROM consultation_shares s WHERE s.consultation_id = c.subject_id
        UNION ALL SELECT 'consultation_organization', c.subject_id) source
    JOIN earnings e ON e.organization_id = c.organization_id AND e.source_kind = source.kind
        AND e.source_id = source.id
    JOIN ready_earnings q ON q.earning_id = e.id
    WHERE r.kind = 'dispute' AND r.status IN ('pending', 'unknown') LIMIT 200"""
)


def withhold_again(session: ScopedSession, actor: Actor) -> int:
    """What came back from a payout while the client's bank decides waits for it, too. How many consultations."""
    found = session.scalars(_READY_AGAIN).all()
    for consultation_id in found:
        standing.withhold_disputed(session, actor, consultation_id)
    return len(found)


def stale(session: ScopedSession, limit: int = 200) -> tuple[list[UUID], list[UUID]]:
    """Charges and refunds nobody has heard of for two minutes, oldest first."""
    before = utc_now() - client.STALE
    charges = select(Charge.id).where(Charge._status.in_(client.OPEN), Charge.created_at < before)
    returns = select(ChargeReturn.id).where(
        ChargeReturn._status.in_((ReturnStatus.PENDING, ReturnStatus.UNKNOWN)),
        ChargeReturn.kind == ReturnKind.REFUND,
        ChargeReturn.created_at < before,
    )
    return (
        list(session.scalars(charges.order_by(Charge.created_at).limit(limit))),
        list(session.scalars(returns.order_by(ChargeReturn.created_at).limit(limit))),
    )
