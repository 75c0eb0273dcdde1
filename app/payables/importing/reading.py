"""The whole way from bytes to checked bills, in one call or in the two steps of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.core.tables.choices import Choices
from app.core.tables.headings import canonical
from app.core.tables.table import Table, read_table
from app.payables.importing import amounts, dates
from app.payables.importing.bills import Bills
from app.payables.importing.checking import check
from app.payables.importing.columns import JOIN, ColumnMap, is_known, match

AS_DETECTED = Choices()


def open_table(body: bytes, choices: Choices = AS_DETECTED) -> Table:
    """The file as headings and rows, for the mapping step. Raises Invalid."""
    return read_table(
        body,
        known=known_headings(choices.columns.values(), is_known),
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        heading_line=choices.heading_line,
    )


def check_table(table: Table, choices: Choices = AS_DETECTED, *, currency: str) -> Bills:
    """The bills in a table, for the preview. `currency` (ISO 4217) holds where the file says none. Raises Invalid."""
    columns: ColumnMap = match(table.headings, choices.columns)
    return check(
        table,
        columns,
        currency=currency.strip().upper(),
        amount_style=amounts.choose_style(choices.amounts) if choices.amounts else None,
        date_style=dates.choose_style(choices.dates) if choices.dates else None,
    )


def read_bills(body: bytes, choices: Choices = AS_DETECTED, *, currency: str) -> Bills:
    """Both steps. Raises Invalid where the file as a whole cannot be read; faults of rows are in the result."""
    return check_table(open_table(body, choices), choices, currency=currency)


def known_headings(chosen: Iterable[str], known: Callable[[str], bool]) -> Callable[[str], bool]:
    """`known`, widened by headings a person named, so that an unusual heading row is found by them."""
    named = {canonical(part) for heading in chosen for part in (heading, *heading.split(JOIN))} - {""}
    return lambda heading: known(heading) or canonical(heading) in named
