"""Credit and debit notes: an issued invoice never changes, what changes is said by a document of its own.

The caller acts as the platform and has checked the permission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.billing import gst, issuing, numbers, parties, settling, snapshots
from app.billing.assessment import Assessment, Head, Item, TaxedItem, of_rate, to_unit
from app.billing.documents import Document, DocumentKind, Reference
from app.billing.invoice_models import BilledCharge, CreditedReturn, Invoice, InvoiceLine
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.billing.issuing import Ready
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.charges.client_models import ChargeReturn
from app.charges.states import ReturnStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger

LONGEST_REASON = 500


def credit_return(
    session: ScopedSession, actor: Actor, return_id: UUID, net: Money | None = None, *, given_back: bool = False
) -> UUID | None:
    """The credit note of a refund of something billed; None when it was not billed, or has its note already.

    `net`: what of it is before tax, where the money that went back has tax in it. `given_back`: that money left
    already, so nothing of the note is offset.
    """
    back = session.get_one(ChargeReturn, return_id)
    billed = session.scalar(select(BilledCharge).where(BilledCharge.charge_id == back.charge_id))
    if billed is None or back.status is not ReturnStatus.SUCCEEDED:
        return None
    invoice = settling.locked(session, billed.invoice_id)
    if session.scalar(select(CreditedReturn.id).where(CreditedReturn.return_id == return_id)) is not None:
        return None
    line = session.get_one(InvoiceLine, billed.line_id, populate_existing=True)
    net = back.amount if net is None else net
    part = min(net, _left(line, invoice))
    if before := net - part:  # a credit note by hand has given so much of the line already: not twice
        ledger.post(
            session, recipes.MORE_BILLED, ref=str(return_id), organization_id=invoice.organization_id, amount=before,
            memo=invoice.number,
        )  # fmt: skip
    if not part:
        settling.cover(session, actor, invoice.organization_id, invoice.currency)
        return None
    note = credit(session, actor, invoice.id, [(line.id, part)], back.reason, given_back=given_back)
    session.add(CreditedReturn(id=new_id(), organization_id=invoice.organization_id, return_id=return_id, note_id=note))
    session.flush()
    return note


def credit_by_hand(
    session: ScopedSession, actor: Actor, invoice_id: UUID, parts: Sequence[tuple[UUID, Money]], reason: str
) -> UUID:
    """A credit note that no refund stands behind: the platform bears it, and the organization's funds get it back.

    A refund of the same charges later gives nothing twice. Raises as `credit`, Conflict for seat credits that were
    ordered and are not paid.
    """
    ordered = select(SeatPack.id).where(SeatPack.invoice_id == invoice_id, SeatPack._status == PackStatus.PENDING)
    if session.scalar(ordered) is not None:
        raise Conflict("These credits are not paid yet: cancel the order, which makes its credit note.")
    return credit(session, actor, invoice_id, parts, reason, borne=True)


def credit_whole(session: ScopedSession, actor: Actor, invoice_id: UUID, reason: str) -> UUID:
    """Everything that is left of an invoice's lines. Returns the note's id. Raises as `credit`."""
    invoice = _issued(session, invoice_id)
    parts = [(line.id, left) for line in _lines(session, invoice_id) if (left := _left(line, invoice))]
    return credit(session, actor, invoice_id, parts, reason)


def credit(
    session: ScopedSession, actor: Actor, invoice_id: UUID, parts: Sequence[tuple[UUID, Money]], reason: str,
    *, borne: bool = False, given_back: bool = False,
) -> UUID:  # fmt: skip
    """A credit note over parts of an invoice's lines, net of tax. Returns its id.

    What is open of the invoice is offset, unless the money left already (`given_back`); what is more stays in the
    organization's funds. Tax is credited with it as long as the law lets it. Raises Invalid for more than is left of a
    line, Conflict for what was not issued.
    """
    reason = _reason(reason)
    invoice = _issued(session, invoice_id)
    original = snapshots.thaw(invoice.snapshot)
    lines = {line.id: line for line in _lines(session, invoice.id)}
    taxed, items, quantities = takes_tax_back(original, invoice.issued_on), [], []
    for line_id, amount in parts:
        line = lines.get(line_id)
        if line is None or amount.currency != invoice.currency or not 0 < amount.minor <= _left(line, invoice).minor:
            raise Invalid(
                "This is more than is left of the line, or nothing.", fields={"amount": "Not more than left."}
            )
        before = Money(line.credited_minor, invoice.currency)
        line.credited_minor += amount.minor
        items.append(same_tax(original.assessment.items[line.position - 1], amount, taxed=taxed, before=before))
        quantities.append(1)
    session.flush()
    note_id = _issue(
        session,
        invoice,
        original,
        DocumentKind.CREDIT_NOTE,
        items,
        quantities,
        reason,
        [line_id for line_id, _ in parts],
    )
    note = settling.locked(session, note_id)
    if borne:
        ledger.post(
            session, recipes.MORE_BILLED, ref=str(note_id), organization_id=invoice.organization_id,
            amount=Money(-note.net_minor, note.currency), memo=invoice.number,
        )  # fmt: skip
    if not given_back:
        settling.offset(session, actor, invoice, note)
    if note.status is InvoiceStatus.SENT:
        note.advance(InvoiceStatus.PAID)
        note.paid_at = utc_now()
    settling.cover(session, actor, invoice.organization_id, invoice.currency)  # with what was not offset
    session.flush()
    audit.record(
        session, actor, "invoice.credited", "invoice", invoice.id, organization_id=invoice.organization_id,
        number=note.number,
    )  # fmt: skip
    return note_id


def debit(session: ScopedSession, actor: Actor, invoice_id: UUID, amount: Money, description: str, reason: str) -> UUID:
    """A debit note: more is due for what an invoice billed, with its tax. Returns its id. Raises Invalid, Conflict."""
    reason, description = _reason(reason), " ".join(description.split())[:200]
    invoice = _issued(session, invoice_id)
    if amount.currency != invoice.currency or amount.minor <= 0 or not description:
        raise Invalid(
            "Say what for, and an amount above zero.", fields={"amount": f"In {invoice.currency}, above zero."}
        )
    original = snapshots.thaw(invoice.snapshot)
    like = original.assessment.items[0]
    item = same_tax(TaxedItem(_renamed(like.item, description), like.heads, like.category), amount, taxed=True)
    note_id = _issue(session, invoice, original, DocumentKind.DEBIT_NOTE, [item], [1], reason, [])
    ledger.post(
        session, recipes.MORE_BILLED, ref=str(note_id), organization_id=invoice.organization_id, amount=amount,
        memo=invoice.number,
    )  # fmt: skip
    settling.cover(session, actor, invoice.organization_id, invoice.currency)
    audit.record(
        session, actor, "invoice.debited", "invoice", invoice.id, organization_id=invoice.organization_id,
        amount_minor=amount.minor,
    )  # fmt: skip
    return note_id


def _issued(session: ScopedSession, invoice_id: UUID) -> Invoice:
    invoice = settling.locked(session, invoice_id)
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Conflict("Only an issued invoice can be corrected.")
    return invoice


def _lines(session: ScopedSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def _left(line: InvoiceLine, invoice: Invoice) -> Money:
    return Money(line.net_minor - line.credited_minor, invoice.currency)


def takes_tax_back(original: Document, issued_on: date) -> bool:
    """Whether the law lets a credit note of today take tax back, too."""
    return original.seller.country != "IN" or utc_now().date() <= gst.last_credit_note_day(issued_on)


def same_tax(item: TaxedItem, amount: Money, *, taxed: bool, before: Money | None = None) -> TaxedItem:
    """Part of a line with the same heads at the same rates. `before`: what of it was credited already, net; all parts
    of a line together have the tax of the line, however many there are."""
    gone = before or Money(0, amount.currency)
    heads = tuple(
        Head(head.name, head.rate_bps, of_rate(gone + amount, head.rate_bps) - of_rate(gone, head.rate_bps))
        for head in item.heads
        if taxed
    )
    return TaxedItem(
        Item(item.item.description, amount, item.item.rate_bps if taxed else 0, item.item.code), heads, item.category
    )


def _renamed(item: Item, description: str) -> Item:
    return Item(description, item.net, item.rate_bps, item.code)


def _issue(
    session: ScopedSession, invoice: Invoice, original: Document, kind: DocumentKind, items: Sequence[TaxedItem],
    quantities: Sequence[int], reason: str, corrected: Sequence[UUID],
) -> UUID:  # fmt: skip
    issuer, today, found = parties.issuer(session), utc_now().date(), original.assessment
    year = numbers.fiscal_year(issuer.party.country, today)
    serial = numbers.take(session, issuer.id, kind, year)
    terms = parties.billed(session, [invoice.organization_id])[invoice.organization_id].terms_days
    assessment = Assessment(tuple(items), found.place, found.round_to_unit, found.reverse_charge, found.note)
    if kind is DocumentKind.CREDIT_NOTE:
        assessment = rounded_together(assessment, *told_before(session, invoice))
    document = Document(
        kind=kind, number=numbers.text_of(issuer.prefix, issuer.party.country, kind, year, serial), issued_on=today,
        seller=original.seller, buyer=original.buyer,
        assessment=assessment,
        quantities=tuple(quantities), period=original.period, buyer_reference=original.buyer_reference, reason=reason,
        due_on=today + timedelta(days=terms) if kind is DocumentKind.DEBIT_NOTE else None,
        bank=original.bank if kind is DocumentKind.DEBIT_NOTE else None,
        corrects=(Reference(original.number, original.issued_on),),
    )  # fmt: skip
    ready = Ready(
        new_id(), invoice.organization_id, issuer.id, InvoiceOrigin.CORRECTION, document, serial, year,
        corrects_id=invoice.id, corrects_line_ids=tuple(corrected),
    )  # fmt: skip
    issuing.write(session, [ready], simulated=invoice.simulated)
    issuing.post_tax(session, [ready.id])
    return ready.id


def told_before(session: ScopedSession, invoice: Invoice) -> tuple[Money, Money]:
    """What the credit notes of an invoice have taken back, before they were rounded and as they say it."""
    query = select(
        func.coalesce(func.sum(Invoice.net_minor + Invoice.tax_minor), 0),
        func.coalesce(func.sum(Invoice.total_minor), 0),
    ).where(Invoice.corrects_id == invoice.id, Invoice.kind == DocumentKind.CREDIT_NOTE)
    exact, told = (Money(int(minor), invoice.currency) for minor in session.execute(query).one())
    return exact, told


def rounded_together(part: Assessment, gone: Money, told: Money) -> Assessment:
    """A credit note rounded with those before it, where the law rounds: all of them together take back the invoice's
    total, not a unit more or less. `gone`, `told`: as `told_before` has them."""
    if not part.round_to_unit:
        return part
    exact = part.net + part.tax
    return replace(part, rounding=(to_unit(gone + exact) - told - exact).minor)


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= LONGEST_REASON:
        raise Invalid("Say why, in a few words.", fields={"reason": f"At most {LONGEST_REASON} letters."})
    return reason
