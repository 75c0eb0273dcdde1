"""How amounts and days are written, in documents and mail as on pages. Pure functions of a value and a locale.

The rules: minus is U+2212 before the symbol, no plus sign, no parentheses, never rounded, all decimals always shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import NumberPattern, get_currency_symbol, get_decimal_symbol, parse_pattern

from app.core.money import Money, exponent

MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class _CurrencyFormat:
    pattern: NumberPattern
    locale: Locale
    decimal: str
    symbol: str
    spelled_by_code: bool  # the locale has no symbol of its own, so the code is there already


@lru_cache(maxsize=512)
def _currency_format(locale: str, currency: str, digits: int) -> _CurrencyFormat:
    """Building these is what makes Babel slow, so they are kept for good."""
    parsed = Locale.parse(locale)
    pattern = parse_pattern(parsed.currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)
    symbol = str(get_currency_symbol(currency, parsed))
    return _CurrencyFormat(pattern, parsed, get_decimal_symbol(parsed), symbol, symbol == currency)


def format_money(value: Money, locale: str = "en_US", *, code: bool = False, drop_zeros: bool = False) -> str:
    """ "$1,234.50", "−$250.00"; with `code` "₹8,500.00 INR"; `drop_zeros` leaves ".00" out of round sums."""
    size = abs(value.minor)
    digits = exponent(value.currency)
    round_sum = drop_zeros and size % 10**digits == 0
    style = _currency_format(locale, value.currency, 0 if round_sum else digits)
    major = Decimal(size).scaleb(-digits)
    text: str = style.pattern.apply(major, style.locale, currency=value.currency, currency_digits=False)
    if style.symbol[-1:].isalpha() and text.startswith(style.symbol):
        text = f"{style.symbol}\u00a0{text[len(style.symbol) :].lstrip()}"  # CLDR: letters keep a distance from figures
    if value.minor < 0:
        text = MINUS + text
    return f"{text} {value.currency}" if code and not style.spelled_by_code else text


def decimal_point(locale: str, currency: str) -> str:
    """The mark between whole units and decimals."""
    return _currency_format(locale, currency, exponent(currency)).decimal


def format_day(day: date, locale: str = "en_US", style: str = "long") -> str:
    """ "November 24, 2026" (long) or "Nov 24, 2026" (medium), in the order of the locale."""
    return str(format_date(day, style, locale=locale))
