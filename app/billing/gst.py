"""India's GST: identifiers, place of supply, heads and rounding. Pure rules; nobody's tax advice.

Sources: CGST Act 2017 s.34, s.170; CGST Rules r.46; IGST Act 2017 s.12(2), s.16.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.billing.assessment import Assessment, Buyer, Head, Item, Seller, TaxedItem, of_rate
from app.billing.indian_states import ABROAD, STATES, UNION_TERRITORIES
from app.core.errors import Invalid

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = re.compile(r"\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
SAC_DIGITS = 6
LUT_NOTE = (
    "SUPPLY MEANT FOR EXPORT/SUPPLY TO SEZ UNIT OR SEZ DEVELOPER FOR AUTHORISED OPERATIONS UNDER BOND OR LETTER OF "
    "UNDERTAKING WITHOUT PAYMENT OF INTEGRATED TAX"
)
TAX_PAID_NOTE = (
    "SUPPLY MEANT FOR EXPORT/SUPPLY TO SEZ UNIT OR SEZ DEVELOPER FOR AUTHORISED OPERATIONS ON PAYMENT OF INTEGRATED TAX"
)


def gstin(text: str) -> str:
    """A GSTIN as it is written on documents: 15 characters, upper case. Raises Invalid."""
    value = re.sub(r"\s", "", text).upper()
    if not _FORM.fullmatch(value):
        raise Invalid("A GSTIN has 15 characters, like 29AAACA1234A1ZG.")
    if value[:2] not in STATES:
        raise Invalid(f"A GSTIN begins with the code of a state; {value[:2]} is none.")
    if check_character(value[:14]) != value[14]:
        raise Invalid("The last character of this GSTIN does not fit the others: look for a typing error.")
    return value


def check_character(first_14: str) -> str:
    """Luhn modulo 36, from the left with weights 1 and 2."""
    total = 0
    for position, character in enumerate(first_14):
        product = _ALPHABET.index(character) * (1 + position % 2)
        total += product // 36 + product % 36
    return _ALPHABET[-total % 36]


@dataclass(frozen=True, slots=True)
class Supply:
    """`place`: state code, or 96 for an export. `between`: it leaves the supplier's state, so it carries IGST."""

    place: str
    between: bool
    zero_rated: bool


def supply(seller: Seller, buyer: Buyer) -> Supply:
    """Place of supply: a registered buyer's state, else the address on record, else the supplier's own state.

    Exports and supplies to special economic zones are inter-state and zero-rated: no tax under a letter of undertaking,
    integrated tax without one. Raises Invalid for a state that is missing or unknown.
    """
    own = seller.region
    if own not in STATES:
        raise Invalid("The state of the issuer is missing.", fields={"region": "Choose a state."})
    if buyer.country != "IN":
        return Supply(ABROAD, True, True)
    place = buyer.tax_id[:2] if buyer.tax_id else buyer.region or own
    if place not in STATES:
        raise Invalid("The state of the recipient is not known.", fields={"region": "Choose a state."})
    return Supply(place, buyer.special_zone or place != own, buyer.special_zone)


def assess(seller: Seller, buyer: Buyer, items: Sequence[Item]) -> Assessment:
    """Tax by line and head, half-up to the paisa; CGST and SGST each at half the rate, never half of the tax.

    Rupee totals are rounded to the rupee with a round-off of their own (s.170); other currencies are not.
    """
    found = supply(seller, buyer)
    untaxed = found.zero_rated and seller.undertaking
    taxed = tuple(TaxedItem(item, _heads(item, found, untaxed), "Z" if untaxed else "S") for item in items)
    note = "" if not found.zero_rated else LUT_NOTE if seller.undertaking else TAX_PAID_NOTE
    return Assessment(taxed, place=found.place, round_to_unit=taxed[0].net.currency == "INR", note=note)


def _heads(item: Item, found: Supply, untaxed: bool) -> tuple[Head, ...]:
    if found.between:
        rate = 0 if untaxed else item.rate_bps
        return (Head("IGST", rate, of_rate(item.net, rate)),)
    half = item.rate_bps // 2  # every GST rate is even in basis points
    second = "UTGST" if found.place in UNION_TERRITORIES else "SGST"
    part = of_rate(item.net, half)
    return Head("CGST", half, part), Head(second, half, part)


def fiscal_year(day: date) -> int:
    """The year in which India's fiscal year of a day begins: it runs from 1 April."""
    return day.year if day.month >= 4 else day.year - 1


def last_credit_note_day(supplied_on: date) -> date:
    """A credit note with tax is possible until 30 November after the fiscal year of the supply (s.34(2))."""
    return date(fiscal_year(supplied_on) + 1, 11, 30)
