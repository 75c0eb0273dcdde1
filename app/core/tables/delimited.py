"""Text into records: which sign separates the cells, how quotation marks work, and on which line a record starts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from app.core.errors import Invalid

MAX_ROWS = 200_000
MAX_ROW_LETTERS = 1_000_000
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
IRREGULAR = "double, irregular"  # cells do not follow any rule of quoting and are taken as they come
HEADING_ROWS = 40  # titles and notes may stand above the headings

Record = tuple[int, list[str]]  # physical line (from 1) it starts on, cells

_SAMPLE_LETTERS = 200_000
_SAMPLE_ROWS = 200
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_EXCEL_HINT = re.compile(r"\s*\"?sep=(.)\"?\s*\Z", re.IGNORECASE | re.DOTALL)
_END = "\0end"  # no text that got here holds a zero byte


class TooManyRows(Invalid):
    """Raised while reading, so that a huge file is not held whole."""

    def __init__(self) -> None:
        super().__init__(f"The file has more than {MAX_ROWS:,} rows. Split it into several files.")


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to split lines into cells."""

    delimiter: str
    escape: str | None = None
    strict: bool = False


def choose_delimiter(chosen: str) -> str:
    """The sign for a name or sign of DELIMITERS. Raises Invalid."""
    mark = DELIMITERS.get(chosen.strip().lower(), chosen)
    if mark not in DELIMITERS.values():
        names = ", ".join(DELIMITERS)
        raise Invalid(f"“{chosen}” cannot separate columns.", fields={"delimiter": f"Choose one of {names}."})
    return mark


def take_hint(text: str) -> tuple[str, str | None]:
    """Excel's own first line "sep=;" says the delimiter; it stays as an empty line so that lines keep their number."""
    first = _LINE.match(text)
    hint = _EXCEL_HINT.match(first[0]) if first else None
    if first and hint and hint[1] in DELIMITERS.values():
        return "\n" + text[first.end() :], hint[1]
    return text, None


def split(text: str, delimiter: str) -> tuple[list[Record], str]:
    """All records that are not blank, and how quotation marks were read.

    Standard quoting if it fits the whole file, backslash quoting if only that does, else cells as they come.
    Raises Invalid for a quotation mark that never closes, a row or cell too long, or too many rows.
    """
    if '"' not in text:
        return list(_records(text, _Way(delimiter))), "none"
    ways = [(_Way(delimiter, strict=True), "double")]
    if '\\"' in text:
        ways.append((_Way(delimiter, escape="\\", strict=True), "double, escaped by backslash"))
    for way, label in ways:
        try:
            return list(_records(text, way)), label
        except TooManyRows:
            raise
        except (csv.Error, Invalid):
            continue
    return list(_records(text, _Way(delimiter))), IRREGULAR


def best_delimiter(text: str, known: Callable[[str], bool]) -> str:
    """The one that shows most known headings, then the most rows of one width, then the widest. Raises Invalid."""
    scores = []
    for mark in DELIMITERS.values():
        records = _first_records(text[:_SAMPLE_LETTERS], mark)
        if not records:
            continue
        widths = Counter(len(cells) for _, cells in records)
        width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
        headings = max(sum(map(known, cells)) for _, cells in records[:HEADING_ROWS])
        if width > 1 or headings > 1:
            scores.append((headings if headings > 1 else 0, count / len(records) * min(width, 30), mark))
    if not scores:
        raise Invalid(
            "Only one column was found. Columns are separated by commas, semicolons, tabs or | signs.",
            fields={"delimiter": "Choose what separates the columns."},
        )
    return max(scores)[2]


def line_endings(text: str) -> str:
    """What ends the lines, for people."""
    pairs = text.count("\r\n")
    kinds = {
        "CRLF (Windows)": pairs,
        "LF (Unix)": text.count("\n") - pairs,
        "CR (old Mac)": text.count("\r") - pairs,
    }
    used = [name for name, count in kinds.items() if count]
    return used[0] if len(used) == 1 else "mixed" if used else "none"


def _first_records(text: str, mark: str) -> list[Record]:
    """Records of a sample up to the one that cannot be read; the whole file is judged later."""
    found: list[Record] = []
    try:
        for record in islice(_records(text, _Way(mark)), _SAMPLE_ROWS):
            found.append(record)  # noqa: PERF402  what was found before a refusal counts
    except Invalid:
        pass
    return found


def _records(text: str, way: _Way) -> Iterator[Record]:
    letters, start = 0, 1

    def lines() -> Iterator[str]:
        nonlocal letters
        for found in _LINE.finditer(text):
            line = found[0]
            letters += len(line)
            if letters > MAX_ROW_LETTERS:
                raise Invalid(f"The row on line {start} is too long. Is a quotation mark never closed?")
            yield line
        yield _END  # comes back as a record of its own unless a quotation mark is still open

    reader = csv.reader(
        lines(),
        delimiter=way.delimiter,
        doublequote=way.escape is None,
        escapechar=way.escape,
        skipinitialspace=True,
        strict=way.strict,
    )
    count, began = 0, 1
    try:
        for cells in reader:
            began, start, letters = start, reader.line_num + 1, 0
            if cells == [_END]:
                return
            if any(map(str.strip, cells)):
                count += 1
                if count > MAX_ROWS + HEADING_ROWS:
                    raise TooManyRows
                yield began, cells
    except csv.Error as error:
        if way.strict:
            raise
        reason = "A cell is too long. Is a quotation mark never closed?" if "limit" in str(error) else f"({error})"
        raise Invalid(f"The row on line {start} cannot be read. {reason}") from None
    raise Invalid(f"A quotation mark opened in the row on line {began} is never closed.")
