"""What goes back of seat packs: as far as nobody used them, to where it was paid from. Nothing here asks a provider.

A pack with an invoice of its own has a credit note of what goes back, with its tax. What a bank takes back beyond that
was for credits that are used: its invoice is open again as far. What comes back from a bank after that stays in the
organization's funds, as the credit note stands.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.billing import accrual, invoice_cards, notes, pack_bills, rules, settling
from app.billing.models import CreditUse, SeatPack
from app.billing.packs import charge_of, locked, note, reopen, values_left
from app.billing.states import CreditKind, PackStatus
from app.charges import client_service as client
from app.charges import decisions
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind, ReturnStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger


def refund(session: ScopedSession, actor: Actor, pack_id: UUID, reason: str, *, key: str | None = None) -> ChargeReturn:
    """What nobody used goes back to where it was paid from; until it is decided, nobody can use it either.

    `key`: the next one of a refund that was refused (`client_service.next_key`).

    Raises Forbidden, NotFound, Invalid without a reason, Conflict when there is nothing left.
    """
    actor.require(Permission.PLATFORM)
    if not reason.strip():
        raise Invalid("Say why.", fields={"reason": "Say why."})
    of = charge_of(session, pack_id)
    with session.elevated("what is left of a pack goes back"):
        of = client.locked(session, of.id)
        pack = locked(session, pack_id)
        left = sum(values_left(session, pack).values())
        if pack.status is not PackStatus.ACTIVE or not left:
            raise Conflict("Nothing of this pack is left.")
        amount = Money(left, pack.currency)
        if _own_card(of, pack):
            amount = pack_bills.gross(session, pack)(amount)
        amount = min(amount, of.refundable)
        back = client.ask_return(session, actor, of, amount, ReturnKind.REFUND, reason.strip()[:500], key=key)
        pack.advance(PackStatus.REFUNDED)
        note(session, actor, pack, "pack.refunded", reason=reason.strip()[:500])
        if of.provider is ChargeProvider.FUNDS:
            returned(session, actor, back.id)
        else:
            outbox.emit(session, Topic.CHARGE_RETURN_ASKED, return_id=back.id)
    return back


def returned(session: ScopedSession, actor: Actor, return_id: UUID) -> None:
    """Money of a pack went back: as many whole credits are taken out as it pays for, with their tax. Idempotent.

    What went back beyond that was for credits that are used: the organization owes it to us, out of its funds.
    """
    with session.elevated("the books of a pack's money that went back"):
        of, back = client.locked_return(session, return_id)
        if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):
            return
        back.amount_minor = min(back.amount_minor, of.refundable.minor)
        if not back.amount_minor:
            client.fail_return(session, actor, back, "All of it had gone back before.")
            return
        pack = locked(session, of.subject_id)
        client.mark_returned(session, actor, of, back)
        if _in_funds(session, of, pack, back):
            _post_money(session, of, -back.amount, str(back.id), back.reason)
            settling.cover(session, actor, of.organization_id, of.currency)
            return
        left = values_left(session, pack)
        worth = back.amount
        if _own_card(of, pack):
            worth = pack_bills.net_of(session, pack, back.amount, Money(sum(left.values()), pack.currency))
        ordinals = rules.worth_withdrawing(left, worth.minor)
        session.add_all(
            CreditUse(
                id=new_id(), organization_id=pack.organization_id, pack_id=pack.id, ordinal=ordinal,
                value_minor=left[ordinal], kind=CreditKind.REFUNDED, return_id=back.id,
            )
            for ordinal in ordinals
        )  # fmt: skip
        _settle(session, pack, empty=len(ordinals) == len(left))
        withdrawn = Money(sum(left[ordinal] for ordinal in ordinals), pack.currency)
        if _own_card(of, pack):
            _credited(session, actor, pack, of, back, withdrawn)
            return
        _post_return(session, of, back, str(back.id), withdrawn.minor, 1)
        if of.provider is ChargeProvider.FUNDS and not accrual.reduce(session, of.id, back.amount):
            notes.credit_return(session, actor, back.id)


def came_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """What counted as returned is with us again, and so are the credits it took out. Idempotent.

    With an invoice of its own the credits are credited and stay out: the money is in the organization's funds.
    """
    with session.elevated("the books of a pack's money that came back"):
        of, back = client.locked_return(session, return_id)
        if back.status is not ReturnStatus.SUCCEEDED:
            return
        pack = locked(session, of.subject_id)
        client.mark_came_back(session, actor, of, back, message)
        if _own_card(of, pack):
            _post_money(session, of, back.amount, f"{back.id}.back", message)
            settling.cover(session, actor, of.organization_id, of.currency)
            outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=of.organization_id)
            return
        taken = session.scalars(
            select(CreditUse).where(CreditUse.return_id == back.id, CreditUse.returned_at.is_(None))
        ).all()
        for one in taken:
            one.returned_at = utc_now()
        if taken:
            reopen(session, pack)
        _post_return(session, of, back, f"{back.id}.back", sum(one.value_minor for one in taken), -1)


def _own_card(of: Charge, pack: SeatPack) -> bool:
    """Whether a card paid it with an invoice of its own: then there is tax in the charge."""
    return pack.invoice_id is not None and of.provider is not ChargeProvider.FUNDS


def _in_funds(session: ScopedSession, of: Charge, pack: SeatPack, back: ChargeReturn) -> bool:
    """Whether it came back once: its credits are gone, and the money is in the funds since."""
    return _own_card(of, pack) and decisions.came_back_before(session, back)


def _credited(
    session: ScopedSession, actor: Actor, pack: SeatPack, of: Charge, back: ChargeReturn, withdrawn: Money
) -> None:
    """The money left by the card; the credit note of what was taken out brings it to the funds before, and for the rest
    the invoice is open again."""
    invoice = settling.locked(session, pack_bills.invoice_of(pack))
    _post_money(session, of, -back.amount, str(back.id), back.reason)
    rest = back.amount
    if withdrawn:
        ledger.post(
            session, recipes.CREDITS_UNCOVERED, ref=str(back.id), organization_id=of.organization_id, amount=withdrawn,
            rail=of.provider.value, memo=back.reason,
        )  # fmt: skip
        with_tax = pack_bills.gross(session, pack)(withdrawn)
        notes.credit_return(session, actor, back.id, withdrawn, given_back=True)
        rest -= min(rest, with_tax)
    part = min(rest, Money(invoice.paid_minor, invoice.currency))
    if part:
        settling.take_back(session, actor, invoice, part, str(back.id), back.reason)
    settling.cover(session, actor, of.organization_id, of.currency)


def _post_money(session: ScopedSession, of: Charge, amount: Money, ref: str, memo: str) -> None:
    ledger.post(
        session, recipes.INVOICE_PAID, ref=ref, organization_id=of.organization_id, amount=amount,
        rail=of.provider.value, memo=memo,
    )  # fmt: skip


def _post_return(
    session: ScopedSession, of: Charge, back: ChargeReturn, ref: str, withdrawn_minor: int, sign: int
) -> None:
    by_funds = of.provider is ChargeProvider.FUNDS
    for recipe, minor in (
        (recipes.CREDITS_UNCOVERED if by_funds else recipes.CREDITS_REFUNDED, withdrawn_minor),
        (recipes.CHARGE_RETURNED, back.amount_minor - withdrawn_minor),
    ):
        ledger.post(
            session, recipe, ref=ref, organization_id=of.organization_id, amount=Money(sign * minor, of.currency),
            rail=of.provider.value, memo=back.reason,
        )  # fmt: skip


def not_returned(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """The refund was refused, or a dispute won: the credits can be used again. Idempotent.

    Raises Conflict when the money went back already.
    """
    with session.elevated("a pack's money that did not go back"):
        of, back = client.locked_return(session, return_id)
        if back.status is ReturnStatus.SUCCEEDED:
            raise Conflict("This went back already.")
        client.fail_return(session, actor, back, message)
        pack = locked(session, of.subject_id)
        if _in_funds(session, of, pack, back):  # what was promised pays what is open
            settling.cover(session, actor, of.organization_id, of.currency)
            outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=of.organization_id)
            return
        if pack.status is PackStatus.REFUNDED:
            _settle(session, pack, empty=not values_left(session, pack))


def refund_again(session: ScopedSession, actor: Actor, return_id: UUID) -> ChargeReturn:
    """A refund that was refused or came back is asked for once more, of what is left now. Twice is once.

    Raises Forbidden, NotFound, Conflict for what was not refused or is settled, and when nothing is left.
    """
    known = decisions.tried_again(session, actor, return_id)
    if known is not None:
        return known
    of, refused, key = decisions.to_try_again(session, actor, return_id)
    with session.elevated("a pack's refund that is tried again"):
        pack = locked(session, of.subject_id)
        if _in_funds(session, of, pack, refused):
            amount = min(refused.amount, invoice_cards.spare(session, of, lock=True))
            if not amount:
                raise Conflict("What came back has paid something else meanwhile.")
            anew = client.ask_return(session, actor, of, amount, ReturnKind.REFUND, refused.reason, key=key)
            outbox.emit(session, Topic.CHARGE_RETURN_ASKED, return_id=anew.id)
            return anew
    return refund(session, actor, of.subject_id, refused.reason, key=key)


def dispute_decided(session: ScopedSession, actor: Actor, return_id: UUID, *, lost: bool) -> None:
    """What the bank decided, told by a person; the same again changes nothing.

    Raises Forbidden, NotFound, Conflict when it was won on appeal, which is the end of it.
    """
    decisions.dispute_decided(
        session, actor, return_id, lost=lost, returned=returned, came_back=came_back, not_returned=not_returned
    )


def disputed(session: ScopedSession, actor: Actor, charge: Charge, amount: Money, reason: str, reference: str) -> UUID:
    """The bank questions the payment: a return that waits for its decision. `charge` is locked. Returns its id."""
    return client.ask_return(session, actor, charge, amount, ReturnKind.DISPUTE, reason, reference).id


def _settle(session: ScopedSession, pack: SeatPack, *, empty: bool) -> None:
    """REFUNDED while nothing is left, else ACTIVE."""
    if empty and pack.status in (PackStatus.ACTIVE, PackStatus.EXPIRED):
        pack.advance(PackStatus.REFUNDED)
    elif not empty and pack.status is PackStatus.REFUNDED:
        reopen(session, pack)
