"""CSV out: UTF-8, CRLF, fixed columns, cells that a spreadsheet would run as a formula are defused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


def safe_cell(value: object) -> str:
    """Text with a leading apostrophe where a spreadsheet would see a formula; plain numbers stay numbers.

    Source: OWASP, CSV injection.
    """
    text = "" if value is None else str(value)
    if text.startswith(_FORMULA) and not _NUMBER.match(text):
        return "'" + text
    return text


def lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV lines with the header first, ready to stream."""
    return rows_as_lines(chain([header], rows))


def rows_as_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The same without a header: what follows in a file that is sent in parts."""
    for row in rows:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\r\n").writerow([safe_cell(cell) for cell in row])
        yield buffer.getvalue()
