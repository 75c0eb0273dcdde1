"""A table read column by column: cells become values, or an error with its line, column and reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from app.core.tables.cells import clean_code, clean_text
from app.core.tables.delimited import DELIMITERS, IRREGULAR
from app.core.tables.table import Table, looks_like_value
from app.payables.importing.bills import RowError
from app.payables.importing.columns import BillField, ColumnMap

LONGEST = {
    BillField.REFERENCE: 100,
    BillField.SUPPLIER_REFERENCE: 100,
    BillField.SUPPLIER_NAME: 200,
    BillField.INVOICE_NUMBER: 100,
    BillField.DESCRIPTION: 500,
    BillField.CATEGORY: 200,
}
T = TypeVar("T")


class Sheet:
    """The rows being read column by column, and the errors found so far by row."""

    def __init__(self, table: Table, columns: ColumnMap, size: int) -> None:
        self.table, self.columns, self.size = table, columns, size
        self.lines = table.lines[:size]
        self.rows = table.rows[:size]
        self.errors: dict[int, list[RowError]] = defaultdict(list)

    def refuse(self, index: int, heading: str, reason: str) -> None:
        self.errors[index].append(RowError(self.table.lines[index], heading, reason[:1].upper() + reason[1:]))

    def cells(self, field: BillField) -> list[str]:
        """The cells of a field's one column, stripped; empty for a field without column."""
        column = self.columns.column(field)
        return [] if column is None else [row[column].strip() for row in self.rows]

    def read(self, field: BillField, parse: Callable[[str], T], empty: T) -> list[T]:
        """Parsed cells, `empty` for empty ones, for refused ones (with their error) and without a column."""
        cells = self.cells(field)
        return self.parsed(cells, parse, empty, self.columns.heading(field)) if cells else [empty] * self.size

    def parsed(self, cells: Sequence[str], parse: Callable[[str], T], empty: T, heading: str) -> list[T]:
        known: dict[str, T] = {"": empty}
        values: list[T] = []
        for index, cell in enumerate(cells):
            if cell not in known:
                try:
                    known[cell] = parse(cell)
                except ValueError as error:
                    self.refuse(index, heading, str(error))
                    values.append(empty)
                    continue
            values.append(known[cell])
        return values

    def texts(self, field: BillField) -> list[str]:
        if field is BillField.SUPPLIER_REFERENCE:
            return self.read(field, partial(clean_code, longest=LONGEST[field]), "")
        lines = field in (BillField.SUPPLIER_NAME, BillField.DESCRIPTION, BillField.CATEGORY)
        return self.read(field, partial(clean_text, longest=LONGEST[field], lines=lines), "")

    def references(self) -> list[str]:
        """The reference of each row, joined by "/" where it is made of several columns; "" has its error already."""
        parts = []
        for column in self.columns.fields[BillField.REFERENCE]:
            heading = self.columns.headings[column]
            cells = [row[column].strip() for row in self.rows]
            parts.append(self.parsed(cells, partial(clean_code, longest=LONGEST[BillField.REFERENCE]), "", heading))
            for index, cell in enumerate(cells):
                if not cell:
                    self.refuse(index, heading, "the reference is missing")
        if len(parts) == 1:
            return parts[0]
        joined = ["/".join(each) for each in zip(*parts, strict=True)]
        for index, text in enumerate(joined):
            if len(text) > LONGEST[BillField.REFERENCE]:
                self.refuse(index, self.columns.heading(BillField.REFERENCE), "the joined reference is too long")
        return joined

    def refuse_misshapen(self) -> None:
        """Rows with more cells than headings, and cells that have swallowed rows through a lost quotation mark."""
        width = len(self.table.headings)
        mark = DELIMITERS[self.table.dialect.delimiter]
        ends = [*self.lines[1:], self.lines[-1] + 2] if self.lines else []
        for index, (row, line, end) in enumerate(zip(self.rows, self.lines, ends, strict=True)):
            if len(row) > width:
                reason = (
                    f"there are {len(row)} cells under {width} headings; a cell with a {self.table.dialect.delimiter}"
                )
                self.refuse(index, "", f"{reason} needs quotation marks around it")
            if end - line > 1:
                for heading, cell in zip(self.table.headings, row, strict=False):
                    if self._swallowed(cell, mark, width):
                        self.refuse(index, heading, "it holds whole rows; a quotation mark is missing or too many")

    def _swallowed(self, cell: str, mark: str, width: int) -> bool:
        """Whether a cell of several lines looks like rows: a line of it has a value where amounts stand, or
        quotation marks do not fit and it holds a delimiter."""
        after = cell.splitlines()[1:]
        if not after or mark not in cell:
            return False
        amount = self.columns.fields[BillField.AMOUNT][0]
        splits = [line.split(mark) for line in after]
        rows = [parts for parts in splits if len(parts) >= width and looks_like_value(parts[amount])]
        return bool(rows) or self.table.dialect.quoting == IRREGULAR

    def sorted_errors(self) -> list[RowError]:
        return [error for index in sorted(self.errors) for error in self.errors[index]]
