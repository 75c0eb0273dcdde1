"""Decisions about statement lines: pure, no session."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from app.core.money import exponent
from app.core.scope import same_person

DEFAULT_WRITE_OFF_MAJOR = 100
MOST_TOKENS = 60
_SHORTEST_TOKEN = 6
_LONGEST_TOKEN = 80
_NOT_PLAIN = re.compile(r"[^A-Z0-9]+")
_WORD = re.compile(r"[^\s,;:|/()\[\]<>]+")
# A key of ours, wherever a bank broke it over lines: the id of the payout (a UUID of version 7, so that other letters
# before it mislead nobody) and the number of the attempt; earlier ones began with "payout-".
_KEY = re.compile(r"(?=(0[0-9A-F]{11}7[0-9A-F]{3}[89AB][0-9A-F]{15})A?(\d{1,2}))")
_CHECK = re.compile(r"\b(?:CHECK|CHEQUE|CHQ|CHK)[\s#:.]*(?:NO|NR|NUM|NUMBER)?[\s#:.]*0*(\d{1,12})\b", re.IGNORECASE)
AGES = ((3, "0–3"), (7, "4–7"), (30, "8–30"), (None, "30+"))  # days, and how the span is called


def plain(text: str) -> str:
    """Upper-case letters and digits alone: how references are compared."""
    return _NOT_PLAIN.sub("", text.upper())


def tokens(*texts: str, check_number: str = "") -> list[str]:
    """Everything in the texts of a line that can be a reference: each text as a whole, its words with a digit, our
    own keys even where the bank broke them, and the numbers of checks ("CHECK:123").
    """
    found: dict[str, None] = {}
    for text in texts:
        whole = plain(text)
        if _SHORTEST_TOKEN <= len(whole) <= _LONGEST_TOKEN:
            found[whole] = None
        for key in _KEY.finditer(whole):
            for number in (key[2][0], key[2]):
                found[f"{key[1]}A{number}"] = found[f"PAYOUT{key[1]}{number}"] = None
        for word in _WORD.findall(text):
            bare = plain(word)
            if _SHORTEST_TOKEN <= len(bare) <= _LONGEST_TOKEN and any(letter.isdigit() for letter in bare):
                found[bare] = None
        for check in _CHECK.finditer(text):
            found[f"CHECK:{check[1]}"] = None
    if check_number.strip().lstrip("0"):
        found[f"CHECK:{check_number.strip().lstrip('0')}"] = None
    return list(found)[:MOST_TOKENS]


def dedupe_keys(bookings: Iterable[Sequence[object]]) -> list[str]:
    """A key for each booking, the same in every file that holds it. Bookings that look alike are counted."""
    seen: Counter[str] = Counter()
    keys = []
    for parts in bookings:
        digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()
        seen[digest] += 1
        keys.append(f"{digest}:{seen[digest]}")
    return keys


def age_of(booked_on: date, today: date) -> str:
    """The span of `AGES` a line falls into."""
    days = (today - booked_on).days
    return next(label for most, label in AGES if most is None or days <= most)


def age_span(label: str, today: date) -> tuple[date | None, date | None]:
    """The first and last booking day of a span, None where it is open. Raises KeyError."""
    least = 0
    for most, name in AGES:
        if name == label:
            return (None if most is None else today - timedelta(days=most)), (
                None if not least else today - timedelta(days=least)
            )
        least = (most or 0) + 1
    raise KeyError(label)


def write_off_limit(currency: str, major: int) -> int:
    """The largest amount that may be written off, in minor units."""
    return int(major * 10 ** exponent(currency))


def may_decide(proposed_by: UUID | None, proposer: str, account_id: UUID | None, label: str) -> str | None:
    """Why this person may not decide about a write-off, None when they may: maker and checker differ."""
    same = same_person(proposed_by, proposer, account_id, label)
    return "You proposed to write it off; somebody else has to decide." if same else None


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
