"""The second file: where suppliers are paid. Cells may be account numbers, so no message ever repeats one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core.errors import Invalid
from app.core.tables.cells import clean_code, clean_text
from app.core.tables.choices import Choices
from app.core.tables.headings import canonical
from app.core.tables.table import Table, read_table
from app.payables.importing.bills import RowError
from app.payables.importing.cells import supplier_key
from app.payables.importing.columns import PROBLEM, find_heading
from app.payables.importing.reading import AS_DETECTED, known_headings
from app.rails.base import Rail

_LONGEST = 200
_REFERENCE, _NAME, _RAIL = "supplier_reference", "supplier_name", "rail"
_FIXED = {
    _REFERENCE: "supplier reference;supplier id;supplier number;supplier code;supplier account;supplier;reference",
    _NAME: "supplier name;company name;company;name",
    _RAIL: "rail;method;payment method;payout method;payment type;method type;pay by;payment by",
}
# More names of what rails ask for, by the field names rails use.
_MORE = {
    "account_holder": "account holder name;account name;name on account;bank account name",
    "sort_code": "bank sort code;branch code;sort",
    "account_number": "account;bank account;bank account number",
    "iban": "iban number;iban code",
    "bic": "bic code;swift code;bic swift;swift bic",
    "routing_number": "routing;routing code;aba routing number;ach routing number",
    "bank_code": "bank code;ifsc;ifsc code;bsb;bsb number;bank branch code",
    "payee_name": "name on check;name on cheque;check name",
    "address_1": "address;address line 1;street;street address",
    "address_2": "address line 2;street 2",
    "city": "town;post town;address city",
    "postal_code": "zip;zip code;postcode;post code",
    "region": "state;county;province",
    "country": "country code",
}
_WAYS = {
    "bank_file": "bank;bank transfer;bacs;sepa;ach;wire;transfer;bank account;eft;faster payment;iban",
    "check": "cheque;check by post;cheque by post;post;mail;paper check",
    "simulated": "simulation;sandbox;test",
}


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """Where one supplier is paid: field name to cleaned text, as `Rail.validate` of `rail` takes it."""

    line: int
    supplier_key: str
    supplier_reference: str
    supplier_name: str
    rail: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Destinations:
    """A checked file of destinations. `columns` is field to heading; `read` counts its rows."""

    table: Table = field(repr=False)
    columns: Mapping[str, str]
    read: int
    rows: list[DestinationRow]
    errors: list[RowError]
    notes: list[str]

    @property
    def unmapped(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.headings if name not in self.columns.values() and name != PROBLEM)


def read_destinations(
    body: bytes, rails: Sequence[Rail], choices: Choices = AS_DETECTED, *, default_rail: str | None = None
) -> Destinations:
    """Read supplier and method fields. `rails` are those that may be named here, by name, label or common word.

    A row without a rail takes `default_rail`, or the only one (not a simulated one) its filled columns fit. A row's
    faults, and two different destinations of one supplier, are errors. Raises Invalid for a file it cannot read at all.
    """
    aliases = _aliases(rails)
    known = {name for names in aliases.values() for name in names}
    table = read_table(
        body,
        known=known_headings(choices.columns.values(), lambda heading: canonical(heading) in known),
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        heading_line=choices.heading_line,
    )
    columns = _columns(table.headings, aliases, choices.columns)
    if not {_REFERENCE, _NAME} & set(columns):
        raise Invalid("No column names the supplier; one must be called e.g. “Supplier reference” or “Supplier name”.")
    if not set(columns) - {_REFERENCE, _NAME}:
        raise Invalid(f"No column says how suppliers are paid; expected are e.g. {', '.join(list(aliases)[2:6])}.")
    sheet = _Sheet(table, columns, rails, default_rail)
    rows = [row for index in range(len(table.rows)) if (row := sheet.row(index))]
    rows, notes = _one_each(rows, sheet)
    errors = sorted(sheet.errors, key=lambda error: error.line)
    headings = {name: table.headings[index] for name, index in columns.items()}
    return Destinations(table, headings, len(table.rows), rows, errors, [*table.notes, *notes])


def _aliases(rails: Sequence[Rail]) -> dict[str, list[str]]:
    """Canonical headings of each field, best first."""
    names = {name: text.split(";") for name, text in _FIXED.items()}
    for rail in rails:
        for one in rail.fields:
            more = _MORE.get(one.name, "")
            names.setdefault(one.name, []).extend([one.name, one.label, *(more.split(";") if more else [])])
    return {name: list(dict.fromkeys(map(canonical, texts))) for name, texts in names.items()}


def _columns(
    headings: Sequence[str], aliases: Mapping[str, Sequence[str]], chosen: Mapping[str, str]
) -> dict[str, int]:
    columns: dict[str, int] = {}
    for name, heading in chosen.items():
        if name not in aliases:
            raise Invalid(f"“{name}” is not a field of a destination; the fields are {', '.join(aliases)}.")
        if heading.strip():
            index = find_heading(headings, heading)
            if index is None:
                raise Invalid(f"There is no column “{heading}”.", fields={name: f"There is no column “{heading}”."})
            columns[name] = index
    words = list(map(canonical, headings))
    # The fields' own names first: payee_name is not the supplier's name.
    columns |= {name: index for index, name in enumerate(headings) if name in aliases and name not in chosen}
    taken = set(columns.values())
    # What suppliers and rails are called goes first; a rail's field may share its column with another rail's.
    for name, texts in aliases.items():
        if name in chosen or name in columns:
            continue
        found = next((words.index(text) for text in texts if text in words and words.index(text) not in taken), None)
        if found is not None:
            columns[name] = found
            if name in _FIXED:
                taken.add(found)
    return columns


class _Sheet:
    """Rows being read, with the errors found so far."""

    def __init__(
        self, table: Table, columns: Mapping[str, int], rails: Sequence[Rail], default_rail: str | None
    ) -> None:
        self.table, self.columns, self.default_rail = table, columns, default_rail
        self.errors: list[RowError] = []
        self.rails = {rail.name: rail for rail in rails}
        self.ways = {
            _way(word): name for name, words in _WAYS.items() if name in self.rails for word in words.split(";")
        }
        self.ways |= {_way(text): rail.name for rail in rails for text in (rail.label, rail.name)}

    def heading(self, name: str) -> str:
        return self.table.headings[self.columns[name]] if name in self.columns else ""

    def row(self, index: int) -> DestinationRow | None:
        """The row, or None with its errors noted."""
        line, before = self.table.lines[index], len(self.errors)
        if len(self.table.rows[index]) > len(self.table.headings):
            self.errors.append(RowError(line, "", "There are more cells than headings"))
            return None
        texts = {name: self._text(index, name) for name in self.columns}
        key = supplier_key(texts.get(_REFERENCE, ""), texts.get(_NAME, ""))
        if not key:
            heading = self.heading(_REFERENCE) or self.heading(_NAME)
            self.errors.append(RowError(line, heading, "There is neither a supplier reference nor a name"))
        filled = {name: text for name, text in texts.items() if text and name not in _FIXED}
        rail = self._rail(line, texts.get(_RAIL, ""), filled) if len(self.errors) == before else None
        if rail is None:
            return None
        own = {one.name for one in rail.fields}
        for name, text in filled.items():
            if not self._takes(rail, {name: text}):
                self.errors.append(RowError(line, self.heading(name), f"{rail.label} does not take this"))
        if len(self.errors) > before:
            return None
        fields = {name: text for name, text in filled.items() if name in own}
        return DestinationRow(line, key, texts.get(_REFERENCE, ""), texts.get(_NAME, ""), rail.name, fields)

    def _text(self, index: int, name: str) -> str:
        cell = self.table.rows[index][self.columns[name]]
        try:
            text = (clean_text if name in (_NAME, _RAIL) else clean_code)(cell, _LONGEST)
        except ValueError as error:
            reason = str(error)
            self.errors.append(RowError(self.table.lines[index], self.heading(name), reason[0].upper() + reason[1:]))
            return ""
        return text

    def _rail(self, line: int, said: str, filled: Mapping[str, str]) -> Rail | None:
        names = ", ".join(self.rails)
        if said or self.default_rail:
            name = self.ways.get(_way(said)) if said else self.default_rail
            if name is None or name not in self.rails:
                self.errors.append(
                    RowError(line, self.heading(_RAIL), f"This is no way to be paid; write one of {names}")
                )
                return None
            return self.rails[name]
        fitting = [
            rail for rail in self.rails.values() if filled and not rail.sandbox_only and self._takes(rail, filled)
        ]
        if len(fitting) > 1:  # of several, the one that would miss nothing
            fitting = [rail for rail in fitting if all(one.name in filled for one in rail.fields if one.required)]
        if len(fitting) == 1:
            return fitting[0]
        reason = f"It is not clear how this supplier is paid; add a column “rail” with one of {names}"
        self.errors.append(RowError(line, self.heading(_RAIL), reason))
        return None

    def _takes(self, rail: Rail, filled: Mapping[str, str]) -> bool:
        """Whether all filled cells stand in columns the rail has a field for."""
        own_columns = {self.columns[one.name] for one in rail.fields if one.name in self.columns}
        return all(self.columns[name] in own_columns for name in filled)


def _way(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text).casefold().split())


def _one_each(rows: list[DestinationRow], sheet: _Sheet) -> tuple[list[DestinationRow], list[str]]:
    """One row per supplier. Different destinations of one supplier are all errors: choosing would be a guess."""
    by_key: dict[str, list[DestinationRow]] = {}
    for row in rows:
        by_key.setdefault(row.supplier_key, []).append(row)
    kept: list[DestinationRow] = []
    repeats = 0
    for same in by_key.values():
        if all((row.rail, row.fields) == (same[0].rail, same[0].fields) for row in same):
            kept.append(same[0])
            repeats += len(same) - 1
            continue
        heading = sheet.heading(_REFERENCE) or sheet.heading(_NAME)
        lines = ", ".join(str(row.line) for row in same[:10])
        reason = f"This supplier has different destinations on lines {lines}"
        sheet.errors.extend(RowError(row.line, heading, reason) for row in same)
    notes = [f"Rows that say the same as an earlier row: {repeats}."] if repeats else []
    return kept, notes
