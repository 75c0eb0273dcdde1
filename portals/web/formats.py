"""How amounts, dates, ages and names are written. Pure functions of a value, a locale and a zone; no request here.

The rules: minus is U+2212 before the symbol, no plus sign, no parentheses, never rounded, all decimals always shown.
Dates leave the year out when it is the reader's present year.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time

from app.core.formats import MINUS, decimal_point, format_money
from app.core.money import Money, exponent

_NARROW = str.maketrans({"\u202f": "\u00a0"})
_STYLES = ("date", "day", "time", "moment", "full", "long")


def split_cents(value: Money, locale: str = "en_US") -> tuple[str, str, str]:
    """("$3,412", ".50", ""): what is written large, the decimals that are muted, and what follows them."""
    text = format_money(value, locale)
    digits = exponent(value.currency)
    point = text.rfind(decimal_point(locale, value.currency)) if digits else -1
    if point < 0:
        return text, "", ""
    end = point + 1 + digits
    return text[:point], text[point:end], text[end:]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(value: datetime, zone: str) -> datetime:
    """The moment on the reader's clock. `value` must be aware."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value.astimezone(_zone(zone))


# Babel reads its patterns anew each time; a page shows the same few days and minutes again and again.
@lru_cache(maxsize=4096)
def _day(day: date, skeleton: str, locale: str) -> str:
    return str(format_skeleton(skeleton, day, locale=locale)).translate(_NARROW)


@lru_cache(maxsize=4096)
def _long_day(day: date, locale: str) -> str:
    return str(format_date(day, "full", locale=locale))


@lru_cache(maxsize=4096)
def _clock(hour: int, minute: int, locale: str) -> str:
    return str(format_time(time(hour, minute), "short", locale=locale)).translate(_NARROW)


def format_when(value: date | datetime, *, now: datetime, locale: str, zone: str, style: str = "date") -> str:
    """One of date `Nov 24`, day `Tue, Nov 24`, time `9:04 AM`, moment `Nov 24, 9:04 AM`, full `Tue, Nov 24 · 9:04 AM`,
    long `Tuesday, November 24, 2026`. A bare date has no time, so `moment` and `full` show the day alone.
    """
    if style not in _STYLES:
        raise ValueError(f"style is one of {', '.join(_STYLES)}")
    moment = local(value, zone) if isinstance(value, datetime) else None
    day: date = moment.date() if moment else value
    year = "" if day.year == local(now, zone).year else "y"
    if style == "long":
        return _long_day(day, locale)
    clock = _clock(moment.hour, moment.minute, locale) if moment else ""
    if style == "time":
        return clock
    weekday = "E" if style in ("day", "full") else ""
    text = _day(day, f"{year}MMM{weekday}d", locale)
    if style == "moment" and clock:
        return f"{text}, {clock}"
    if style == "full" and clock:
        return f"{text} · {clock}"
    return text


def format_age(seconds: float) -> tuple[str, int]:
    """A unit and a whole number of it: ("h", 3). Units: now, min, h, d."""
    if seconds < 60:
        return "now", 0
    if seconds < 3600:
        return "min", int(seconds // 60)
    if seconds < 48 * 3600:
        return "h", int(seconds // 3600)
    return "d", int(seconds // 86400)


def format_percent(bps: int) -> str:
    """Basis points as a percentage: 1500 → "15%", 1250 → "12.5%"."""
    text = f"{abs(bps) / 100:.2f}".rstrip("0").rstrip(".")
    return f"{MINUS if bps < 0 else ''}{text}%"


def format_size(octets: int) -> str:
    """ "64.2 MB", in powers of 1000 as file managers show them."""
    size = float(octets)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{octets} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def initials(name: str) -> str:
    """Up to two letters for an avatar: "Lumen Print Co." → "LP"."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def avatar_tone(name: str) -> str:
    """One of five soft colours, the same for the same name on every page."""
    return f"av-{'abcde'[sum(name.encode()) % 5]}"


def masked(last4: str | None) -> str:
    """ "••4417"; nothing to show is an en dash."""
    return f"••{last4}" if last4 else "–"
