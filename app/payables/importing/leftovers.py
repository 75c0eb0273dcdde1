"""Rows below the bills that are no bills: the file's own total, a copyright line. They are left out and said so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.payables.importing.amounts import AmountStyle, read_amount
from app.payables.importing.columns import BillField, ColumnMap

_TOTAL = re.compile(
    r"(grand[\s-]*|sub[\s-]*|overall\s*)?totals?\s*[:=]?(\s+(amount|spend|paid|payments|expenditure|value|for|of|net)\b.*)?"
    r"|sum|summe|gesamt\w*|totale|suma|somme",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = re.compile(r"[^\W\d_]{3,}\W.*[^\W\d_]{3,}", re.DOTALL)
_MOST = 5


class Leftover(NamedTuple):
    """`at`: index of the row; `amount` its cell in the amount column; `sure`: it says what it is."""

    at: int
    amount: str
    text: str
    sure: bool


def leftovers(rows: Sequence[Sequence[str]], columns: ColumnMap) -> list[Leftover]:
    """Rows at the very end without reference, supplier and date, or with nothing but one sentence; last one first."""
    found: list[Leftover] = []
    for index in range(len(rows) - 1, max(len(rows) - 1 - _MOST, 0), -1):
        leftover = _leftover(index, rows[index], columns)
        if leftover is None:
            break
        found.append(leftover)
    return found


def _leftover(at: int, row: Sequence[str], columns: ColumnMap) -> Leftover | None:
    filled = [cell.strip() for cell in row if cell.strip()]
    amount = row[columns.fields[BillField.AMOUNT][0]].strip()
    if len(filled) == 1 and not amount:
        return Leftover(at, "", filled[0], True) if _WORDS.search(filled[0]) else None
    if not amount:
        return None
    named = any(_TOTAL.fullmatch(cell) for cell in filled)
    for field in (BillField.REFERENCE, BillField.SUPPLIER_NAME, BillField.SUPPLIER_REFERENCE, BillField.DATE):
        for column in columns.fields.get(field, ()):
            cell = row[column].strip()
            if cell and not _TOTAL.fullmatch(cell):
                return None
    return Leftover(at, amount, "", named)


def explain(leftover: Leftover, line: int, total_minor: int, currency: str, style: AmountStyle) -> str | None:
    """A sentence about a row left out; None when it is not certain that it is no bill."""
    if not leftover.amount:
        text = leftover.text if len(leftover.text) <= 60 else leftover.text[:59] + "…"
        return f"Line {line} was left out, it is a remark: “{text}”."
    try:
        same = read_amount(leftover.amount, currency, style) == total_minor
    except ValueError:
        same = False
    if not same and not leftover.sure:
        return None
    agrees = "agrees with" if same else "differs from the sum of"
    return f"Line {line} was left out, it is the file's own total: {leftover.amount}; it {agrees} the rows above."
