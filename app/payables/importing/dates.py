"""Dates as people write them. Whether 05/06/2017 is in May or June is decided once over all date columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.core.errors import Invalid

DAY_FIRST, MONTH_FIRST = "DD/MM/YYYY", "MM/DD/YYYY"
_YEARS = range(1970, 2101)

_TIME = re.compile(
    r"(?:[T ]\s*|,\s*)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AP]\.?M\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?\Z",
    re.IGNORECASE | re.ASCII,
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+", re.IGNORECASE)
_NUMERIC = re.compile(r"(\d{1,4})\s*([/.\-\s])\s*(\d{1,2})\s*\2\s*(\d{1,4})\Z", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})\Z", re.ASCII)
_DAY_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[\s\-/.]*([a-z]{3,9})[.,]?[\s\-/.]*(\d{4}|\d{2})\Z", re.IGNORECASE | re.ASCII
)
_NAME_DAY = re.compile(
    r"([a-z]{3,9})\.?[\s\-/]*(\d{1,2})(?:st|nd|rd|th)?(?:,\s*|[\s\-/]+)(\d{4}|\d{2})\Z", re.IGNORECASE | re.ASCII
)
_YEAR_NAME = re.compile(r"(\d{4})[\s\-/.]([a-z]{3,9})[\s\-/.](\d{1,2})\Z", re.IGNORECASE | re.ASCII)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = {name[:length]: number for number, name in enumerate(_MONTHS, 1) for length in range(3, len(name) + 1)}


@dataclass(frozen=True, slots=True)
class DateStyle:
    """`month_first` decides numeric dates; `label` shows how the column writes them, `note` what is doubtful."""

    month_first: bool
    label: str
    note: str = ""
    chosen: bool = False

    def fact(self) -> tuple[str, str]:
        return ("Dates written as", f"{self.label} ({self.note})" if self.note else self.label)


def choose_style(text: str) -> DateStyle:
    """The order a person names: "DD/MM/YYYY" or "MM/DD/YYYY" (also "dmy" and "mdy"). Raises Invalid."""
    wanted = re.sub(r"[^A-Z]", "", text.upper())
    if wanted in ("DDMMYYYY", "DDMMYY", "DMY"):
        return DateStyle(False, DAY_FIRST, "as chosen", chosen=True)
    if wanted in ("MMDDYYYY", "MMDDYY", "MDY"):
        return DateStyle(True, MONTH_FIRST, "as chosen", chosen=True)
    raise Invalid(f"“{text}” is not an order of dates.", fields={"dates": f"Choose {DAY_FIRST} or {MONTH_FIRST}."})


def detect_style(cells: Iterable[str], *, currency: str) -> DateStyle:
    """How dates are written, from all of them: a number above 12 tells the order.

    Where none does, DD/MM/YYYY is assumed, except MM/DD/YYYY for US dollars written with / or -; `note` says so.
    """
    day_first = month_first = 0
    example = shape = ""
    for cell in set(cells):
        text = _bare(cell)
        found = _NUMERIC.match(text)
        if not found:
            shape = shape or _shape(text)
            continue
        first, sign, second, last = found.groups()
        if len(first) == 4:
            shape = shape or f"YYYY{sign}MM{sign}DD"
            continue
        if len(first) > 2 or len(last) not in (2, 4):
            continue
        if int(first) > 12 >= int(second):
            day_first += 1
        elif int(second) > 12 >= int(first):
            month_first += 1
        example = min(example or text, text)  # the same example whatever the order of a set
    if not example:
        return DateStyle(currency == "USD", shape or DAY_FIRST)
    if day_first or month_first:
        chosen, fewer = month_first > day_first, min(day_first, month_first)
        return DateStyle(chosen, _label(example, chosen), f"{fewer} dates the other way" if fewer else "")
    assumed = currency == "USD" and "." not in example
    return DateStyle(assumed, _label(example, assumed), f"assumed: “{example}” could also be read the other way")


def read_date(text: str, style: DateStyle) -> date:
    """Raises ValueError with the reason. ISO dates and dates with a month's name are read in any style."""
    bare = _bare(text)
    parts = _parts(bare, style.month_first)
    if parts is None:
        raise ValueError(f"“{_short(text)}” is not a date written like {style.label}")
    year, month, day = parts
    if year not in _YEARS:
        raise ValueError(f"“{_short(text)}” is not between {_YEARS[0]} and {_YEARS[-1]}")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"“{_short(text)}” is no day of the calendar, read as {style.label}") from None


def _parts(text: str, month_first: bool) -> tuple[int, int, int] | None:
    """Year, month and day."""
    if found := _NUMERIC.match(text):
        first, _, second, last = found.groups()
        if len(first) == 4 and len(last) <= 2:
            return _year(first), int(second), int(last)
        if len(first) > 2 or len(last) not in (2, 4):
            return None
        return (_year(last), int(first), int(second)) if month_first else (_year(last), int(second), int(first))
    if found := _COMPACT.match(text):
        return int(found[1]), int(found[2]), int(found[3])
    for pattern, year, month, day in ((_DAY_NAME, 3, 2, 1), (_NAME_DAY, 3, 1, 2), (_YEAR_NAME, 1, 2, 3)):
        if (found := pattern.match(text)) and (number := _month(found[month])):
            return _year(found[year]), number, int(found[day])
    return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= 70 else 2000)


def _month(name: str) -> int | None:
    return _MONTH.get(name.lower())


def _bare(text: str) -> str:
    """Without time of day and weekday."""
    text = text.strip()
    if ":" in text:
        text = _TIME.sub("", text)
    if text[:1].isalpha():
        text = _WEEKDAY.sub("", text, count=1)
    return text.strip()


def _shape(text: str) -> str:
    if _COMPACT.match(text):
        return "YYYYMMDD"
    if found := _DAY_NAME.match(text):
        return "DD-Mon-YYYY" if len(found[2]) <= 4 else "DD Month YYYY"
    if _NAME_DAY.match(text):
        return "Mon DD, YYYY"
    return ""


def _label(example: str, month_first: bool) -> str:
    found = _NUMERIC.match(example)
    sign, year = (found[2], "Y" * len(found[4])) if found else ("/", "YYYY")
    return f"MM{sign}DD{sign}{year}" if month_first else f"DD{sign}MM{sign}{year}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
