"""How amounts and days are written, in documents and mail as on pages. Pure functions of a value and a locale.

The rules: minus is U+2212 before the symbol, no plus sign, no parentheses, never rounded, all decimals always shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import NumberPattern, get_currency_symbol, get_decimal_symbol, get_group_symbol, parse_pattern

from app.core.money import Money, exponent

MINUS = "\u2212"


_TRIED = (0, 7, 12_34, 999_99, 1_000_00, 12_345_67, 123_456_789_01, 9_999_999_999_99)


@dataclass(frozen=True, slots=True)
class _CurrencyFormat:
    pattern: NumberPattern
    locale: Locale
    digits: int  # shown behind the point
    decimal: str
    group: str
    symbol: str
    spelled_by_code: bool  # the locale has no symbol of its own, so the code is there already
    around: tuple[str, str] | None = None  # what stands before and after the figures; None: ask Babel each time

    def by_babel(self, minor: int, currency: str) -> str:
        major = Decimal(minor).scaleb(-exponent(currency))
        text: str = self.pattern.apply(major, self.locale, currency=currency, currency_digits=False)
        if self.symbol[-1:].isalpha() and text.startswith(self.symbol):
            # CLDR: letters keep a distance from figures
            text = f"{self.symbol}\u00a0{text[len(self.symbol) :].lstrip()}"
        return text

    def figures(self, minor: int, currency: str) -> str:
        """Western figures in groups of three."""
        whole, part = divmod(minor, 10 ** exponent(currency))
        grouped = f"{whole:,}".replace(",", self.group)
        return f"{grouped}{self.decimal}{part:0{self.digits}d}" if self.digits else grouped

    def write(self, minor: int, currency: str) -> str:
        if self.around is None:
            return self.by_babel(minor, currency)
        return f"{self.around[0]}{self.figures(minor, currency)}{self.around[1]}"


@lru_cache(maxsize=512)
def _currency_format(locale: str, currency: str, digits: int) -> _CurrencyFormat:
    """Building these is what makes Babel slow, so they are kept for good; so is what its pattern comes to."""
    parsed = Locale.parse(locale)
    pattern = parse_pattern(parsed.currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)
    symbol = str(get_currency_symbol(currency, parsed))
    style = _CurrencyFormat(
        pattern, parsed, digits, get_decimal_symbol(parsed), get_group_symbol(parsed), symbol, symbol == currency
    )
    before, found, after = style.by_babel(0, currency).partition(style.figures(0, currency))
    quick = replace(style, around=(before, after))
    scale = 1 if digits else 10 ** exponent(currency)
    same = all(quick.write(n * scale, currency) == style.by_babel(n * scale, currency) for n in _TRIED)
    return quick if found and same else style


def format_money(value: Money, locale: str = "en_US", *, code: bool = False, drop_zeros: bool = False) -> str:
    """ "$1,234.50", "−$250.00"; with `code` "₹8,500.00 INR"; `drop_zeros` leaves ".00" out of round sums."""
    size = abs(value.minor)
    digits = exponent(value.currency)
    round_sum = drop_zeros and size % 10**digits == 0
    style = _currency_format(locale, value.currency, 0 if round_sum else digits)
    text = style.write(size, value.currency)
    if value.minor < 0:
        text = MINUS + text
    return f"{text} {value.currency}" if code and not style.spelled_by_code else text


def decimal_point(locale: str, currency: str) -> str:
    """The mark between whole units and decimals."""
    return _currency_format(locale, currency, exponent(currency)).decimal


def format_day(day: date, locale: str = "en_US", style: str = "long") -> str:
    """ "November 24, 2026" (long) or "Nov 24, 2026" (medium), in the order of the locale."""
    return str(format_date(day, style, locale=locale))


def format_start(moment: datetime, zone: str, locale: str = "en_US") -> str:
    """ "Monday, December 7, 2026, 1:00 PM (Europe/Berlin)": when somebody has to be there, on their own clock."""
    local = moment.astimezone(ZoneInfo(zone))
    day, time = format_date(local.date(), "full", locale=locale), format_time(local.time(), "short", locale=locale)
    return f"{day}, {time} ({zone})"
