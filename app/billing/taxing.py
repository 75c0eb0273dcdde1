"""Which country's rules a document follows: the issuer's."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from app.billing import gst, vat
from app.billing.assessment import Assessment, Buyer, Item, Seller, TaxedItem
from app.core.errors import Invalid


class Regime(StrEnum):
    """NONE: the issuer charges no tax (not registered, or a country without one on services)."""

    NONE = "none"
    GST = "gst"
    VAT = "vat"


def regime(seller: Seller) -> Regime:
    """By where the issuer is and whether it is registered."""
    if not seller.tax_id:
        return Regime.NONE
    if seller.country == "IN":
        return Regime.GST
    return Regime.VAT if seller.country in vat.MEMBERS else Regime.NONE


def assess(seller: Seller, buyer: Buyer, items: Sequence[Item]) -> Assessment:
    """The tax of a document. Raises Invalid for what is missing of its parties."""
    match regime(seller):
        case Regime.GST:
            return gst.assess(seller, buyer, items)
        case Regime.VAT:
            return vat.assess(seller, buyer, items)
        case Regime.NONE:
            return Assessment(tuple(TaxedItem(item, (), "O") for item in items))


def tax_number(country: str, text: str) -> str:
    """A tax number as documents carry it, checked where the country's form is known. Empty stays empty.

    Raises Invalid.
    """
    text = text.strip()
    if not text:
        return ""
    if country == "IN":
        return gst.gstin(text)
    if country in vat.MEMBERS:
        return vat.number(text)
    if len(text) > 40 or not text.isprintable():
        raise Invalid("A tax number has at most 40 letters and digits.")
    return text
