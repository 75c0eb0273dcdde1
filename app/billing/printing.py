"""An invoice as it is printed today: what was issued, and what was paid and credited since. No drawing here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from app.billing import paper, snapshots, taxing
from app.billing.assessment import Seller
from app.billing.documents import Document, DocumentKind
from app.billing.einvoice import cii
from app.billing.invoice_models import BillingProfile, Invoice, InvoicePayment
from app.billing.invoice_states import InvoiceStatus, PaidWith
from app.billing.taxing import Regime
from app.core.errors import NotFound
from app.core.formats import format_day
from app.core.money import Money
from app.db.session import ScopedSession
from app.pdf.invoices import InvoiceDocument, Sum
from app.pdf.render import render_invoice

LAYOUT = 2  # one more whenever the same document would look different
_WORDS = {
    PaidWith.CARD: "Card payment",
    PaidWith.BANK: "Bank transfer",
    PaidWith.FUNDS: "From your funds",
    PaidWith.CREDIT: "Credit note",
}


@dataclass(frozen=True, slots=True)
class Printable:
    """What to draw, and what it was made of. `electronic`: its issuer's invoices have an XML copy. `key` is the same
    for the same paper; `sha256` its digest, where it was drawn before.
    """

    invoice_id: UUID
    number: str
    frozen: Document
    document: InvoiceDocument
    electronic: bool
    key: str
    sha256: str | None


def printable(session: ScopedSession, invoice_id: UUID, locale: str = "en_US") -> Printable:
    """As far as the scope sees it; an issuer's logo is for everybody. Raises NotFound."""
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("There is no such invoice.")
    frozen = snapshots.thaw(invoice.snapshot)
    after = () if invoice.kind is DocumentKind.CREDIT_NOTE else _after(session, invoice, locale)
    stamp = _stamp(invoice)
    logo, logo_sha256 = _logo(session, invoice.issuer_id)
    seller = Seller(frozen.seller.country, frozen.seller.region, frozen.seller.tax_id)
    told = [LAYOUT, invoice.snapshot_sha256, [[o.label, o.amount.minor] for o in after], stamp, locale, logo_sha256]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    document = paper.of(frozen, after=after, stamp=stamp, logo=logo, simulated=invoice.simulated, locale=locale)
    return Printable(
        invoice.id, invoice.number, frozen, document, taxing.regime(seller) is Regime.VAT, key,
        invoice.pdf_sha256 if invoice.pdf_key == key else None,
    )  # fmt: skip


def _after(session: ScopedSession, invoice: Invoice, locale: str) -> tuple[Sum, ...]:
    query = select(InvoicePayment).where(InvoicePayment.invoice_id == invoice.id).order_by(InvoicePayment.id)
    return tuple(
        Sum(_label(one, locale), Money(-one.amount_minor, one.currency)) for one in session.scalars(query)
    )  # fmt: skip


def _label(one: InvoicePayment, locale: str) -> str:
    named = f" {one.reference}" if one.paid_with is PaidWith.CREDIT else ""
    return f"{_WORDS[one.paid_with]}{named}, {format_day(one.received_on, locale, 'medium')}"


def _stamp(invoice: Invoice) -> str:
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        return ""
    if invoice.status is InvoiceStatus.PAID:
        return "PAID" if invoice.paid_minor else "CREDITED"
    return "PART PAID" if invoice.paid_minor or invoice.credited_minor else ""


def _logo(session: ScopedSession, issuer_id: UUID) -> tuple[bytes | None, str | None]:
    query = select(BillingProfile.logo, BillingProfile.logo_sha256).where(BillingProfile.organization_id == issuer_id)
    with session.elevated("the issuer's logo"):
        row = session.execute(query).one_or_none()
    return (row.logo, row.logo_sha256) if row else (None, None)


def pdf(found: Printable) -> bytes:
    """The paper, with the electronic invoice inside where its issuer has one. Raises PdfUnavailable, TooLong."""
    return render_invoice(found.document, cii.build(found.frozen) if found.electronic else None)


def remember(session: ScopedSession, found: Printable, content: bytes) -> str:
    """Keep the digest of the paper as it is now, for who asks whether it changed; returns it."""
    digest = hashlib.sha256(content).hexdigest()
    with session.elevated("the digest of an invoice's paper"):
        session.execute(
            update(Invoice).where(Invoice.id == found.invoice_id).values(pdf_key=found.key, pdf_sha256=digest)
        )  # fmt: skip
    return digest
