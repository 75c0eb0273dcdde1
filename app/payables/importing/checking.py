"""A table and its columns become bills; every line that cannot is named with its column and reason."""

from __future__ import annotations

from datetime import date
from functools import partial

from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.tables.table import Table
from app.payables.importing import amounts, dates
from app.payables.importing.amounts import AmountStyle
from app.payables.importing.bills import BillRow, Bills, Repeat
from app.payables.importing.cells import supplier_key
from app.payables.importing.columns import BillField, ColumnMap
from app.payables.importing.leftovers import Leftover, explain, leftovers
from app.payables.importing.sheet import Sheet
from app.payables.importing.suppliers import doubts, settle_names, sum_up
from app.payees.rules import read_terms

_DIFFERENCES = (  # fields of BillRow in the words of a person
    ("supplier_key", "supplier"),
    ("amount_minor", "amount"),
    ("currency", "currency"),
    ("billed_on", "date"),
    ("due_on", "due date"),
    ("terms_days", "payment terms"),
    ("invoice_number", "invoice number"),
    ("description", "description"),
    ("category", "category"),
)


def check(
    table: Table,
    columns: ColumnMap,
    *,
    currency: str,
    amount_style: AmountStyle | None = None,
    date_style: dates.DateStyle | None = None,
) -> Bills:
    """Read every row. `currency` holds where the file says none; the styles overrule what would be detected.

    Raises Invalid for a missing required column or an unknown `currency`; faults of rows are in the result.
    """
    columns.require()
    if currency not in CURRENCIES:
        raise Invalid(f"“{currency}” is not a currency Quittance knows.", fields={"currency": "Unknown currency."})
    left = leftovers(table.rows, columns)
    sheet = Sheet(table, columns, len(table.rows) - len(left))
    sheet.refuse_misshapen()
    money = amount_style or amounts.detect_style(
        sheet.cells(BillField.AMOUNT), currency=currency, comma_likely=table.dialect.delimiter == "semicolon"
    )
    days = date_style or dates.detect_style(
        [*sheet.cells(BillField.DATE), *sheet.cells(BillField.DUE_DATE)], currency=currency
    )
    rows, minor = _assemble(sheet, currency, money, days)
    sheet_notes, read = _leave_out(sheet, left, sum(filter(None, minor)), currency, money)
    rows, name_notes = settle_names(rows)
    rows, repeats = _without_repeats(sheet, rows)
    suppliers = sum_up(rows)
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.amount_minor
    notes = [*table.notes, *sheet_notes, *name_notes, *doubts(suppliers)]
    if repeats:
        notes.append(f"Lines that repeat an earlier line exactly and count once: {len(repeats)}.")
    return Bills(
        table=table,
        columns=columns,
        currency=currency,
        amounts=money,
        dates=days,
        read=read,
        rows=rows,
        errors=sheet.sorted_errors(),
        repeats=repeats,
        suppliers=suppliers,
        totals=totals,
        credits=sum(1 for row in rows if row.amount_minor < 0),
        notes=notes,
    )


def _assemble(
    sheet: Sheet, currency: str, money: AmountStyle, days: dates.DateStyle
) -> tuple[list[BillRow], list[int | None]]:
    """Rows without error, and the amount of every row (None where unreadable)."""
    references = sheet.references()
    supplier_references = sheet.texts(BillField.SUPPLIER_REFERENCE)
    names = sheet.texts(BillField.SUPPLIER_NAME)
    currencies = sheet.read(BillField.CURRENCY, _currency, currency)
    minor = _amounts(sheet, currencies, money)
    read_date = partial(dates.read_date, style=days)
    billed: list[date | None] = sheet.read(BillField.DATE, read_date, None)
    due: list[date | None] = sheet.read(BillField.DUE_DATE, read_date, None)
    terms: list[int | None] = sheet.read(BillField.TERMS, _terms, None)
    numbers, texts, categories = map(sheet.texts, (BillField.INVOICE_NUMBER, BillField.DESCRIPTION, BillField.CATEGORY))
    key_of: dict[tuple[str, str], str] = {}
    headings = [sheet.columns.heading(field) for field in (BillField.SUPPLIER_NAME, BillField.SUPPLIER_REFERENCE)]
    rows: list[BillRow] = []
    for index, (line, reference, supplier, name) in enumerate(
        zip(sheet.lines, references, supplier_references, names, strict=True)
    ):
        if not supplier and not name and not any(error.column in headings for error in sheet.errors.get(index, ())):
            sheet.refuse(index, headings[0] or headings[1], "there is neither a supplier name nor a supplier reference")
        amount = minor[index]
        if index in sheet.errors or amount is None:
            continue
        if (supplier, name) not in key_of:
            key_of[supplier, name] = supplier_key(supplier, name)
        rows.append(
            BillRow(
                line,
                reference,
                key_of[supplier, name],
                supplier,
                name,
                amount,
                currencies[index],
                billed[index],
                due[index],
                numbers[index],
                texts[index],
                categories[index],
                terms[index],
            )
        )
    return rows, minor


def _amounts(sheet: Sheet, currencies: list[str], money: AmountStyle) -> list[int | None]:
    heading = sheet.columns.heading(BillField.AMOUNT)
    known: dict[tuple[str, str], int] = {}
    minor: list[int | None] = []
    for index, pair in enumerate(zip(sheet.cells(BillField.AMOUNT), currencies, strict=True)):
        if pair not in known:
            try:
                known[pair] = _not_zero(amounts.read_amount(*pair, money))
            except ValueError as error:
                sheet.refuse(index, heading, str(error))
                minor.append(None)
                continue
        minor.append(known[pair])
    return minor


def _not_zero(minor: int) -> int:
    if not minor:
        raise ValueError("the amount is zero")
    return minor


def _currency(text: str) -> str:
    code = text.upper()
    if code in CURRENCIES:
        return code
    if len(meant := amounts.meant_by(code)) == 1:
        return meant[0]
    raise ValueError(f"“{text[:40]}” is not a currency Quittance knows")


def _terms(text: str) -> int:
    try:
        return read_terms(text)
    except Invalid as refusal:
        raise ValueError(refusal.message.rstrip(".")) from None


def _leave_out(
    sheet: Sheet, left: list[Leftover], total_minor: int, currency: str, money: AmountStyle
) -> tuple[list[str], int]:
    """Notes on the rows left out, and how many rows were read; a doubtful one is a row with an error."""
    notes, read = [], sheet.size
    for leftover in reversed(left):
        line = sheet.table.lines[leftover.at]
        if note := explain(leftover, line, total_minor, currency, money):
            notes.append(note)
        else:
            read += 1
            sheet.refuse(leftover.at, sheet.columns.heading(BillField.REFERENCE), "the reference is missing")
    return notes, read


def _without_repeats(sheet: Sheet, rows: list[BillRow]) -> tuple[list[BillRow], list[Repeat]]:
    """First lines of each reference; the same line again is a repeat, a different one an error."""
    first: dict[str, BillRow] = {}
    repeats: list[Repeat] = []
    clashes: list[tuple[int, BillRow]] = []
    for row in rows:
        earlier = first.setdefault(row.reference, row)
        if earlier is row:
            continue
        if earlier[1:] == row[1:]:
            repeats.append(Repeat(row.line, earlier.line, row.reference))
        else:
            clashes.append((earlier.line, row))
    heading = sheet.columns.heading(BillField.REFERENCE)
    index_of = {line: index for index, line in enumerate(sheet.lines)} if clashes else {}
    for line, row in clashes:
        earlier = first[row.reference]
        other = [words for name, words in _DIFFERENCES if getattr(earlier, name) != getattr(row, name)]
        reason = f"“{row.reference}” is the reference of line {line} already, with another {' and '.join(other)}"
        sheet.refuse(index_of[row.line], heading, reason)
    return list(first.values()), repeats
