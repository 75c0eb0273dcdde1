"""Return files of US banks: entries that came back (R codes) and notifications of change (C codes).

The layout is that of the files we send; each entry carries an addendum, 99 for a return and 98 for a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.rails.base import Outcome
from app.rails.returns import ReturnError, ReturnLine

WIDTH = 94
_CHECKING_FROM = "2"  # transaction codes of checking accounts begin so, those of savings with 3


@dataclass(frozen=True, slots=True)
class Change:
    """The bank paid, and knows better details. `said`: in words, with account numbers masked."""

    line: int
    key: str
    code: str
    said: str


@dataclass(frozen=True, slots=True)
class AchAnswer:
    lines: list[ReturnLine]
    changes: list[Change]
    errors: list[ReturnError]


def looks_like(content: bytes) -> bool:
    """A file header of 94 characters begins so."""
    return content.lstrip()[:3] == b"101" and b"094101" in content[:60]


def read(content: bytes) -> AchAnswer:
    """Every entry with its addendum, and every fault, in the order of the file."""
    lines: list[ReturnLine] = []
    changes: list[Change] = []
    errors: list[ReturnError] = []
    for number, entry, addendum in _entries(content.decode("ascii", "replace"), errors):
        key, code = entry[39:54].strip(), addendum[3:6]
        if not key:
            errors.append(ReturnError(number, "identification", "The entry says not whose it is."))
        elif addendum[:3] == "799":
            cents = entry[29:39]
            if not cents.isdigit():
                errors.append(ReturnError(number, "amount", f"“{cents}” is not an amount."))
                continue
            amount = Decimal(cents).scaleb(-2)
            lines.append(ReturnLine(number, key, Outcome.RETURNED, code, "", None, amount, "USD"))
        elif addendum[:3] == "798":
            changes.append(Change(number, key, code, said_of(code, addendum[35:64])))
        else:
            errors.append(ReturnError(number, "addendum", "The entry says neither return nor change."))
    if not (lines or changes or errors):
        errors.append(ReturnError(1, "", "The file holds no returned entry."))
    return AchAnswer(lines, changes, errors)


def _entries(text: str, errors: list[ReturnError]) -> Iterator[tuple[int, str, str]]:
    rows = text.replace("\r\n", "\n").split("\n")
    for number, row in enumerate(rows, 1):
        if not row.startswith("6"):
            continue
        addendum = rows[number] if number < len(rows) else ""
        if len(row.rstrip()) > WIDTH or len(row.rstrip()) < WIDTH - 15 or not addendum.startswith("7"):
            errors.append(ReturnError(number, "", "The entry is not 94 characters long, or its addendum is missing."))
            continue
        yield number, row.ljust(WIDTH), addendum.ljust(WIDTH)


def said_of(code: str, data: str) -> str:
    """The corrected data of a change in words. The full details stay in the bank's file."""
    account = routing = kind = ""
    if code == "C01":
        account = data[:17]
    elif code == "C02":
        routing = data[:9]
    elif code == "C03":
        routing, account = data[:9], data[12:29]
    elif code == "C05":
        kind = data[:2]
    elif code == "C06":
        account, kind = data[:17], data[20:22]
    elif code == "C07":
        routing, account, kind = data[:9], data[9:26], data[26:28]
    said = []
    if routing.strip():
        said.append(f"The routing number is {routing.strip()} now.")
    if account.strip():
        said.append(f"The account number ends in {account.strip()[-4:]} now.")
    if kind.strip():
        said.append(f"It is a {'checking' if kind[0] == _CHECKING_FROM else 'savings'} account.")
    if code == "C04":
        said.append(f"The account is in the name of {data.strip().title()}." if data.strip() else "The name changed.")
    return " ".join(said) or "The details of the account changed."
