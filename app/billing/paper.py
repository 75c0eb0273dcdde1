"""An issued document as it is printed: titles, labels and notes by the country of its issuer."""

from __future__ import annotations

from app.billing.assessment import TaxedItem
from app.billing.documents import Bank, Document, DocumentKind, Party
from app.billing.einvoice.common import percent
from app.billing.indian_states import ABROAD, STATES
from app.core.countries import country_name
from app.core.formats import format_day
from app.core.money import Money
from app.pdf import documents as printed
from app.pdf.invoices import InvoiceDocument, InvoiceLine, Sum

_TITLES = {
    DocumentKind.INVOICE: "Invoice",
    DocumentKind.CREDIT_NOTE: "Credit note",
    DocumentKind.DEBIT_NOTE: "Debit note",
}
_INDIA = "IN"


def of(
    document: Document,
    *,
    after: tuple[Sum, ...] = (),
    stamp: str = "",
    logo: bytes | None = None,
    simulated: bool = False,
    locale: str = "en",
) -> InvoiceDocument:
    """`after`: payments and notes since it was issued, as they are taken off; with nothing due it does not say where to
    pay. The rest is frozen with the document."""
    found = document.assessment
    due = Money(document.total.minor + sum(one.amount.minor for one in after), found.currency)
    return InvoiceDocument(
        title=_title(document), number=document.number, payer=_party(document.seller), payee=_party(document.buyer),
        issued_on=document.issued_on, due_on=document.due_on, total=document.total, due=due, after=after,
        lines=tuple(
            _line(item, quantity) for item, quantity in zip(found.items, document.quantities, strict=True)
        ),
        sums=_sums(document), facts=tuple(_facts(document, locale)),
        bank=_bank(document.bank, document.number) if due else (),
        stamp=stamp, copy="ORIGINAL FOR RECIPIENT" if document.seller.country == _INDIA else "", logo=logo,
        notes=tuple(note for note in (document.reason, found.note, *document.notes) if note),
        simulated=simulated, locale=locale,
    )  # fmt: skip


def _title(document: Document) -> str:
    taxed = document.seller.country == _INDIA and document.seller.tax_id
    return "Tax invoice" if taxed and document.kind is DocumentKind.INVOICE else _TITLES[document.kind]


def _party(party: Party) -> printed.Party:
    label = "GSTIN" if party.country == _INDIA else "Tax number"
    state = STATES.get(party.region, party.region)
    place = " ".join(part for part in (party.postcode, party.city) if part)
    lines = [
        party.street,
        place,
        state,
        country_name(party.country),
        f"{label} {party.tax_id}" if party.tax_id else "",
        party.email,
    ]
    return printed.Party(party.name, tuple(line for line in lines if line))


def _line(item: TaxedItem, quantity: int) -> InvoiceLine:
    divides = item.net.minor % quantity == 0
    return InvoiceLine(
        item.item.description, quantity if divides else 1,
        Money(item.net.minor // quantity, item.net.currency) if divides else item.net, item.net,
        detail=f"SAC {item.item.code}" if item.item.code else "",
        tax=f"{percent(sum(head.rate_bps for head in item.heads))}%" if item.heads else "",
    )  # fmt: skip


def _sums(document: Document) -> tuple[Sum, ...]:
    found = document.assessment
    sums = [Sum(f"{head.name} {percent(head.rate_bps)}%", head.amount) for head in found.heads]
    if found.round_off:
        sums.append(Sum("Round-off", found.round_off))
    return tuple(sums)


def _facts(document: Document, locale: str) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    if document.period:
        first, last = document.period
        facts.append(("Period", f"{format_day(first, locale, 'medium')} – {format_day(last, locale, 'medium')}"))
    if document.terms:
        facts.append(("Terms", document.terms))
    if document.buyer_reference:
        facts.append(("Your reference", document.buyer_reference))
    facts += [
        ("Corrects", f"{one.number} of {format_day(one.issued_on, locale, 'medium')}") for one in document.corrects
    ]
    if document.seller.country == _INDIA and document.assessment.place:
        place = document.assessment.place
        facts.append(("Place of supply", "Outside India" if place == ABROAD else f"{STATES[place]} ({place})"))
        facts.append(("Reverse charge", "Yes" if document.assessment.reverse_charge else "No"))
    return facts


def _bank(bank: Bank | None, number: str) -> tuple[tuple[str, str], ...]:
    if bank is None:
        return ()
    account = bank.account
    if account[:2].isalpha():  # an IBAN is read in groups of four
        account = " ".join(account[at : at + 4] for at in range(0, len(account), 4))
    told = (("Bank", bank.name), ("Account holder", bank.holder), ("Account", account), ("Code", bank.code))
    return (*((label, value) for label, value in told if value), ("Reference", number))
