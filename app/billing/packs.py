"""Seat packs: bought once, paid once. Nothing here asks a provider.

A pack is written with its charge (subject `seat_pack`); there are credits once the charge succeeded, with an invoice of
their own (`pack_bills`). The ledger's prepaid credits of an organization are the value of its unused credits, at any
moment, with those that were ordered by invoice and nobody paid yet. What goes back is in `pack_returns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.audit import service as audit
from app.billing import accrual, notes, pack_bills, rules, settling, snapshots
from app.billing.invoice_states import InvoiceStatus
from app.billing.models import CreditUse, SeatPack
from app.billing.pack_bills import Quote
from app.billing.rules import Size, Sold
from app.billing.states import PackStatus
from app.charges import client_service as client
from app.charges import cover
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.organizations import service as organizations
from app.organizations.models import Organization
from app.organizations.states import BillingMode

SUBJECT = "seat_pack"
UNPAID_FOR = timedelta(days=1)
NO_INVOICES = "The platform cannot bill yet. Pay by card."
BUYS = "Only organizations that pay by seat credits buy them. Ask us to change how yours pays."


def buy(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    sold: Sold,
    number: int,
    provider: ChargeProvider,
    expected: Money | None = None,
    *,
    by_invoice: bool = False,
) -> tuple[SeatPack, Charge]:
    """Write a pack and what it costs down. From funds it is paid with it; a card is asked for by the caller or the job.

    `expected`: what the buyer saw, with tax. `by_invoice`: its invoice is issued now, on the buyer's terms, and there
    are credits once that is paid. Raises Forbidden, Invalid, Conflict when funds do not cover it, the price has
    changed, the organization does not pay by credits or cannot be billed.
    """
    actor.require(Permission.CREDIT_BUY)
    actor.require_organization(organization_id)
    if actor.account_id is None:
        raise Forbidden("Somebody of the organization has to buy this.")
    size = rules.size_of(number)
    quote = pack_bills.quote(
        pack_bills.sides(session, organization_id), _named(sold, size), rules.price_of(sold.price, size),
        on_terms=by_invoice,
    )  # fmt: skip
    if expected is not None and expected != quote.total:
        raise Conflict("The price has changed meanwhile. Look at it again.", fields={"credits": "The price changed."})
    if organizations.get(session, organization_id).billing_mode is not BillingMode.SEAT_PACK:
        raise Conflict(BUYS)
    if by_invoice and quote.document is None:
        raise Conflict(NO_INVOICES, fields={"pay": NO_INVOICES})
    provider = ChargeProvider.FUNDS if by_invoice else provider
    with session.elevated("the charge of a pack an organization buys"):
        pack, made = _written(session, actor, organization_id, sold, size, quote, provider, actor.account_id)
        if by_invoice:
            _covered(session, pack, made)
            pack_bills.issue(session, actor, pack, made.id)
        elif provider is ChargeProvider.FUNDS:
            cover.check(session, organization_id, quote.total)
            paid(session, actor, made.id)
    return pack, made


def _written(
    session: ScopedSession, actor: Actor, organization_id: UUID, sold: Sold, size: Size, quote: Quote,
    provider: ChargeProvider, account_id: UUID,
) -> tuple[SeatPack, Charge]:  # fmt: skip
    """A card is charged with tax; the funds take the price, and the tax as it is billed."""
    price, total = quote.price, quote.price if provider is ChargeProvider.FUNDS else quote.total
    pack = SeatPack(
        id=new_id(), organization_id=organization_id, offering_id=sold.offering_id, title=sold.title,
        credits=size.credits, list_minor=sold.price.minor, price_minor=price.minor, currency=price.currency,
        expires_on=rules.last_day(today_of(session, organization_id)), bought_by=actor.label,
        bought_by_account_id=account_id, _status=PackStatus.PENDING, created_at=utc_now(),
        quote=snapshots.freeze(quote.document) if quote.document else None, tax_minor=quote.tax.minor,
    )  # fmt: skip
    session.add(pack)
    session.flush()
    new = new_id()
    made = client.make(
        session,
        actor,
        Charge(
            id=new, organization_id=organization_id, client_account_id=account_id,
            buyer_organization_id=organization_id, subject_kind=SUBJECT, subject_id=pack.id,
            description=_named(sold, size), amount_minor=total.minor, promotion_minor=0, fee_minor=0, refunded_minor=0,
            currency=price.currency, provider=provider, key=str(new), simulated=provider is ChargeProvider.SIMULATED,
        ),
    )  # fmt: skip
    note(session, actor, pack, "pack.bought")
    return pack, made


def _named(sold: Sold, size: Size) -> str:
    return f"{size.credits} credits: {sold.title}"


def paid(session: ScopedSession, actor: Actor, charge_id: UUID) -> None:
    """The charge succeeded: there are credits, and the invoice of them. Twice changes nothing."""
    with session.elevated("the credits of a paid pack"):
        of = client.locked(session, charge_id)
        if not client.mark_paid(session, actor, of):
            return
        pack = locked(session, of.subject_id)
        _begin(session, actor, pack)
        if of.provider is ChargeProvider.FUNDS:
            _covered(session, pack, of)
            if pack.quote is None:  # on the next invoice
                accrual.accrue(session, of)
            else:
                pack_bills.issue(session, actor, pack, of.id)
                settling.cover(session, actor, pack.organization_id, pack.currency)
        elif pack.quote is None:
            ledger.post(
                session, recipes.CREDITS_BOUGHT, ref=str(pack.id), organization_id=pack.organization_id,
                amount=of.amount, rail=of.provider.value, memo=of.description,
            )  # fmt: skip
        else:
            ledger.post(
                session, recipes.INVOICE_PAID, ref=str(of.id), organization_id=pack.organization_id, amount=of.amount,
                rail=of.provider.value, memo=of.description,
            )  # fmt: skip
            _covered(session, pack, of)
            invoice_id = pack_bills.issue(session, actor, pack, of.id)
            settling.paid_by_card(session, actor, invoice_id, amount=of.amount, charge_id=of.id)


def granted(session: ScopedSession, actor: Actor, invoice_id: UUID) -> None:
    """The invoice of a pack that was ordered is paid: there are credits. Twice, or any other invoice, changes nothing.

    Needs a platform scope.
    """
    pack_id = session.scalar(select(SeatPack.id).where(SeatPack.invoice_id == invoice_id))
    if pack_id is None:
        return
    of = client.locked(session, charge_of(session, pack_id).id)
    pack = locked(session, pack_id)
    if pack.ordered and settling.locked(session, invoice_id).status is InvoiceStatus.PAID:
        client.mark_paid(session, actor, of)
        _begin(session, actor, pack)


def cancel_order(session: ScopedSession, actor: Actor, pack_id: UUID) -> None:
    """A pack that was ordered by invoice and is not paid is not wanted any more: a credit note takes its invoice back.

    What was paid in part stays in the organization's funds. Raises Forbidden, NotFound, Conflict for what is paid.
    """
    if not actor.can(Permission.PLATFORM):
        actor.require(Permission.CREDIT_BUY)
    found = charge_of(session, pack_id)
    actor.require_organization(found.organization_id)
    with session.elevated("an order of seat credits that is taken back"):
        of = client.locked(session, found.id)
        pack = locked(session, pack_id)
        if not pack.ordered or pack.invoice_id is None:
            raise Conflict("Only an order that is not paid can be cancelled.")
        if settling.locked(session, pack.invoice_id).status is InvoiceStatus.PAID:
            raise Conflict("The invoice is paid: the credits are there in a moment.")
        pack.advance(PackStatus.CANCELLED)
        client.give_up(session, actor, of)
        ledger.post(
            session, recipes.CREDITS_UNCOVERED, ref=str(pack.id), organization_id=pack.organization_id,
            amount=pack.price, rail=of.provider.value, memo=of.description,
        )  # fmt: skip
        notes.credit_whole(session, actor, pack.invoice_id, "The order was cancelled before it was paid.")
        note(session, actor, pack, "pack.cancelled")


def _begin(session: ScopedSession, actor: Actor, pack: SeatPack) -> None:
    """From now on its credits can be used. The pack is locked."""
    pack.expires_on = rules.last_day(today_of(session, pack.organization_id))
    pack.advance(PackStatus.ACTIVE)
    pack.paid_at = utc_now()
    note(session, actor, pack, "pack.paid")


def _covered(session: ScopedSession, pack: SeatPack, of: Charge) -> None:
    """Its price, out of the funds: credits are owed now."""
    ledger.post(
        session, recipes.CREDITS_COVERED, ref=str(pack.id), organization_id=pack.organization_id, amount=pack.price,
        rail=of.provider.value, memo=of.description,
    )  # fmt: skip


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
    """Packs nobody paid for in a day will not be paid any more; how many. An order by invoice has its own time.

    Needs a platform scope.
    """
    old = (
        select(SeatPack.id)
        .where(
            SeatPack._status == PackStatus.PENDING,
            SeatPack.invoice_id.is_(None),
            SeatPack.created_at <= utc_now() - UNPAID_FOR,
        )
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


def note(session: ScopedSession, actor: Actor, pack: SeatPack, action: str, **detail: str) -> None:
    audit.record(
        session, actor, action, SUBJECT, pack.id, organization_id=pack.organization_id, title=pack.title,
        credits=pack.credits, price_minor=pack.price_minor, currency=pack.currency, **detail,
    )  # fmt: skip
