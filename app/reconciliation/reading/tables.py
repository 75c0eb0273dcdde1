"""A bank's CSV as bookings: columns mapped, each row read or refused with a reason, running balances checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.tables.cells import clean_text
from app.core.tables.choices import Choices
from app.core.tables.table import Table, read_table
from app.payables.importing import amounts, dates
from app.reconciliation.reading import balances
from app.reconciliation.reading.columns import Columns, LineField, is_known, match
from app.reconciliation.reading.values import LONGEST_TEXT, Booking, Bookings, Fault

_F = LineField
_OUT = frozenset("d db dr debit dbit s soll out outgoing withdrawal payment -".split())
_IN = frozenset("c cr credit crdt h haben in incoming deposit +".split())


def open_table(body: bytes, choices: Choices | None = None) -> Table:
    """The table as detected or chosen. Raises Invalid."""
    wanted = choices or Choices()
    return read_table(
        body, known=is_known, encoding=wanted.encoding, delimiter=wanted.delimiter, heading_line=wanted.heading_line
    )


def read_bookings(table: Table, columns: Columns, *, currency: str, choices: Choices | None = None) -> Bookings:
    """Every row as a booking or with what is wrong with it. `currency` is for rows that name none.

    Raises Invalid while a needed column is missing, or for a style nobody knows.
    """
    if columns.missing:
        told = ", ".join(columns.missing)
        raise Invalid(f"Choose a column for: {told}.", fields={"columns": told})
    reader = _Reader(table, columns, currency, choices or Choices())
    faults: list[Fault] = []
    rows: list[Booking] = []
    left_out = 0
    for line, cells in zip(table.lines, table.rows, strict=True):
        found = reader.row(line, cells, faults)
        if found is not None:
            rows.append(found)
        elif not faults or faults[-1].line != line:
            left_out += 1
    chain = balances.check(rows, list(dict.fromkeys(fault.line for fault in faults)))
    facts = [*table.dialect.facts(), reader.amount_style.fact(), reader.date_style.fact()]
    return Bookings(rows, faults, chain.gaps, chain.notes, facts, len(table.rows), left_out, chain.told)


class _Reader:
    def __init__(self, table: Table, columns: Columns, currency: str, choices: Choices) -> None:
        self.columns, self.currency = columns, currency
        at = columns.at
        money = [at[name] for name in (_F.AMOUNT, _F.DEBIT, _F.CREDIT, _F.BALANCE) if name in at]
        self.amount_style = (
            amounts.choose_style(choices.amounts)
            if choices.amounts
            else amounts.detect_style(
                (row[index] for row in table.rows for index in money),
                currency=currency,
                comma_likely=table.dialect.delimiter == "semicolon",
            )
        )
        self.date_style = (
            dates.choose_style(choices.dates)
            if choices.dates
            else dates.detect_style((row[at[_F.DATE]] for row in table.rows), currency=currency)
        )

    def row(self, line: int, cells: list[str], faults: list[Fault]) -> Booking | None:
        """None with everything wrong added to `faults`, or without, for a row that is no booking."""
        at = self.columns.at

        def cell(name: LineField) -> str:
            return cells[at[name]].strip() if name in at else ""

        wrong: list[Fault] = []

        def take(name: LineField, reading: Callable[[], Any]) -> Any:
            try:
                return reading()
            except ValueError as error:
                wrong.append(Fault(line, self.columns.heading(name) or name.label, _sentence(str(error))))
            return None

        day: date | None = take(_F.DATE, lambda: dates.read_date(cell(_F.DATE), self.date_style))
        currency = take(_F.CURRENCY, lambda: _currency(cell(_F.CURRENCY), self.currency)) or self.currency
        amount = take(_F.AMOUNT, lambda: self._amount(cell, currency))
        balance = take(_F.BALANCE, lambda: self._balance(cell(_F.BALANCE), currency))
        texts = {
            name: take(name, partial(clean_text, cell(name)[:LONGEST_TEXT], LONGEST_TEXT, lines=True)) or ""
            for name in (_F.DESCRIPTION, _F.COUNTERPARTY, _F.REFERENCE, _F.BANK_ID, _F.CHECK)
        }
        if amount == 0 and not wrong:
            return None  # an information of the bank: nothing moved
        faults.extend(wrong)
        if wrong or day is None or amount is None:
            return None
        return Booking(
            line, day, currency, amount, texts[_F.DESCRIPTION], texts[_F.COUNTERPARTY], texts[_F.REFERENCE],
            texts[_F.BANK_ID], balance, texts[_F.CHECK],
        )  # fmt: skip

    def _amount(self, cell: Callable[[LineField], str], currency: str) -> int:
        if _F.AMOUNT in self.columns.at:
            minor = self._money(cell(_F.AMOUNT), currency)
            sign = cell(_F.SIGN).lower().strip(". ")
            if sign in _OUT:
                return -abs(minor)
            if sign in _IN:
                return abs(minor)
            if sign:
                raise ValueError(f"“{sign[:20]}” says neither debit nor credit")
            return minor
        out, came = cell(_F.DEBIT), cell(_F.CREDIT)
        left = abs(self._money(out, currency)) if _said(out) else 0
        arrived = abs(self._money(came, currency)) if _said(came) else 0
        if not _said(out) and not _said(came):
            raise ValueError("there is neither a debit nor a credit")
        return arrived - left

    def _money(self, text: str, currency: str) -> int:
        try:
            return amounts.read_amount(text, currency, self.amount_style)
        except amounts.NoAmount:
            raise ValueError("the amount is missing") from None

    def _balance(self, text: str, currency: str) -> int | None:
        return self._money(text, currency) if _said(text) else None


def _said(text: str) -> bool:
    return text.strip() not in ("", "-", "–", "—")


def _currency(text: str, otherwise: str) -> str:
    found = text.upper() or otherwise
    if found not in CURRENCIES:
        raise ValueError(f"“{found[:20]}” is not a currency we know")
    return found


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else ".")


def matched(table: Table, choices: Choices) -> Columns:
    """The columns as chosen, else as detected. Raises Invalid."""
    return match(table.headings, choices.columns or None)
