"""Seat packs: bought once, paid once, given back as far as nobody used them. Nothing here asks a provider.

A pack is written with its charge (subject `seat_pack`); there are credits once the charge succeeded. The ledger's
prepaid credits of an organization are the value of its unused credits, at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.audit import service as audit
from app.billing import accrual, notes, rules
from app.billing.models import CreditUse, SeatPack
from app.billing.rules import Sold
from app.billing.states import CreditKind, PackStatus
from app.charges import client_service as client
from app.charges import cover, decisions
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind, ReturnStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.organizations import service as organizations
from app.organizations.models import Organization
from app.organizations.states import BillingMode

SUBJECT = "seat_pack"
UNPAID_FOR = timedelta(days=1)
BUYS = "Only organizations that pay by seat credits buy them. Ask us to change how yours pays."


def buy(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    sold: Sold,
    number: int,
    provider: ChargeProvider,
    expected: Money | None = None,
) -> tuple[SeatPack, Charge]:
    """Write a pack and what it costs down. From funds it is paid with it; a card is asked for by the caller or the job.

    `expected`: the price the buyer saw. Raises Forbidden, Invalid, Conflict when funds do not cover it, the price has
    changed or the organization does not pay by credits.
    """
    actor.require(Permission.CREDIT_BUY)
    actor.require_organization(organization_id)
    if actor.account_id is None:
        raise Forbidden("Somebody of the organization has to buy this.")
    size = rules.size_of(number)
    price = rules.price_of(sold.price, size)
    if expected is not None and expected != price:
        raise Conflict("The price has changed meanwhile. Look at it again.", fields={"credits": "The price changed."})
    if organizations.get(session, organization_id).billing_mode is not BillingMode.SEAT_PACK:
        raise Conflict(BUYS)
    pack = SeatPack(
        id=new_id(), organization_id=organization_id, offering_id=sold.offering_id, title=sold.title,
        credits=size.credits, list_minor=sold.price.minor, price_minor=price.minor, currency=price.currency,
        expires_on=rules.last_day(today_of(session, organization_id)), bought_by=actor.label,
        bought_by_account_id=actor.account_id, _status=PackStatus.PENDING, created_at=utc_now(),
    )  # fmt: skip
    with session.elevated("the charge of a pack an organization buys"):
        session.add(pack)
        session.flush()
        new = new_id()
        made = client.make(
            session,
            actor,
            Charge(
                id=new, organization_id=organization_id, client_account_id=actor.account_id,
                buyer_organization_id=organization_id, subject_kind=SUBJECT, subject_id=pack.id,
                description=f"{size.credits} credits: {sold.title}", amount_minor=price.minor, promotion_minor=0,
                fee_minor=0, refunded_minor=0, currency=price.currency, provider=provider, key=str(new),
                simulated=provider is ChargeProvider.SIMULATED,
            ),
        )  # fmt: skip
        _note(session, actor, pack, "pack.bought")
        if provider is ChargeProvider.FUNDS:
            cover.check(session, organization_id, price)
            paid(session, actor, made.id)
    return pack, made


def paid(session: ScopedSession, actor: Actor, charge_id: UUID) -> None:
    """The charge succeeded: there are credits. Twice changes nothing."""
    with session.elevated("the credits of a paid pack"):
        of = client.locked(session, charge_id)
        if not client.mark_paid(session, actor, of):
            return
        pack = locked(session, of.subject_id)
        pack.expires_on = rules.last_day(today_of(session, pack.organization_id))
        pack.advance(PackStatus.ACTIVE)
        pack.paid_at = utc_now()
        recipe = recipes.CREDITS_COVERED if of.provider is ChargeProvider.FUNDS else recipes.CREDITS_BOUGHT
        ledger.post(
            session, recipe, ref=str(pack.id), organization_id=pack.organization_id, amount=of.amount,
            rail=of.provider.value, memo=of.description,
        )  # fmt: skip
        if of.provider is ChargeProvider.FUNDS:  # by invoice: on the next one, with its tax
            accrual.accrue(session, of)
        _note(session, actor, pack, "pack.paid")


def ask_again(session: ScopedSession, actor: Actor, pack_id: UUID) -> Charge:
    """The card was refused: its provider is asked anew, for the same charge. Raises Forbidden, NotFound, Conflict."""
    actor.require(Permission.CREDIT_BUY)
    of = charge_of(session, pack_id)
    actor.require_organization(of.organization_id)
    with session.elevated("the charge of a pack an organization buys"):
        return client.make(session, actor, client.locked(session, of.id))


def failed(session: ScopedSession, actor: Actor, charge_id: UUID, message: str) -> None:
    """The card was refused; another one may be tried. `message` is for the buyer."""
    with session.elevated("a pack's charge that failed"):
        client.fail(session, actor, client.locked(session, charge_id), message)


def cancel_unpaid(session: ScopedSession, limit: int = 500) -> int:
    """Packs nobody paid for in a day will not be paid any more; how many. Needs a platform scope."""
    old = (
        select(SeatPack.id)
        .where(SeatPack._status == PackStatus.PENDING, SeatPack.created_at <= utc_now() - UNPAID_FOR)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(
        update(SeatPack)
        .where(SeatPack.id.in_(old))
        .values({SeatPack._status: PackStatus.CANCELLED})
        .returning(SeatPack.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())


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
        amount = min(Money(left, pack.currency), of.refundable)
        back = client.ask_return(session, actor, of, amount, ReturnKind.REFUND, reason.strip()[:500], key=key)
        pack.advance(PackStatus.REFUNDED)
        _note(session, actor, pack, "pack.refunded", reason=reason.strip()[:500])
        if of.provider is ChargeProvider.FUNDS:
            returned(session, actor, back.id)
        else:
            outbox.emit(session, Topic.CHARGE_RETURN_ASKED, return_id=back.id)
    return back


def returned(session: ScopedSession, actor: Actor, return_id: UUID) -> None:
    """Money of a pack went back: as many whole credits are taken out as it pays for. Idempotent.

    What went back beyond that was for credits that are used: the organization owes it to us, out of its funds.
    """
    with session.elevated("the books of a pack's money that went back"):
        of, back = client.locked_return(session, return_id)
        if back.status is ReturnStatus.SUCCEEDED:
            return
        back.amount_minor = min(back.amount_minor, of.refundable.minor)
        if not back.amount_minor:
            client.fail_return(session, actor, back, "All of it had gone back before.")
            return
        pack = locked(session, of.subject_id)
        client.mark_returned(session, actor, of, back)
        left = values_left(session, pack)
        ordinals = rules.worth_withdrawing(left, back.amount_minor)
        session.add_all(
            CreditUse(
                id=new_id(), organization_id=pack.organization_id, pack_id=pack.id, ordinal=ordinal,
                value_minor=left[ordinal], kind=CreditKind.REFUNDED, return_id=back.id,
            )
            for ordinal in ordinals
        )  # fmt: skip
        _settle(session, pack, empty=len(ordinals) == len(left))
        _post_return(session, of, back, str(back.id), sum(left[ordinal] for ordinal in ordinals), 1)
        if of.provider is ChargeProvider.FUNDS and not accrual.reduce(session, of.id, back.amount):
            notes.credit_return(session, actor, back.id)


def came_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """What counted as returned is with us again, and so are the credits it took out. Idempotent."""
    with session.elevated("the books of a pack's money that came back"):
        of, back = client.locked_return(session, return_id)
        if back.status is not ReturnStatus.SUCCEEDED:
            return
        pack = locked(session, of.subject_id)
        client.mark_came_back(session, actor, of, back, message)
        taken = session.scalars(
            select(CreditUse).where(CreditUse.return_id == back.id, CreditUse.returned_at.is_(None))
        ).all()
        for one in taken:
            one.returned_at = utc_now()
        if taken:
            reopen(session, pack)
        _post_return(session, of, back, f"{back.id}.back", sum(one.value_minor for one in taken), -1)


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


def reopen(session: ScopedSession, pack: SeatPack) -> None:
    """What is left of a pack can be used again, for a while at least. The pack is locked."""
    now = today_of(session, pack.organization_id)
    if pack.status is not PackStatus.ACTIVE:
        pack.advance(PackStatus.ACTIVE)
    if pack.expires_on < now:
        pack.expires_on, pack.warned_at = now + timedelta(days=rules.GRACE_DAYS), None
    session.flush()


def charge_of(session: ScopedSession, pack_id: UUID) -> Charge:
    """What a pack costs, as far as the scope sees it. Raises NotFound."""
    found = session.scalar(select(Charge).where(Charge.subject_kind == SUBJECT, Charge.subject_id == pack_id))
    if found is None:
        raise NotFound("There is no such pack.")
    return found


def going_back(session: ScopedSession, pack_id: UUID) -> bool:
    """Whether money of a pack was asked to go back and that is not decided."""
    return bool(client.promised_back(session, charge_of(session, pack_id)))


def locked(session: ScopedSession, pack_id: UUID) -> SeatPack:
    """The pack, still until commit. Raises NotFound."""
    found = session.get(SeatPack, pack_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such pack.")
    return found


def values_left(session: ScopedSession, pack: SeatPack) -> dict[int, int]:
    """What each credit that nothing took out is worth, by its number. The pack is locked."""
    if pack.paid_at is None:
        return {}
    taken = set(_taken(session, pack.id))
    return {
        ordinal: rules.value_of(pack.price, pack.credits, ordinal).minor
        for ordinal in range(1, pack.credits + 1)
        if ordinal not in taken
    }


def _taken(session: ScopedSession, pack_id: UUID) -> Sequence[int]:
    return session.scalars(
        select(CreditUse.ordinal).where(CreditUse.pack_id == pack_id, CreditUse.returned_at.is_(None))
    ).all()


def today_of(session: ScopedSession, organization_id: UUID) -> date:
    """The organization's own day."""
    zone = session.scalar(select(Organization.time_zone).where(Organization.id == organization_id)) or "UTC"
    return utc_now().astimezone(ZoneInfo(zone)).date()


def _note(session: ScopedSession, actor: Actor, pack: SeatPack, action: str, **detail: str) -> None:
    audit.record(
        session, actor, action, SUBJECT, pack.id, organization_id=pack.organization_id, title=pack.title,
        credits=pack.credits, price_minor=pack.price_minor, currency=pack.currency, **detail,
    )  # fmt: skip
