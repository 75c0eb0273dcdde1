"""UN/CEFACT Cross Industry Invoice of EN 16931: the XML inside a Factur-X PDF.

The order of elements is the schema's. https://fnfe-mpe.org/factur-x/ (profile EN 16931).
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from app.billing.assessment import TaxedItem
from app.billing.documents import Document, Party
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

_UNECE = "urn:un:unece:uncefact:data:standard"
_NAMES = {
    "rsm": f"{_UNECE}:CrossIndustryInvoice:100",
    "ram": f"{_UNECE}:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_UNECE}:UnqualifiedDataType:100",
    "qdt": f"{_UNECE}:QualifiedDataType:100",
}
PROFILE = "urn:cen.eu:en16931:2017"
rsm, ram, udt, qdt = (ElementMaker(namespace=_NAMES[name], nsmap=_NAMES) for name in _NAMES)


def build(document: Document) -> bytes:
    """The XML, always the same for the same document. Raises Conflict for what EN 16931 cannot tell."""
    check(document)
    root = rsm.CrossIndustryInvoice(
        rsm.ExchangedDocumentContext(ram.GuidelineSpecifiedDocumentContextParameter(ram.ID(PROFILE))),
        rsm.ExchangedDocument(
            ram.ID(document.number), ram.TypeCode(TYPE_CODES[document.kind]),
            ram.IssueDateTime(_day(document.issued_on)), *_notes(document),
        ),
        rsm.SupplyChainTradeTransaction(
            *(
                _line(number, item, quantity)
                for number, (item, quantity) in enumerate(
                    zip(document.assessment.items, document.quantities, strict=True), start=1
                )
            ),
            _agreement(document), _delivery(document), _settlement(document),
        ),
    )  # fmt: skip
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return made


def _notes(document: Document) -> list[Any]:
    told = (document.reason, document.assessment.note, *document.notes)
    return [ram.IncludedNote(ram.Content(note)) for note in told if note]


def _day(day: date) -> Any:
    return udt.DateTimeString(f"{day:%Y%m%d}", format="102")


def _line(number: int, item: TaxedItem, quantity: int) -> Any:
    pieces, price = unit_price(item, quantity)
    return ram.IncludedSupplyChainTradeLineItem(
        ram.AssociatedDocumentLineDocument(ram.LineID(str(number))),
        ram.SpecifiedTradeProduct(ram.Name(item.item.description)),
        ram.SpecifiedLineTradeAgreement(ram.NetPriceProductTradePrice(ram.ChargeAmount(plain(price)))),
        ram.SpecifiedLineTradeDelivery(ram.BilledQuantity(str(pieces), unitCode=PIECES)),
        ram.SpecifiedLineTradeSettlement(
            ram.ApplicableTradeTax(
                ram.TypeCode("VAT"), ram.CategoryCode(item.category),
                ram.RateApplicablePercent(percent(rate_of(item))),
            ),
            ram.SpecifiedTradeSettlementLineMonetarySummation(ram.LineTotalAmount(plain(item.net))),
        ),
    )  # fmt: skip


def _agreement(document: Document) -> Any:
    parts = [ram.BuyerReference(document.buyer_reference)] if document.buyer_reference else []
    return ram.ApplicableHeaderTradeAgreement(
        *parts, _party(ram.SellerTradeParty, document.seller), _party(ram.BuyerTradeParty, document.buyer)
    )


def _party(tag: partial[Any], party: Party) -> Any:
    address = [
        element(text)
        for element, text in (
            (ram.PostcodeCode, party.postcode),
            (ram.LineOne, party.street),
            (ram.CityName, party.city),
            (ram.CountryID, party.country),
            (ram.CountrySubDivisionName, party.region),
        )
        if text
    ]
    contact = [ram.URIUniversalCommunication(ram.URIID(party.email, schemeID="EM"))] if party.email else []
    tax = [ram.SpecifiedTaxRegistration(ram.ID(party.tax_id, schemeID="VA"))] if party.tax_id else []
    return tag(ram.Name(party.name), ram.PostalTradeAddress(*address), *contact, *tax)


def _delivery(document: Document) -> Any:
    day = document.period[1] if document.period else document.issued_on
    return ram.ApplicableHeaderTradeDelivery(ram.ActualDeliverySupplyChainEvent(ram.OccurrenceDateTime(_day(day))))


def _settlement(document: Document) -> Any:
    parts = [ram.PaymentReference(document.number), ram.InvoiceCurrencyCode(document.assessment.currency)]
    if document.bank:
        account = [ram.IBANID(document.bank.account), ram.AccountName(document.bank.holder)]
        means = [ram.TypeCode(CREDIT_TRANSFER), ram.PayeePartyCreditorFinancialAccount(*account)]
        if document.bank.code:
            means.append(ram.PayeeSpecifiedCreditorFinancialInstitution(ram.BICID(document.bank.code)))
        parts.append(ram.SpecifiedTradeSettlementPaymentMeans(*means))
    parts += [_tax(group) for group in groups(document)]
    if document.period:
        first, last = document.period
        parts.append(
            ram.BillingSpecifiedPeriod(ram.StartDateTime(_day(first)), ram.EndDateTime(_day(last)))
        )  # fmt: skip
    if document.due_on or document.terms:
        terms = [ram.Description(document.terms)] if document.terms else []
        terms += [ram.DueDateDateTime(_day(document.due_on))] if document.due_on else []
        parts.append(ram.SpecifiedTradePaymentTerms(*terms))
    parts.append(_totals(document))
    parts += [
        ram.InvoiceReferencedDocument(
            ram.IssuerAssignedID(one.number),
            ram.FormattedIssueDateTime(qdt.DateTimeString(f"{one.issued_on:%Y%m%d}", format="102")),
        )
        for one in document.corrects
    ]
    return ram.ApplicableHeaderTradeSettlement(*parts)


def _tax(group: TaxGroup) -> Any:
    code, reason = EXEMPTIONS.get(group.category, ("", ""))
    parts = [ram.CalculatedAmount(plain(group.tax)), ram.TypeCode("VAT")]
    parts += [ram.ExemptionReason(reason)] if reason else []
    parts += [ram.BasisAmount(plain(group.basis)), ram.CategoryCode(group.category)]
    parts += [ram.ExemptionReasonCode(code)] if code else []
    return ram.ApplicableTradeTax(*parts, ram.RateApplicablePercent(group.percent))


def _totals(document: Document) -> Any:
    found = document.assessment
    parts = [
        ram.LineTotalAmount(plain(found.net)), ram.TaxBasisTotalAmount(plain(found.net)),
        ram.TaxTotalAmount(plain(found.tax), currencyID=found.currency),
    ]  # fmt: skip
    parts += [ram.RoundingAmount(plain(found.round_off))] if found.round_off else []
    parts += [ram.GrandTotalAmount(plain(found.net + found.tax)), ram.DuePayableAmount(plain(found.total))]
    return ram.SpecifiedTradeSettlementHeaderMonetarySummation(*parts)
