"""Skipped rows as a CSV to mend and import again: the columns of the input and one that says the problem."""

from __future__ import annotations

from collections import defaultdict

from app.core import csv
from app.core.money import CURRENCIES, Money
from app.payables.importing.amounts import read_amount
from app.payables.importing.bills import Bills, RowError
from app.payables.importing.columns import PROBLEM, BillField
from app.payables.importing.dates import read_date


def skipped_csv(bills: Bills) -> bytes:
    """The rows with errors: UTF-8 with BOM (so that Excel shows it right), comma, CRLF.

    Amounts and dates that could be read are written plainly (1234.50, 2017-07-31): a few rows alone no longer
    show how the whole file wrote them. All other cells are as they were. Cells beyond the headings follow the problem.
    """
    by_line: dict[int, list[RowError]] = defaultdict(list)
    for error in bills.errors:
        by_line[error.line].append(error)
    headings = bills.table.headings
    kept = [index for index, heading in enumerate(headings) if heading != PROBLEM]
    rows = (
        [*(cells[index] for index in kept), _sentence(by_line[line]), *row[len(headings) :]]
        for line, row in zip(bills.table.lines, bills.table.rows, strict=True)
        if line in by_line
        for cells in (_plain(bills, row),)
    )
    return "".join(csv.lines([*(headings[index] for index in kept), PROBLEM], rows)).encode("utf-8-sig")


def _sentence(errors: list[RowError]) -> str:
    return "; ".join(f"{error.column}: {error.reason}" if error.column else error.reason for error in errors)


def _plain(bills: Bills, row: list[str]) -> list[str]:
    cells = list(row)
    columns = bills.columns
    spoken = columns.column(BillField.CURRENCY)
    code = cells[spoken].strip().upper() if spoken is not None else ""
    currency = code if code in CURRENCIES else bills.currency
    for field in (BillField.AMOUNT, BillField.DATE, BillField.DUE_DATE):
        column = columns.column(field)
        if column is None:
            continue
        try:
            if field is BillField.AMOUNT:
                cells[column] = Money(read_amount(cells[column].strip(), currency, bills.amounts), currency).plain()
            else:
                cells[column] = read_date(cells[column], bills.dates).isoformat()
        except ValueError:
            continue
    return cells
