"""Amounts as people and programs write them: 1,234.56 · 1.234,56 · 1 234,56 · £12 · (12.50) · 12.50- · 12.50 CR.

How a column writes its amounts is decided once over all of it, never cell by cell: "1.234" alone can be either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.errors import Invalid
from app.core.money import CURRENCIES, exponent

# Two hundred thousand bills of this size still add up within a bigint.
MAX_BILL_MINOR = 10**13

POINT, COMMA = "1,234.56", "1.234,56"
_GROUP = {".": ",", ",": "."}

_MINUS = str.maketrans(
    dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-") | dict.fromkeys("\u2019\u2018\u00b4`", "'")
)
_SYMBOLS: dict[str, frozenset[str]] = {
    "£": frozenset({"GBP"}),
    "€": frozenset({"EUR"}),
    "$": frozenset("USD CAD AUD NZD SGD HKD MXN COP CLP UYU TWD BRL".split()),
    "US$": frozenset({"USD"}),
    "CA$": frozenset({"CAD"}),
    "C$": frozenset({"CAD"}),
    "AU$": frozenset({"AUD"}),
    "A$": frozenset({"AUD"}),
    "NZ$": frozenset({"NZD"}),
    "HK$": frozenset({"HKD"}),
    "S$": frozenset({"SGD"}),
    "R$": frozenset({"BRL"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
    "RS": frozenset({"INR", "PKR", "NPR", "LKR"}),
    "₩": frozenset({"KRW"}),
    "₦": frozenset({"NGN"}),
    "₺": frozenset({"TRY"}),
    "₴": frozenset({"UAH"}),
    "₫": frozenset({"VND"}),
    "₱": frozenset({"PHP"}),
    "฿": frozenset({"THB"}),
    "₪": frozenset({"ILS"}),
    "₵": frozenset({"GHS"}),
    "KSH": frozenset({"KES"}),
    "ZŁ": frozenset({"PLN"}),
    "KČ": frozenset({"CZK"}),
    "FT": frozenset({"HUF"}),
    "KR": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "FR": frozenset({"CHF"}),
    "R": frozenset({"ZAR"}),
}
_PLAIN = re.compile(r"-?\d+(?:\.\d{1,2})?\Z", re.ASCII)
# A sign, the ledger's CR or DR, an abbreviation with its point ("Rs.500" has no decimals, "£.50" has), any other mark.
_LEAD = re.compile(r"([-+])|((?:CR|DR)(?![A-Z]))|(RS|FR|KR)\.|([^\d\s.,'()+-]{1,3})", re.IGNORECASE)
_TRAIL = re.compile(r"(?:([-+])|(?<![A-Z])(CR|DR|C|D)\.?|(RS|FR|KR)\.|([^\d\s.,'()+-]{1,3}))\Z", re.IGNORECASE)
_BODY = {
    mark: re.compile(
        rf"(\d+|\d{{1,3}}(?:[{_GROUP[mark]}]\d{{3}})+|\d{{1,3}}(?:'\d{{3}})+|\d{{1,3}}(?:[ ]\d{{3}})+"
        rf"|\d{{1,2}}(?:[{_GROUP[mark]}]\d{{2}})+[{_GROUP[mark]}]\d{{3}})?(?:[{mark}](\d*))?\Z",
        re.ASCII,
    )
    for mark in ".,"
}
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}\Z", re.ASCII)
_BARE = re.compile(r"[\d.,](?:.*\d)?[.,]?\Z", re.ASCII)
_NOTHING = frozenset({"", "-", "--", "n/a", "nil"})


class NoAmount(ValueError):
    """The cell says that there is nothing: empty or a dash."""


@dataclass(frozen=True, slots=True)
class AmountStyle:
    """`decimal` is "." or ","; `label` an example for people; `note` says what is doubtful, "" when nothing is.

    `unsure`: cells with three digits after the decimal sign could mean thousands, and are refused (unless the
    currency has three decimals).
    """

    decimal: str
    label: str
    note: str = ""
    unsure: bool = False
    chosen: bool = False

    def fact(self) -> tuple[str, str]:
        return ("Amounts written as", f"{self.label} ({self.note})" if self.note else self.label)


def choose_style(text: str) -> AmountStyle:
    """The style a person names by example: "1,234.56" or "1.234,56" (also "point" and "comma"). Raises Invalid."""
    wanted = text.strip().lower()
    if wanted in (POINT, "1 234.56", "1'234.56", "1234.56", "point", "."):
        return AmountStyle(".", POINT, "as chosen", chosen=True)
    if wanted in (COMMA, "1 234,56", "1'234,56", "1234,56", "comma", ","):
        return AmountStyle(",", COMMA, "as chosen", chosen=True)
    raise Invalid(f"“{text}” is not a way to write amounts.", fields={"amounts": f"Choose {POINT} or {COMMA}."})


def detect_style(cells: Iterable[str], *, currency: str, comma_likely: bool = False) -> AmountStyle:
    """How a whole column writes its amounts.

    Evidence is a sign followed by other than three digits, or two different signs. Without any, "1,234" is
    one thousand (`comma_likely`, for files separated by semicolons: "1.234" is), and where only the other one
    occurs the style is unsure: it could be either, and a guess would be wrong by a factor of a thousand.
    """
    votes = {".": 0, ",": 0}
    either: dict[str, str] = {}
    groups: set[str] = set()
    for cell in cells:
        if _PLAIN.match(cell):
            votes["."] += "." in cell
            continue
        try:
            core = _marks(cell)[0]
        except ValueError:
            continue
        groups.update(sign for sign in " '" if sign in core)
        if decimal := _decimal_sign(core):
            votes[decimal] += 1
        elif _EITHER.match(core):
            either.setdefault("," if "," in core else ".", cell.strip())
    likely = "," if comma_likely else "."
    if votes["."] or votes[","]:
        decimal = max(votes, key=lambda sign: (votes[sign], sign == likely))
        other = votes[_GROUP[decimal]]
        return AmountStyle(decimal, _label(decimal, groups), f"{other} written otherwise" if other else "")
    if likely in either:
        # A currency with three decimals writes them all; read_amount trusts it then, row by row.
        note = f"“{either[likely]}” could mean thousands or decimals: choose" if exponent(currency) < 3 else ""
        return AmountStyle(likely, _label(likely, groups), note, unsure=True)
    note = f"assumed: “{either[_GROUP[likely]]}” is read as thousands" if either.get(_GROUP[likely]) else ""
    return AmountStyle(likely, _label(likely, groups), note)


def read_amount(text: str, currency: str, style: AmountStyle) -> int:
    """Minor units. Raises ValueError with the reason, NoAmount for an empty cell or a dash."""
    if _PLAIN.match(text) and style.decimal == ".":
        whole, _, fraction = text.partition(".")
        negative = whole[0] == "-"
        whole = whole[1:] if negative else whole
    else:
        core, negative, mark = _marks(text)
        if core in _NOTHING:
            raise NoAmount("the amount is missing")
        if style.unsure and exponent(currency) < 3 and _EITHER.match(core) and style.decimal in core:
            raise ValueError(f"“{text.strip()}” could mean thousands or decimals; choose how amounts are written")
        found = _BODY[style.decimal].match(core)
        if not found or not (found[1] or found[2]):
            raise ValueError(f"“{_short(text)}” is not an amount written like {style.label}")
        if mark and currency not in _SYMBOLS.get(mark, {mark}):
            raise ValueError(f"“{_short(text)}” is not in {currency}")
        whole, fraction = re.sub(r"\D", "", found[1] or ""), found[2] or ""
    places = exponent(currency)
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            raise ValueError(f"“{_short(text)}”: {currency} has {places} decimal places")
        fraction = fraction[:places]
    digits = (whole + fraction.ljust(places, "0")).lstrip("0") or "0"
    if len(digits) > 14 or int(digits) > MAX_BILL_MINOR:
        raise ValueError(f"“{_short(text)}” is too large for a bill")
    return -int(digits) if negative else int(digits)


def meant_by(mark: str) -> list[str]:
    """Currencies a sign or abbreviation stands for, e.g. ["EUR"] for "€"."""
    return sorted(_SYMBOLS.get(mark.upper(), ()))


def _marks(text: str) -> tuple[str, bool, str]:
    """Digits with their separators, whether it is negative, and a currency sign or code ("" for none).

    Raises ValueError when there are two minus marks, two currencies, or letters that are neither.
    """
    core = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_MINUS))
    core = " ".join(core.split())
    minuses, mark = 0, ""
    while core and not _BARE.match(core):
        if core.lower() in _NOTHING:
            return "", False, mark
        if core[0] == "(" and core[-1] == ")":
            minuses, core = minuses + 1, core[1:-1].strip()
            continue
        found = _LEAD.match(core) or _TRAIL.search(core)
        if not found:
            raise ValueError(f"“{_short(text)}” is not an amount")
        sign, ledger, abbreviation, symbol = found.groups()
        core = (core[: found.start()] + core[found.end() :]).strip()
        if sign or ledger:
            minuses += (sign or ledger).upper() in ("-", "CR", "C")
        else:
            currency = (abbreviation or symbol).upper()
            if mark or (currency not in _SYMBOLS and currency not in CURRENCIES):
                raise ValueError(f"“{_short(text)}” is not an amount")
            mark = currency
    if minuses > 1:
        raise ValueError(f"“{_short(text)}” has two minus signs")
    return core, minuses == 1, mark


def _decimal_sign(core: str) -> str:
    """The sign that must be the decimal one, "" when the cell does not tell."""
    points, commas = core.count("."), core.count(",")
    if points and commas:
        return "." if core.rfind(".") > core.rfind(",") else ","
    if not points and not commas:
        return ""
    sign = "." if points else ","
    if max(points, commas) > 1:
        return _GROUP[sign]
    return "" if _EITHER.match(core) else sign


def _label(decimal: str, groups: set[str]) -> str:
    group = next((sign for sign in " '" if sign in groups), _GROUP[decimal])
    return f"1{group}234{decimal}56"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
