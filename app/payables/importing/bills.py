"""What comes out of a file: bills, suppliers, and what is wrong with which line. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from app.core.tables.table import Table
from app.payables.importing.amounts import AmountStyle
from app.payables.importing.columns import BillField, ColumnMap
from app.payables.importing.dates import DateStyle


class BillRow(NamedTuple):
    """One good line. `amount_minor` is in minor units of `currency`, negative for a credit, never zero.

    Texts are "" where the file has none; `supplier_name` is never empty. `terms_days` are the line's own terms, which
    count where it has no due date.
    """

    line: int
    reference: str
    supplier_key: str
    supplier_reference: str
    supplier_name: str
    amount_minor: int
    currency: str
    billed_on: date | None
    due_on: date | None
    invoice_number: str
    description: str
    category: str
    terms_days: int | None = None


class RowError(NamedTuple):
    """Why a line cannot be imported. `column` is the heading in the file, "" for the line as a whole."""

    line: int
    column: str
    reason: str


class Repeat(NamedTuple):
    """A line that says the same as an earlier one and counts once."""

    line: int
    first_line: int
    reference: str


@dataclass(frozen=True, slots=True)
class Supplier:
    """One supplier of the file. `totals` is the net sum in minor units per currency."""

    key: str
    reference: str
    name: str
    bills: int
    credits: int
    totals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Bills:
    """A checked file. `read` counts the rows below the headings, without blank ones and the file's own total.

    Every row is in exactly one of `rows`, `repeats` or the lines of `errors` (one line may have several errors).
    `totals` and `credits` are about `rows`; `notes` are sentences worth reading before going on.
    """

    table: Table = field(repr=False)
    columns: ColumnMap
    currency: str
    amounts: AmountStyle
    dates: DateStyle
    read: int
    rows: list[BillRow] = field(repr=False)
    errors: list[RowError] = field(repr=False)
    repeats: list[Repeat] = field(repr=False)
    suppliers: list[Supplier] = field(repr=False)
    totals: dict[str, int]
    credits: int
    notes: list[str]

    @property
    def bad_lines(self) -> list[int]:
        """Lines with at least one error, in order."""
        return sorted({error.line for error in self.errors})

    def facts(self) -> list[tuple[str, str]]:
        """How the file was understood: label and value, ready to print."""
        column = self.columns.heading(BillField.CURRENCY)
        return [
            *self.table.dialect.facts(),
            self.amounts.fact(),
            self.dates.fact(),
            ("Currency", f"column “{column}”, else {self.currency}" if column else self.currency),
            ("Rows", f"{self.read:,}"),
        ]
