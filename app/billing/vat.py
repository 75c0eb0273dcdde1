"""VAT of the European Union for services billed to organizations. Pure rules; nobody's tax advice.

Sources: Directive 2006/112/EC art. 44 (services to a business are taxed where it is), art. 196 (reverse charge),
art. 226 (what an invoice says); categories of EN 16931.
"""

from __future__ import annotations

from collections.abc import Sequence

from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from app.billing.assessment import Assessment, Buyer, Head, Item, Seller, TaxedItem, of_rate
from app.core.errors import Invalid

MEMBERS = frozenset("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split())
REVERSE_CHARGE_NOTE = "Reverse charge: the recipient accounts for the VAT (art. 196, Directive 2006/112/EC)."
OUTSIDE_NOTE = "Not subject to VAT in the European Union: supplied to a business outside it (art. 44)."


def number(text: str) -> str:
    """A VAT number with its country in front, as documents carry it. Raises Invalid."""
    try:
        return str(vat.validate(text))
    except ValidationError:
        raise Invalid("This is not a VAT number. It begins with the country, like FR11123456782.") from None


def assess(seller: Seller, buyer: Buyer, items: Sequence[Item]) -> Assessment:
    """At home the rate of each line; to a business elsewhere in the Union reverse charge; outside it no VAT.

    Who has no VAT number is taxed as at home. Raises Invalid when a seller that taxes has no VAT number.
    """
    if not seller.tax_id:
        raise Invalid("The VAT number of the issuer is missing.", fields={"tax_id": "Write it with its country."})
    abroad = buyer.country != seller.country
    if abroad and buyer.country in MEMBERS and buyer.tax_id:
        return Assessment(_without(items, "AE"), place=buyer.country, reverse_charge=True, note=REVERSE_CHARGE_NOTE)
    if abroad and buyer.country not in MEMBERS:
        return Assessment(_without(items, "G"), place=buyer.country, note=OUTSIDE_NOTE)
    return Assessment(tuple(_taxed(item) for item in items), place=seller.country)


def _taxed(item: Item) -> TaxedItem:
    head = Head("VAT", item.rate_bps, of_rate(item.net, item.rate_bps))
    return TaxedItem(item, (head,), "S" if item.rate_bps else "Z")


def _without(items: Sequence[Item], category: str) -> tuple[TaxedItem, ...]:
    return tuple(TaxedItem(item, (), category) for item in items)
