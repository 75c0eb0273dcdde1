"""A delimited file as a table: the heading row is found below titles, rows keep the line they start on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.errors import Invalid
from app.core.tables.delimited import (
    DELIMITERS,
    HEADING_ROWS,
    MAX_ROWS,
    Record,
    TooManyRows,
    best_delimiter,
    choose_delimiter,
    line_endings,
    split,
    take_hint,
)
from app.core.tables.text import decode

MAX_COLUMNS = 200
_HEADING_LETTERS = 100
_VALUE = re.compile(r"\s*[£$€(+-]?\s*\d[\d.,/:\s-]*\)?\s*\Z")  # a number or a date: never a heading
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff]+")
_DEFUSED = re.compile(r"'[=+\-@\t\r]")  # as app.core.csv.safe_cell writes formulas


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file is written, for people to check. `delimiter` is a key of DELIMITERS."""

    encoding: str
    delimiter: str
    quoting: str
    line_endings: str
    heading_line: int

    def facts(self) -> list[tuple[str, str]]:
        """Label and value, ready to print."""
        return [
            ("Encoding", self.encoding),
            ("Columns separated by", self.delimiter),
            ("Quotation marks", self.quoting),
            ("Line endings", self.line_endings),
            ("Headings on line", str(self.heading_line)),
        ]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of a file. `lines[i]` is the physical line (from 1) on which `rows[i]` starts.

    Every row has at least as many cells as there are headings; more only where the file has too many.
    """

    dialect: Dialect
    headings: tuple[str, ...]
    lines: list[int] = field(repr=False)
    rows: list[list[str]] = field(repr=False)
    notes: tuple[str, ...] = ()

    def sample(self, count: int = 5) -> list[tuple[int, list[str]]]:
        """The first rows with their lines, for a preview."""
        return list(zip(self.lines[:count], self.rows[:count], strict=True))


def read_table(
    body: bytes,
    *,
    known: Callable[[str], bool],
    encoding: str | None = None,
    delimiter: str | None = None,
    heading_line: int | None = None,
) -> Table:
    """Read a whole file. `known` tells headings from titles; the others overrule what would be detected.

    `delimiter` is a name or sign of DELIMITERS, `heading_line` a physical line. Raises Invalid.
    """
    decoded = decode(body, encoding)
    text, hinted = take_hint(decoded.text)
    mark = choose_delimiter(delimiter) if delimiter else hinted or best_delimiter(text, known)
    records, quoting = split(text, mark)
    at = _heading_at(records, known, heading_line)
    line, cells = records[at]
    if len(cells) > MAX_COLUMNS:
        raise Invalid(f"The file has {len(cells):,} columns; at most {MAX_COLUMNS} can be read.")
    notes = list(decoded.notes)
    below = records[at + 1 :]
    body_rows = [record for record in below if record[1] != cells]
    if len(body_rows) < len(below):
        notes.append("The headings are repeated further down; those rows were left out.")
    if not body_rows:
        raise Invalid(f"There are headings on line {line} but no rows below them.")
    if len(body_rows) > MAX_ROWS:
        raise TooManyRows
    rows = [cells for _, cells in body_rows]
    headings = _names(cells, rows)
    _fit(rows, len(headings))
    if _DEFUSED.search(text):
        _rearm(rows)
    name = next(name for name, sign in DELIMITERS.items() if sign == mark)
    dialect = Dialect(decoded.encoding, name, quoting, line_endings(text), line)
    return Table(dialect, headings, [line for line, _ in body_rows], rows, tuple(notes))


def looks_like_value(cell: str) -> bool:
    """A number, an amount or a date."""
    return _VALUE.match(cell) is not None


def _heading_at(records: list[Record], known: Callable[[str], bool], wanted: int | None) -> int:
    """Index of the heading row: as wanted, else with most known headings, else the fullest row above the values."""
    if wanted is not None:
        for index, (line, _) in enumerate(records):
            if line == wanted:
                return index
        raise Invalid(f"No row starts on line {wanted}.", fields={"heading_line": "No row starts on this line."})
    top = records[:HEADING_ROWS]
    scores = [sum(known(cell) for cell in set(cells)) for _, cells in top]
    if max(scores, default=0) > 1:
        return scores.index(max(scores))
    first_value = next((i for i, (_, cells) in enumerate(top) if any(map(looks_like_value, cells))), None)
    above = range(1 if first_value is None else first_value)
    filled = {index: sum(1 for cell in top[index][1] if cell.strip()) for index in above if top}
    best = max(filled, key=lambda index: (filled[index], index), default=None)
    if best is None or filled[best] < 2:
        raise Invalid(
            "No heading row was found. The first row must name the columns, e.g. Reference, Supplier, Amount, Date."
        )
    return best


def _names(cells: list[str], rows: list[list[str]]) -> tuple[str, ...]:
    """A name for each column: as written, "Column 5" where there is none, "Amount (2)" for a second Amount.

    Columns at the right without heading and values are dropped; cells beyond the headings make a column only
    when most rows have them, otherwise they are mistakes of single rows.
    """
    width = len(cells)
    while width and not cells[width - 1].strip() and not any(len(r) >= width and r[width - 1].strip() for r in rows):
        width -= 1
    beyond = Counter(len(row) for row in rows if len(row) > len(cells) and any(c.strip() for c in row[len(cells) :]))
    if beyond and beyond.total() * 2 > len(rows):
        width = min(beyond.most_common(1)[0][0], MAX_COLUMNS)
    names: list[str] = []
    for index in range(width):
        written = " ".join(_CONTROL.sub(" ", cells[index] if index < len(cells) else "").split())
        written = written[1:] if _DEFUSED.match(written) else written
        name = base = written[:_HEADING_LETTERS] or f"Column {index + 1}"
        again = 2
        while name in names:
            name, again = f"{base} ({again})", again + 1
        names.append(name)
    return tuple(names)


def _fit(rows: list[list[str]], width: int) -> None:
    """Short rows get empty cells; empty cells beyond the headings go."""
    for row in rows:
        if len(row) < width:
            row.extend([""] * (width - len(row)))
        while len(row) > width and not row[-1].strip():
            row.pop()


def _rearm(rows: list[list[str]]) -> None:
    """Take off the apostrophe a CSV of ours (or a careful program) puts before what looks like a formula."""
    for row in rows:
        for index, cell in enumerate(row):
            if _DEFUSED.match(cell):
                row[index] = cell[1:]
