"""What both electronic forms of an invoice share: EN 16931 says the same things in two vocabularies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.billing.assessment import TaxedItem
from app.billing.documents import Document, DocumentKind
from app.billing.vat import MEMBERS
from app.core.errors import Conflict
from app.core.money import Money, exponent

TYPE_CODES = {DocumentKind.INVOICE: "380", DocumentKind.CREDIT_NOTE: "381", DocumentKind.DEBIT_NOTE: "383"}
PIECES = "C62"
CREDIT_TRANSFER = "30"
# Why no VAT is charged, where it is not: reasons of the code list VATEX.
EXEMPTIONS = {"AE": ("VATEX-EU-AE", "Reverse charge"), "G": ("VATEX-EU-G", "Supplied outside the European Union")}


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """All lines of one category and rate."""

    category: str
    percent: str
    basis: Money
    tax: Money


def check(document: Document) -> None:
    """Raises Conflict for what cannot be told in EN 16931: only VAT of the European Union is."""
    seller = document.seller
    if seller.country not in MEMBERS or not seller.tax_id:
        raise Conflict("Electronic invoices are made for issuers with a VAT number of the European Union.")


def groups(document: Document) -> list[TaxGroup]:
    """By category and rate, in the order of the lines. The tax of a group is the sum of its lines."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for item in document.assessment.items:
        net, tax = found.get((item.category, rate_of(item)), (0, 0))
        found[item.category, rate_of(item)] = net + item.net.minor, tax + item.tax.minor
    currency = document.assessment.currency
    return [
        TaxGroup(category, percent(bps), Money(net, currency), Money(tax, currency))
        for (category, bps), (net, tax) in found.items()
    ]


def rate_of(item: TaxedItem) -> int:
    return item.heads[0].rate_bps if item.heads else 0


def percent(bps: int) -> str:
    """2100 → "21", 550 → "5.5"."""
    return f"{Decimal(bps) / 100:f}"


def plain(amount: Money) -> str:
    """Major units with the currency's decimals, at most two as the standard has it."""
    places = exponent(amount.currency)
    return f"{Decimal(amount.minor).scaleb(-places):.{min(places, 2)}f}"


def unit_price(item: TaxedItem, quantity: int) -> tuple[int, Money]:
    """Quantity and price of one; one piece at the whole price where it does not divide."""
    if quantity > 1 and item.net.minor % quantity == 0:
        return quantity, Money(item.net.minor // quantity, item.net.currency)
    return 1, item.net
