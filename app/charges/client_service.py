"""Money of clients: what they are charged, once for each thing, and what goes back. Nothing here asks a provider.

A charge is written before the provider is asked and counts once the provider says so. The caller acts as the platform,
except in `make` and `card_given`.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind, ReturnStatus
from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import SealedText, new_id
from app.ledger import recipes
from app.ledger import service as ledger

OPEN = (ChargeStatus.PENDING, ChargeStatus.UNKNOWN)
BY_CARD = (ChargeProvider.STRIPE, ChargeProvider.SIMULATED)
_WAITING = (ReturnStatus.PENDING, ReturnStatus.UNKNOWN)


def make(session: ScopedSession, actor: Actor, charge: Charge) -> Charge:
    """Write a charge down, once for its subject; a second call gives the first one back.

    The caller has checked the price. What failed is opened again: another card, the same charge. Raises Conflict for
    one that was given up.
    """
    known = session.scalar(
        select(Charge)
        .where(Charge.subject_kind == charge.subject_kind, Charge.subject_id == charge.subject_id)
        .with_for_update()
    )
    if known is None:
        session.add(charge)
        session.flush()
        _note(session, actor, charge, "charge.made")
        known = charge
    elif known.status is ChargeStatus.CANCELLED:
        raise Conflict("The time to pay this has passed.")
    elif known.status is ChargeStatus.FAILED:
        known.advance(ChargeStatus.PENDING)
        known.failure_message = None
        if known.provider is ChargeProvider.SIMULATED:
            known.provider_reference = None
    else:
        return known
    if known.provider is ChargeProvider.STRIPE and known.amount_minor:
        outbox.emit(session, Topic.CHARGE_ASKED, charge_id=known.id)
    return known


def card_given(session: ScopedSession, actor: Actor, charge_id: UUID, card: str) -> Charge:
    """The test card form was filled in: the job charges that card. `card` is a name of `gateways.simulated_cards`.

    Raises NotFound, or Conflict while the last card has not been decided and once it is paid.
    """
    charge = locked(session, charge_id)
    if charge.provider is not ChargeProvider.SIMULATED:
        raise NotFound("This is not paid by a test card.")
    if charge.status is ChargeStatus.FAILED:
        charge.advance(ChargeStatus.PENDING)
    elif charge.status is not ChargeStatus.PENDING or charge.provider_reference is not None:
        raise Conflict("This is being paid already.")
    # Every try is another key, as the same card may be given again after it was declined.
    tries = int(charge.key.split(".")[1]) if "." in charge.key else 0
    charge.key = f"{charge.id}.{tries + 1}.{card}"
    charge.failure_message, charge.provider_reference = None, f"asked_{tries + 1}_{charge.id}"
    session.flush()
    outbox.emit(session, Topic.CHARGE_ASKED, charge_id=charge.id)
    _note(session, actor, charge, "charge.card_given")
    return charge


def locked(session: ScopedSession, charge_id: UUID) -> Charge:
    """The charge, still until commit. Raises NotFound."""
    found = session.scalar(
        select(Charge).where(Charge.id == charge_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such charge.")
    return found


def intent_made(session: ScopedSession, charge_id: UUID, reference: str, client_secret: str) -> None:
    """The provider knows the charge now and waits for the client's card."""
    charge = locked(session, charge_id)
    charge.provider_reference = reference
    if charge.status is ChargeStatus.UNKNOWN:
        charge.advance(ChargeStatus.PENDING)
    if client_secret and charge.status is not ChargeStatus.SUCCEEDED:
        charge.client_secret_sealed = SealedText(seal(client_secret, _context(charge)))
    session.flush()


def client_secret(charge: Charge) -> str | None:
    """What the client's browser confirms the charge with; None while the provider has not been asked, or any more."""
    sealed = charge.client_secret_sealed
    return None if sealed is None else str(open_sealed(sealed, _context(charge)))


def _context(charge: Charge) -> str:
    return f"charges.client_secret:{charge.id}"


def succeed(session: ScopedSession, actor: Actor, charge: Charge) -> bool:
    """The provider says the client paid: the money is the organization's, less the platform's part. `charge` is locked.

    False when that was known. Whoever calls records what is earned by it in the same transaction.
    """
    if not mark_paid(session, actor, charge):
        return False
    ref, rail = str(charge.id), charge.provider.value
    if charge.provider in _BY_BUYER and charge.buyer_organization_id:
        ledger.post(
            session, _BY_BUYER[charge.provider][0], ref=ref, organization_id=charge.buyer_organization_id,
            amount=charge.amount, rail=rail, memo=charge.description,
        )  # fmt: skip
    for recipe, minor in (
        (recipes.CHARGE_SUCCEEDED, charge.amount_minor),
        (recipes.PROMOTION_BORNE, charge.promotion_minor),
        (recipes.PLATFORM_FEE, charge.fee_minor),
    ):
        ledger.post(
            session, recipe, ref=ref, organization_id=charge.organization_id, amount=Money(minor, charge.currency),
            rail=rail, memo=charge.description,
        )  # fmt: skip
    return True


# What an organization that buys pays with, and the other way.
_BY_BUYER = {
    ChargeProvider.FUNDS: (recipes.BOOKING_COVERED, recipes.BOOKING_UNCOVERED),
    ChargeProvider.CREDIT: (recipes.CREDIT_USED, recipes.CREDIT_RETURNED),
}


def mark_paid(session: ScopedSession, actor: Actor, charge: Charge) -> bool:
    """The row alone; whoever calls posts what follows. `charge` is locked. False when that was known."""
    if charge.status is ChargeStatus.SUCCEEDED:
        return False
    charge.advance(ChargeStatus.SUCCEEDED)
    charge.succeeded_at, charge.failure_message, charge.client_secret_sealed = utc_now(), None, None
    if charge.provider in BY_CARD and charge.amount_minor:
        outbox.emit(session, Topic.CHARGE_FEE_ASKED, charge_id=charge.id)
    _note(session, actor, charge, "charge.succeeded")
    return True


def fail(session: ScopedSession, actor: Actor, charge: Charge, message: str) -> None:
    """The card was refused; the client may try another one. `message` is for the client. `charge` is locked."""
    if charge.status not in OPEN:
        return
    charge.advance(ChargeStatus.FAILED)
    charge.failure_message = message[:500]
    _note(session, actor, charge, "charge.failed")


def give_up(session: ScopedSession, actor: Actor, charge: Charge) -> None:
    """Nothing will be charged any more: the provider said so, or was never asked. `charge` is locked."""
    if charge.status in (ChargeStatus.SUCCEEDED, ChargeStatus.CANCELLED):
        return
    charge.advance(ChargeStatus.CANCELLED)
    charge.client_secret_sealed = None
    _note(session, actor, charge, "charge.cancelled")


def unknown(session: ScopedSession, charge_id: UUID) -> None:
    """The provider was asked and did not answer: looked up later, never charged anew."""
    charge = locked(session, charge_id)
    if charge.status is ChargeStatus.PENDING:
        charge.advance(ChargeStatus.UNKNOWN)


def promised_back(session: ScopedSession, charge: Charge) -> Money:
    """What of a charge has been asked to go back and is not decided yet."""
    minor = session.scalar(
        select(func.coalesce(func.sum(ChargeReturn.amount_minor), 0)).where(
            ChargeReturn.charge_id == charge.id, ChargeReturn._status.in_(_WAITING)
        )
    )
    return Money(int(minor or 0), charge.currency)


def ask_return(
    session: ScopedSession,
    actor: Actor,
    charge: Charge,
    amount: Money | None,
    kind: ReturnKind,
    reason: str,
    reference: str | None = None,
    key: str | None = None,
) -> ChargeReturn:
    """Write down that money goes back (None: all that is left); a job asks the provider. `charge` is locked.

    `reference`: the provider's own, for a dispute or a refund made there; one that is known is given back as it is.
    `key`: the next one of a refund that was refused (`next_key`), or the reference of one made there. Raises Invalid
    for more than is left or less than something, Conflict for a charge that was not paid or when all of it goes back
    already.
    """
    if reference is not None and (known := by_reference(session, reference)) is not None:
        return known
    if charge.status is not ChargeStatus.SUCCEEDED:
        raise Conflict("Only what was paid can go back.")
    left = charge.refundable - promised_back(session, charge)
    if kind is ReturnKind.DISPUTE or reference is not None:  # nobody asks us; a refund on its way may still be refused
        left = charge.refundable
        amount = left if amount is None else min(amount, left)
    amount = left if amount is None else amount
    if (not left and charge.amount_minor) or (not charge.amount_minor and _returned_before(session, charge)):
        raise Conflict("All of it went back already, or is on its way.")
    if charge.provider is ChargeProvider.CREDIT and amount != left:
        sentence = "It was paid by a seat credit, which goes back whole."
        raise Invalid(sentence, fields={"amount": sentence})
    if amount.currency != charge.currency or amount.minor > left.minor or amount.minor < min(1, charge.amount_minor):
        sentence = f"Between {Money(1, charge.currency).plain()} and {left.plain()} {charge.currency} can go back."
        raise Invalid(sentence, fields={"amount": sentence})
    made = ChargeReturn(
        id=new_id(),
        organization_id=charge.organization_id,
        client_account_id=charge.client_account_id,
        charge_id=charge.id,
        kind=kind,
        amount_minor=amount.minor,
        currency=charge.currency,
        reason=reason,
        key=key or str(new_id()),
        provider_reference=reference,
        asked_by=actor.label,
        asked_by_account_id=actor.account_id,
    )
    session.add(made)
    session.flush()
    _note_return(session, actor, made, "charge.return_asked")
    if kind is ReturnKind.REFUND:
        _settle_by(session, actor, made)
    return made


def _settle_by(session: ScopedSession, actor: Actor, anew: ChargeReturn) -> None:
    """Refunds of the charge that came back are seen to by asking for another one."""
    query = select(ChargeReturn).where(
        ChargeReturn.charge_id == anew.charge_id,
        ChargeReturn._status == ReturnStatus.CAME_BACK,
        ChargeReturn.settled_at.is_(None),
    )
    for back in session.scalars(query.order_by(ChargeReturn.id).with_for_update()):
        settled(session, actor, back, "Refunded anew.")


def settled(session: ScopedSession, actor: Actor, back: ChargeReturn, note: str) -> None:
    """A person saw to what came back. `back` is locked."""
    back.settled_at = utc_now()
    audit.record(
        session, actor, "charge.return_settled", "charge", back.charge_id, organization_id=back.organization_id,
        return_id=back.id, amount_minor=back.amount_minor, currency=back.currency, note=note,
    )  # fmt: skip


def _returned_before(session: ScopedSession, charge: Charge) -> bool:
    found = select(ChargeReturn.id).where(
        ChargeReturn.charge_id == charge.id, ChargeReturn._status.not_in((ReturnStatus.FAILED, ReturnStatus.CAME_BACK))
    )
    return session.scalar(found.limit(1)) is not None


def by_reference(session: ScopedSession, reference: str) -> ChargeReturn | None:
    return session.scalar(select(ChargeReturn).where(ChargeReturn.provider_reference == reference))


def by_key(session: ScopedSession, key: str) -> ChargeReturn | None:
    return session.scalar(select(ChargeReturn).where(ChargeReturn.key == key))


def next_key(key: str) -> str:
    """The key of the next try of a refund: another one, as its provider answers the same key with the same refusal."""
    first, _, tries = key.partition(".")
    return f"{first}.{int(tries or 1) + 1}"


def locked_return(session: ScopedSession, return_id: UUID) -> tuple[Charge, ChargeReturn]:
    """A return with its charge, both still until commit. Raises NotFound."""
    charge_id = session.scalar(select(ChargeReturn.charge_id).where(ChargeReturn.id == return_id))
    if charge_id is None:
        raise NotFound("There is no such refund.")
    charge = locked(session, charge_id)
    back = session.get_one(ChargeReturn, return_id, with_for_update=True, populate_existing=True)
    return charge, back


def post_return(session: ScopedSession, actor: Actor, charge: Charge, back: ChargeReturn) -> None:
    """The money went back: the same accounts as of the charge, the other way. Both are locked, the parts are set."""
    mark_returned(session, actor, charge, back)
    _post_parts(session, charge, back, str(back.id), 1, back.reason)


def mark_returned(session: ScopedSession, actor: Actor, charge: Charge, back: ChargeReturn) -> None:
    """The rows alone; whoever calls posts what follows. Both are locked."""
    back.advance(ReturnStatus.SUCCEEDED)
    back.decided_at, back.failure_message = utc_now(), None
    charge.refunded_minor += back.amount_minor
    _note_return(session, actor, back, "charge.returned")


def post_came_back(session: ScopedSession, actor: Actor, charge: Charge, back: ChargeReturn, message: str) -> None:
    """What had gone back is ours again: the opposite of `post_return`."""
    mark_came_back(session, actor, charge, back, message)
    _post_parts(session, charge, back, f"{back.id}.back", -1, message)


def mark_came_back(session: ScopedSession, actor: Actor, charge: Charge, back: ChargeReturn, message: str) -> None:
    """As `mark_returned`. A refund waits for a person then; a dispute that was won after all does not."""
    back.advance(ReturnStatus.CAME_BACK)
    back.failure_message = message[:500]
    back.settled_at = utc_now() if back.kind is ReturnKind.DISPUTE else None
    charge.refunded_minor -= back.amount_minor
    _note_return(session, actor, back, "charge.return_came_back")


def _post_parts(session: ScopedSession, charge: Charge, back: ChargeReturn, ref: str, sign: int, memo: str) -> None:
    rail = charge.provider.value
    parts = (back.amount_minor, back.promotion_minor, back.fee_minor)
    kinds = (recipes.CHARGE_RETURNED, recipes.PROMOTION_RETURNED, recipes.PLATFORM_FEE_RETURNED)
    for recipe, minor in zip(kinds, parts, strict=True):
        ledger.post(
            session, recipe, ref=ref, organization_id=charge.organization_id,
            amount=Money(sign * minor, charge.currency), rail=rail, memo=memo,
        )  # fmt: skip
    if charge.provider in _BY_BUYER and charge.buyer_organization_id:
        ledger.post(
            session, _BY_BUYER[charge.provider][1], ref=ref, organization_id=charge.buyer_organization_id,
            amount=Money(sign * back.amount_minor, charge.currency), rail=rail, memo=memo,
        )  # fmt: skip


def fail_return(session: ScopedSession, actor: Actor, back: ChargeReturn, message: str) -> None:
    """It did not go back: the provider refused a refund, or a dispute was won. `back` is locked."""
    if back.status not in _WAITING:
        return
    back.advance(ReturnStatus.FAILED)
    back.decided_at, back.failure_message = utc_now(), message[:500]
    _note_return(session, actor, back, "charge.return_failed")


def unknown_return(session: ScopedSession, return_id: UUID) -> None:
    """Asked without an answer: looked up at the provider later."""
    _, back = locked_return(session, return_id)
    if back.status is ReturnStatus.PENDING:
        back.advance(ReturnStatus.UNKNOWN)


def return_known(session: ScopedSession, return_id: UUID, reference: str) -> None:
    """The provider has taken a refund on and will say later what became of it."""
    _, back = locked_return(session, return_id)
    back.provider_reference = reference
    if back.status is ReturnStatus.UNKNOWN:
        back.advance(ReturnStatus.PENDING)


STALE = timedelta(minutes=2)


def _note(session: ScopedSession, actor: Actor, charge: Charge, action: str) -> None:
    audit.record(
        session, actor, action, "charge", charge.id, organization_id=charge.organization_id,
        amount_minor=charge.amount_minor, currency=charge.currency, provider=charge.provider.value,
    )  # fmt: skip


def _note_return(session: ScopedSession, actor: Actor, back: ChargeReturn, action: str) -> None:
    audit.record(
        session, actor, action, "charge", back.charge_id, organization_id=back.organization_id, return_id=back.id,
        kind=back.kind.value, amount_minor=back.amount_minor, currency=back.currency,
    )  # fmt: skip
