"""UBL 2.1 as Peppol BIS Billing 3.0 uses it: for who sends invoices through an access point of their own.

The order of elements is the schema's. https://docs.peppol.eu/poacc/billing/3.0/
"""

from __future__ import annotations

from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from app.billing.assessment import TaxedItem
from app.billing.documents import Document, DocumentKind, Party
from app.billing.einvoice.common import (
    CREDIT_TRANSFER,
    EXEMPTIONS,
    PIECES,
    TYPE_CODES,
    TaxGroup,
    check,
    groups,
    percent,
    plain,
    rate_of,
    unit_price,
)
from app.core.money import Money

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd"
_CAC, _CBC = f"{_OASIS}:CommonAggregateComponents-2", f"{_OASIS}:CommonBasicComponents-2"
CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
cac = ElementMaker(namespace=_CAC, nsmap={"cac": _CAC, "cbc": _CBC})
cbc = ElementMaker(namespace=_CBC, nsmap={"cac": _CAC, "cbc": _CBC})


def build(document: Document) -> bytes:
    """The XML, always the same for the same document. Raises Conflict for what EN 16931 cannot tell."""
    check(document)
    credit = document.kind is DocumentKind.CREDIT_NOTE
    name = "CreditNote" if credit else "Invoice"
    namespace = f"{_OASIS}:{name}-2"
    make = ElementMaker(namespace=namespace, nsmap={None: namespace, "cac": _CAC, "cbc": _CBC})
    found = document.assessment
    parts = [
        cbc.CustomizationID(CUSTOMIZATION), cbc.ProfileID(PROFILE), cbc.ID(document.number),
        cbc.IssueDate(document.issued_on.isoformat()),
    ]  # fmt: skip
    if document.due_on and not credit:
        parts.append(cbc.DueDate(document.due_on.isoformat()))
    parts.append(cbc(f"{name}TypeCode", TYPE_CODES[document.kind]))
    notes = [note for note in (document.reason, found.note, *document.notes) if note]
    parts += [cbc.Note(" ".join(notes))] if notes else []
    # Somebody's reference is wanted; where the buyer gave none, theirs is our number.
    parts += [cbc.DocumentCurrencyCode(found.currency), cbc.BuyerReference(document.buyer_reference or document.number)]
    parts += _period(document)
    for one in document.corrects:
        reference = cac.InvoiceDocumentReference(cbc.ID(one.number), cbc.IssueDate(one.issued_on.isoformat()))
        parts.append(cac.BillingReference(reference))
    parts += [
        cac.AccountingSupplierParty(_party(document.seller)),
        cac.AccountingCustomerParty(_party(document.buyer)),
        *_means(document),
        *_terms(document),
        cac.TaxTotal(_money("TaxAmount", found.tax), *(_group(group) for group in groups(document))),
        _totals(document),
        *(
            _line(document, number, item, quantity)
            for number, (item, quantity) in enumerate(zip(found.items, document.quantities, strict=True), start=1)
        ),
    ]
    made: bytes = etree.tostring(make(name, *parts), xml_declaration=True, encoding="UTF-8")
    return made


def _money(name: str, amount: Money) -> Any:
    return cbc(name, plain(amount), currencyID=amount.currency)


def _period(document: Document) -> list[Any]:
    if not document.period:
        return []
    first, last = document.period
    return [cac.InvoicePeriod(cbc.StartDate(first.isoformat()), cbc.EndDate(last.isoformat()))]


def _party(party: Party) -> Any:
    parts = [cbc.EndpointID(party.email, schemeID="EM")] if party.email else []
    address = [
        element(text)
        for element, text in (
            (cbc.StreetName, party.street),
            (cbc.CityName, party.city),
            (cbc.PostalZone, party.postcode),
            (cbc.CountrySubentity, party.region),
        )
        if text
    ]
    parts.append(cac.PostalAddress(*address, cac.Country(cbc.IdentificationCode(party.country))))
    if party.tax_id:
        parts.append(cac.PartyTaxScheme(cbc.CompanyID(party.tax_id), cac.TaxScheme(cbc.ID("VAT"))))
    parts.append(cac.PartyLegalEntity(cbc.RegistrationName(party.name)))
    return cac.Party(*parts)


def _means(document: Document) -> list[Any]:
    if not document.bank:
        return []
    account = [cbc.ID(document.bank.account), cbc.Name(document.bank.holder)]
    if document.bank.code:
        account.append(cac.FinancialInstitutionBranch(cbc.ID(document.bank.code)))
    return [
        cac.PaymentMeans(
            cbc.PaymentMeansCode(CREDIT_TRANSFER), cbc.PaymentID(document.number), cac.PayeeFinancialAccount(*account)
        )
    ]


def _terms(document: Document) -> list[Any]:
    return [cac.PaymentTerms(cbc.Note(document.terms))] if document.terms else []


def _category(tag: str, category: str, rate: str, *, why: bool) -> Any:
    code, reason = EXEMPTIONS.get(category, ("", "")) if why else ("", "")
    parts = [cbc.ID(category), cbc.Percent(rate)]
    parts += [cbc.TaxExemptionReasonCode(code), cbc.TaxExemptionReason(reason)] if code else []
    return cac(tag, *parts, cac.TaxScheme(cbc.ID("VAT")))


def _group(group: TaxGroup) -> Any:
    return cac.TaxSubtotal(
        _money("TaxableAmount", group.basis), _money("TaxAmount", group.tax),
        _category("TaxCategory", group.category, group.percent, why=True),
    )  # fmt: skip


def _totals(document: Document) -> Any:
    found = document.assessment
    parts = [
        _money("LineExtensionAmount", found.net), _money("TaxExclusiveAmount", found.net),
        _money("TaxInclusiveAmount", found.net + found.tax),
    ]  # fmt: skip
    parts += [_money("PayableRoundingAmount", found.round_off)] if found.round_off else []
    return cac.LegalMonetaryTotal(*parts, _money("PayableAmount", found.total))


def _line(document: Document, number: int, item: TaxedItem, quantity: int) -> Any:
    kind = "CreditNote" if document.kind is DocumentKind.CREDIT_NOTE else "Invoice"
    counted = "CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity"
    pieces, price = unit_price(item, quantity)
    return cac(
        f"{kind}Line", cbc.ID(str(number)), cbc(counted, str(pieces), unitCode=PIECES),
        _money("LineExtensionAmount", item.net),
        cac.Item(
            cbc.Name(item.item.description),
            _category("ClassifiedTaxCategory", item.category, percent(rate_of(item)), why=False),
        ),
        cac.Price(_money("PriceAmount", price)),
    )  # fmt: skip
