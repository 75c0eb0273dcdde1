"""Paying an invoice by card, and what of it goes back. Nothing here asks a provider.

One charge for each document (subject `invoice`), of what was open when the card was asked for. The money arrives in the
organization's funds, without a fee, and is set against the invoice (`settling`). It is no sale of its own: what it
pays was charged when it was booked, so the books have it as `invoice_paid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.billing import settling
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice, InvoicePayment
from app.billing.invoice_states import InvoiceStatus, PaidWith
from app.charges import client_service as client
from app.charges import decisions, kept, promised
from app.charges.client_models import Charge, ChargeReturn
from app.charges.kept_models import PaymentMethod
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind, ReturnStatus
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger

SUBJECT = "invoice"


class CardState(StrEnum):
    """Whether a card can pay an invoice now, the first that fits. CLOSED: nothing is to be paid. SPENT: a card was
    charged before, which is done once. CHARGING: one is being charged. DENIED: somebody else pays it."""

    CLOSED = "closed"
    SPENT = "spent"
    CHARGING = "charging"
    DENIED = "denied"
    PAYABLE = "payable"


WHY = {
    CardState.CLOSED: "Nothing of this is to be paid (any more).",
    CardState.SPENT: "A card was charged for this before. Pay what is open by bank transfer.",
    CardState.CHARGING: "A card is being charged for this already. Look at it again in a moment.",
    CardState.DENIED: "Owners and admins of the organization pay this.",
}


@dataclass(frozen=True, slots=True)
class CardStanding:
    """How an invoice stands with cards. `amount`: what one is charged. `kept`: the card that one click charges; None:
    another one has to be given."""

    state: CardState
    amount: Money
    charge: Charge | None = None
    kept: PaymentMethod | None = None

    @property
    def payable(self) -> bool:
        return self.state is CardState.PAYABLE

    @property
    def why_not(self) -> str | None:
        """A sentence, unless it is payable."""
        return WHY.get(self.state)


def standing(session: ScopedSession, actor: Actor, invoice_id: UUID) -> CardStanding:
    """Whether the actor can pay an invoice by card now, how much and with which kept card, or why not; as far as the
    scope sees it. Raises NotFound."""
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("There is no such invoice.")
    known = charge_of(session, invoice_id)
    state, amount = _state(session, invoice, known), _amount(session, invoice, known)
    if state is CardState.PAYABLE and (actor.account_id is None or not actor.can(Permission.BILLING_MANAGE)):
        state = CardState.DENIED
    if state is not CardState.PAYABLE or (known is not None and kept.being_charged(session, known)):
        return CardStanding(state, amount, known)
    card = kept.active(session, invoice.organization_id)
    fits = card is not None and not kept.expired(card) and (known is None or known.provider is card.provider)
    return CardStanding(state, amount, known, card if fits else None)


def _state(session: ScopedSession, invoice: Invoice, known: Charge | None) -> CardState:
    """Whoever asks."""
    if invoice.kind is DocumentKind.CREDIT_NOTE or invoice.status is not InvoiceStatus.SENT or not invoice.open:
        return CardState.CLOSED
    if known is None:
        return CardState.PAYABLE
    if known.status in (ChargeStatus.SUCCEEDED, ChargeStatus.CANCELLED):
        return CardState.SPENT
    given = known.status in client.OPEN and known.provider is ChargeProvider.SIMULATED and known.provider_reference
    return CardState.CHARGING if given or kept.charged_with(session, known) else CardState.PAYABLE


def _amount(session: ScopedSession, invoice: Invoice, known: Charge | None) -> Money:
    """What is open, unless a provider or a job keeps another amount of it already."""
    if known is None or (_nobody_knows(known) and not kept.charged_with(session, known)):
        return invoice.open
    return known.amount


def begin(
    session: ScopedSession, actor: Actor, invoice_id: UUID, provider: ChargeProvider, *, keep: bool = False
) -> Charge:
    """The charge of what is open of an invoice; a card is asked for by the caller or the job. Twice is once.

    While no provider knows it, it follows what is open. `keep`: the card that pays is kept for what is paid next.
    Raises Forbidden, NotFound, Conflict for what is paid.
    """
    with session.elevated("the charge of an invoice an organization pays"):
        made, busy = _begun(session, actor, invoice_id, provider)
        if not busy:
            kept.wish_to_keep(session, actor, made, keep)
        return made


def pay_kept(
    session: ScopedSession, actor: Actor, invoice_id: UUID, payment_method_id: UUID, expected: Money
) -> Charge:
    """Have the card that is kept charged. `expected`: what who pays was shown. Twice is once.

    Raises Forbidden, NotFound, Conflict for what is paid, for a card that was removed, while another one is being
    charged, and when another amount would be charged than was shown.
    """
    actor.require(Permission.BILLING_MANAGE)
    with session.elevated("an organization pays an invoice with the card it keeps"):
        card = kept.usable(session, actor, payment_method_id)
        made, busy = _begun(session, actor, invoice_id, card.provider)
        if made.organization_id != card.organization_id or made.provider is not card.provider:
            raise Conflict(kept.ANOTHER)
        if busy and kept.charged_with(session, made) != card.id:
            raise Conflict(WHY[CardState.CHARGING])
        if made.amount != expected:
            raise Conflict(
                f"The card would be charged {format_money(made.amount)} now, not {format_money(expected)}. Look at the"
                " invoice again."
            )
        if not busy:
            kept.charge(session, actor, made, card)
        return made


def _begun(session: ScopedSession, actor: Actor, invoice_id: UUID, provider: ChargeProvider) -> tuple[Charge, bool]:
    """The charge, and whether a card is being charged for it already."""
    actor.require(Permission.BILLING_MANAGE)
    if actor.account_id is None:
        raise Forbidden("Somebody of the organization has to pay this.")
    known = charge_of(session, invoice_id)
    known = client.locked(session, known.id) if known else None
    invoice = settling.locked(session, invoice_id)
    actor.require_organization(invoice.organization_id)
    known = known or charge_of(session, invoice_id)  # somebody else was faster
    state = _state(session, invoice, known)
    if state in (CardState.CLOSED, CardState.SPENT):
        raise Conflict(WHY[state])
    busy = known is not None and kept.being_charged(session, known)
    if known:
        known.amount_minor = _amount(session, invoice, known).minor
        session.flush()
    new = new_id()
    made = client.make(
        session,
        actor,
        Charge(
            id=new, organization_id=invoice.organization_id, client_account_id=actor.account_id,
            buyer_organization_id=invoice.organization_id, subject_kind=SUBJECT, subject_id=invoice.id,
            description=f"Invoice {invoice.number}", amount_minor=invoice.open.minor, promotion_minor=0,
            fee_minor=0, refunded_minor=0, currency=invoice.currency, provider=provider, key=str(new),
            simulated=provider is ChargeProvider.SIMULATED,
        ),
    )  # fmt: skip
    return made, busy


def _nobody_knows(of: Charge) -> bool:
    """Whether no provider keeps its amount: it was never asked, or a test card was refused (each try is new there)."""
    refused = of.status is ChargeStatus.FAILED and of.provider is ChargeProvider.SIMULATED
    return refused or (of.status in (ChargeStatus.PENDING, ChargeStatus.FAILED) and not of.provider_reference)


def charge_of(session: ScopedSession, invoice_id: UUID) -> Charge | None:
    """As far as the scope sees it."""
    return session.scalar(select(Charge).where(Charge.subject_kind == SUBJECT, Charge.subject_id == invoice_id))


def unwanted(session: ScopedSession, of: Charge) -> bool:
    """Whether something else has paid the invoice meanwhile."""
    return session.get_one(Invoice, of.subject_id).status is InvoiceStatus.PAID


def paid(session: ScopedSession, actor: Actor, charge_id: UUID) -> None:
    """The provider says the card paid. Twice changes nothing."""
    with session.elevated("the books of an invoice paid by card"):
        of = client.locked(session, charge_id)
        invoice = settling.locked(session, of.subject_id)
        if not client.mark_paid(session, actor, of):
            return
        kept.paid(session, of)
        _post(session, of, of.amount, str(of.id), invoice.number)
        settling.paid_by_card(session, actor, invoice.id, amount=of.amount, charge_id=of.id)
        settling.cover(session, actor, of.organization_id, of.currency)
        outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=of.organization_id)


def failed(session: ScopedSession, actor: Actor, charge_id: UUID, message: str) -> None:
    """The card was refused; another one may be tried. `message` is for who pays."""
    with session.elevated("an invoice's charge that failed"):
        of = client.locked(session, charge_id)
        client.fail(session, actor, of, message)
        kept.refused(session, of)


def spare(session: ScopedSession, of: Charge, *, lock: bool = False) -> Money:
    """What can go back to the card: what is in the funds and nobody needs, as far as that card paid it in."""
    if of.status is not ChargeStatus.SUCCEEDED:
        return Money(0, of.currency)
    if lock:  # what is asked for meanwhile waits, as it may be covered by the same money
        locks.hold(session, "funds", of.organization_id, of.currency)
    funds = ledger.funds(session, of.organization_id, of.currency)
    funds -= promised.to_others(session, of.organization_id, of.currency)
    left = of.refundable - client.promised_back(session, of)
    return max(Money(0, of.currency), min(funds, left))


def give_back(
    session: ScopedSession, actor: Actor, invoice_id: UUID, amount: Money, reason: str, *, key: str | None = None
) -> ChargeReturn:
    """What a credit note left in the funds goes back to the card that paid the invoice; it counts once the provider
    says so. Raises Forbidden, NotFound, Invalid for more than is spare or without a reason."""
    actor.require(Permission.PLATFORM)
    of, reason = charge_of(session, invoice_id), " ".join(reason.split())
    if of is None:
        raise NotFound("No card paid this invoice.")
    with session.elevated("money in an organization's funds goes back to its card"):
        of = client.locked(session, of.id)
        most = spare(session, of, lock=True)
        wrong: dict[str, str] = {}
        if not 0 < amount.minor <= most.minor or amount.currency != of.currency:
            wrong["amount"] = f"At most {most.plain()} {most.currency}: what is in the funds and this card paid."
        if not 0 < len(reason) <= 500:
            wrong["reason"] = "Say why, in a few words."
        if wrong:
            raise Invalid(" ".join(wrong.values()), fields=wrong)
        back = client.ask_return(session, actor, of, amount, ReturnKind.REFUND, reason, key=key)
        outbox.emit(session, Topic.CHARGE_RETURN_ASKED, return_id=back.id)
    audit.record(
        session, actor, "invoice.given_back", "invoice", invoice_id, organization_id=of.organization_id,
        amount_minor=amount.minor, currency=amount.currency,
    )  # fmt: skip
    return back


def returned(session: ScopedSession, actor: Actor, return_id: UUID) -> None:
    """Money is with the card again. Idempotent. What a bank took back, or somebody at the provider gave back, the
    invoice is open for again; what we gave back was left in the funds, and the invoice stays paid."""
    with session.elevated("the books of an invoice's card payment that went back"):
        of, back, invoice = _locked(session, return_id)
        if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):
            return
        back.amount_minor = min(back.amount_minor, of.refundable.minor)
        if not back.amount_minor:
            client.fail_return(session, actor, back, "All of it had gone back before.")
            return
        client.mark_returned(session, actor, of, back)
        _post(session, of, -back.amount, str(back.id), back.reason)
        if back.kind is ReturnKind.DISPUTE or back.made_there:
            _open_again(session, actor, invoice, back)
        settling.cover(session, actor, of.organization_id, of.currency)


def came_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """What counted as gone back is in the funds again, which pay what is open. Idempotent."""
    with session.elevated("the books of an invoice's card payment that came back"):
        of, back, _ = _locked(session, return_id)
        if back.status is not ReturnStatus.SUCCEEDED:
            return
        client.mark_came_back(session, actor, of, back, message)
        _post(session, of, back.amount, f"{back.id}.back", message)
        _spare_again(session, actor, of)


def not_returned(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """It did not go back, and pays what is open. Idempotent. Raises Conflict when it did already."""
    with session.elevated("an invoice's card payment that did not go back"):
        of, back, _ = _locked(session, return_id)
        if back.status is ReturnStatus.SUCCEEDED:
            raise Conflict("This went back already.")
        client.fail_return(session, actor, back, message)
        _spare_again(session, actor, of)


def _spare_again(session: ScopedSession, actor: Actor, of: Charge) -> None:
    settling.cover(session, actor, of.organization_id, of.currency)
    outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=of.organization_id)


def disputed(session: ScopedSession, actor: Actor, charge: Charge, amount: Money, reason: str, reference: str) -> UUID:
    """The bank questions the payment: a return that waits for its decision. `charge` is locked. Returns its id."""
    return client.ask_return(session, actor, charge, amount, ReturnKind.DISPUTE, reason, reference).id


def refund_again(session: ScopedSession, actor: Actor, return_id: UUID) -> ChargeReturn:
    """A refund that was refused or came back is asked for once more. Twice is once. Raises Forbidden, NotFound,
    Invalid when it is not spare any more, Conflict for what was not refused or is settled."""
    known = decisions.tried_again(session, actor, return_id)
    if known is not None:
        return known
    of, refused, key = decisions.to_try_again(session, actor, return_id)
    return give_back(session, actor, of.subject_id, refused.amount, refused.reason, key=key)


def dispute_decided(session: ScopedSession, actor: Actor, return_id: UUID, *, lost: bool) -> None:
    """What the bank decided, told by a person; the same again changes nothing.

    Raises Forbidden, NotFound, Conflict when it was won on appeal, which is the end of it.
    """
    decisions.dispute_decided(
        session, actor, return_id, lost=lost, returned=returned, came_back=came_back, not_returned=not_returned
    )


def _locked(session: ScopedSession, return_id: UUID) -> tuple[Charge, ChargeReturn, Invoice]:
    """A charge before its invoice, as everywhere."""
    of, back = client.locked_return(session, return_id)
    return of, back, settling.locked(session, of.subject_id)


def _open_again(session: ScopedSession, actor: Actor, invoice: Invoice, back: ChargeReturn) -> None:
    """As far as cards, which is this one, have paid it."""
    minor = session.scalar(
        select(func.coalesce(func.sum(InvoicePayment.amount_minor), 0)).where(
            InvoicePayment.invoice_id == invoice.id, InvoicePayment.paid_with == PaidWith.CARD
        )
    )
    part = min(back.amount, Money(int(minor or 0), back.currency))
    if part:
        settling.take_back(session, actor, invoice, part, str(back.id), back.reason)


def _post(session: ScopedSession, of: Charge, amount: Money, ref: str, memo: str) -> None:
    ledger.post(
        session, recipes.INVOICE_PAID, ref=ref, organization_id=of.organization_id, amount=amount,
        rail=of.provider.value, memo=memo,
    )  # fmt: skip
