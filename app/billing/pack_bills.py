"""A seat pack's own invoice: what it costs with tax, its document, and when it is issued.

What a pack costs is worked out as it is bought and kept with it (`SeatPack.quote`), so a card is charged exactly what
the invoice says, whatever becomes of rates and addresses meanwhile. While the platform has no billing details there is
no tax and no invoice. The caller acts as the platform, except in `sides`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.billing import issuing, notes, numbers, parties, snapshots, taxing
from app.billing.assessment import Assessment, Item
from app.billing.documents import Document, DocumentKind
from app.billing.invoice_models import BilledCharge, Invoice, InvoiceLine
from app.billing.invoice_states import InvoiceOrigin
from app.billing.issuing import Ready
from app.billing.models import SeatPack
from app.billing.parties import Billed, Issuer
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import new_id


@dataclass(frozen=True, slots=True)
class Sides:
    """Who sells and who buys, as their documents say it."""

    issuer: Issuer
    buyer: Billed


@dataclass(frozen=True, slots=True)
class Quote:
    """What a pack costs one buyer. `document` has no number and no day yet; None: there will be no invoice."""

    price: Money
    document: Document | None = None

    @property
    def total(self) -> Money:
        return self.document.total if self.document else self.price

    @property
    def tax(self) -> Money:
        """Tax, and the rounding of the total where the law wants it."""
        return self.total - self.price


def sides(session: ScopedSession, organization_id: UUID) -> Sides | None:
    """None while the platform has not said who it is."""
    with session.elevated("who sells packs and who is billed for them"):
        try:
            issuer = parties.issuer(session)
        except Conflict:
            return None
        return Sides(issuer, parties.billed(session, [organization_id])[organization_id])


def quote(of: Sides | None, description: str, price: Money, *, on_terms: bool = False) -> Quote:
    """`on_terms`: due by the buyer's terms instead of at once. Raises Conflict for what is missing of the buyer."""
    if of is None:
        return Quote(price)
    item = Item(description, price, of.issuer.service_rate_bps, of.issuer.service_code)
    try:
        assessment = taxing.assess(of.issuer.seller, of.buyer.buyer, [item])
    except Invalid as refusal:
        raise Conflict(f"{of.buyer.party.name}: {refusal.message}") from refusal
    days, today = of.buyer.terms_days if on_terms else 0, utc_now().date()
    return Quote(
        price,
        Document(
            kind=DocumentKind.INVOICE, number="", issued_on=today, seller=of.issuer.party,
            buyer=of.buyer.party, assessment=assessment, quantities=(1,), due_on=today + timedelta(days=days),
            buyer_reference=of.buyer.reference, terms=f"Net {days}" if days else "Due on receipt", bank=of.issuer.bank,
        ),
    )  # fmt: skip


def issue(session: ScopedSession, actor: Actor, pack: SeatPack, charge_id: UUID) -> UUID:
    """The invoice of a pack that was quoted with one; its id. Once: a pack that has one keeps it."""
    if pack.invoice_id is not None or pack.quote is None:
        raise ValueError("this pack has its invoice, or was sold without one")
    quoted, today = snapshots.thaw(pack.quote), utc_now().date()
    issuer = parties.issuer(session)
    year = numbers.fiscal_year(issuer.party.country, today)
    serial = numbers.take(session, issuer.id, DocumentKind.INVOICE, year)
    days = (quoted.due_on or quoted.issued_on) - quoted.issued_on
    document = replace(
        quoted, number=numbers.text_of(issuer.prefix, issuer.party.country, DocumentKind.INVOICE, year, serial),
        issued_on=today, due_on=today + days,
    )  # fmt: skip
    ready = Ready(new_id(), pack.organization_id, issuer.id, InvoiceOrigin.PACK, document, serial, year)
    issuing.write(session, [ready], simulated=settings().sandbox)
    issuing.post_tax(session, [ready.id])
    session.add(
        BilledCharge(
            organization_id=pack.organization_id, charge_id=charge_id, invoice_id=ready.id,
            line_id=ready.line_ids[0], amount_minor=pack.price_minor,
        )
    )  # fmt: skip
    pack.invoice_id = ready.id
    session.flush()
    audit.record(
        session, actor, "invoice.issued", "invoice", ready.id, organization_id=pack.organization_id,
        number=document.number,
    )  # fmt: skip
    return ready.id


def gross(session: ScopedSession, pack: SeatPack) -> Callable[[Money], Money]:
    """What goes back for so much more of a pack, net: its tax with it, as its credit note will say."""
    invoice = session.get_one(Invoice, invoice_of(pack))
    line = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).execution_options(populate_existing=True)
    ).one()
    before, told = Money(line.credited_minor, invoice.currency), notes.told_before(session, invoice)
    document = snapshots.thaw(invoice.snapshot)
    taxed, found = notes.takes_tax_back(document, invoice.issued_on), document.assessment

    def of(net: Money) -> Money:
        item = notes.same_tax(found.items[0], net, taxed=taxed, before=before)
        part = Assessment((item,), found.place, found.round_to_unit, found.reverse_charge, found.note)
        return notes.rounded_together(part, *told).total

    return of


def net_of(session: ScopedSession, pack: SeatPack, amount: Money, most: Money) -> Money:
    """The largest part of a pack, up to `most`, that with its tax is no more than an amount: `gross` the other way."""
    of = gross(session, pack)
    if of(most) <= amount:
        return most
    low, high = 0, most.minor
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if of(Money(middle, most.currency)) <= amount else (low, middle)
    return Money(low, most.currency)


def invoice_of(pack: SeatPack) -> UUID:
    """Raises ValueError for a pack that was sold without one."""
    if pack.invoice_id is None:
        raise ValueError("this pack was sold without an invoice of its own")
    return pack.invoice_id
