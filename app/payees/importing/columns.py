"""Which column of a file of payees is which: by heading, or as a person chose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import Invalid
from app.core.tables.headings import canonical


class PayeeField(StrEnum):
    """What a row of a file of payees can say; the values are the names `--map` takes."""

    EMAIL = "email"
    NAME = "name"
    REFERENCE = "reference"
    CURRENCY = "currency"
    TERMS = "terms"
    COMMISSION = "commission"
    TAGS = "tags"

    @property
    def label(self) -> str:
        return "E-mail" if self is PayeeField.EMAIL else self.value.capitalize()


# Best first, as people write them; compared in canonical form.
_ALIASES: dict[PayeeField, str] = {
    PayeeField.EMAIL: (
        "email;e-mail;mail;email address;e-mail address;mail address;contact email;contact e-mail;payee email;"
        "supplier email;vendor email;creator email;contractor email;work email;business email;primary email"
    ),
    PayeeField.NAME: (
        "name;full name;display name;payee name;payee;creator name;creator;contractor name;contractor;vendor name;"
        "vendor;supplier name;supplier;company name;company;business name;contact name;contact;person"
    ),
    PayeeField.REFERENCE: (
        "reference;ref;your reference;our reference;external reference;external id;payee id;payee reference;vendor id;"
        "vendor number;vendor code;supplier id;supplier number;creator id;contractor id;account number;customer number;"
        "code;id;number"
    ),
    PayeeField.CURRENCY: "currency;currency code;payout currency;payment currency;pay currency",
    PayeeField.TERMS: "terms;payment terms;terms days;net days;days;payment days;due days",
    PayeeField.COMMISSION: "commission;commission rate;commission percent;commission percentage;rate;commission %",
    PayeeField.TAGS: "tags;tag;labels;label;groups;group;categories;category;segment",
}
_RANKED = {
    field: {canonical(alias): rank for rank, alias in reversed(list(enumerate(aliases.split(";"))))}
    for field, aliases in _ALIASES.items()
}
_AGAIN = re.compile(r"(.*) \(\d+\)\Z")


def is_known(heading: str) -> bool:
    """Whether some field is called so."""
    words = canonical(heading)
    return bool(words) and any(words in ranked for ranked in _RANKED.values())


@dataclass(frozen=True, slots=True)
class Columns:
    """Field to position of its column; fields without one are missing. `unread`: headings nobody asked for."""

    headings: tuple[str, ...]
    fields: Mapping[PayeeField, int]

    @property
    def unread(self) -> list[str]:
        used = set(self.fields.values())
        return [heading for index, heading in enumerate(self.headings) if index not in used]

    def name(self, field: PayeeField) -> str:
        """What the column is called in the file, so that people find it there."""
        at = self.fields.get(field)
        return field.label if at is None else self.headings[at]

    def choices(self) -> dict[str, str]:
        """Field to heading, as `match` takes them back; "" for none."""
        return {field.value: self.headings[self.fields[field]] if field in self.fields else "" for field in PayeeField}


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """`field=Heading` texts of the command line as field to heading. Raises Invalid."""
    chosen: dict[str, str] = {}
    for pair in pairs:
        name, equals, heading = pair.partition("=")
        if not equals or name.strip().lower() not in set(PayeeField):
            raise Invalid(f"“{pair}” does not say field=Heading; the fields are {', '.join(PayeeField)}.")
        chosen[name.strip().lower()] = heading.strip()
    return chosen


def match(headings: Sequence[str], chosen: Mapping[str, str] | None = None) -> Columns:
    """Find the column of each field; `chosen` (field to heading, "" for none) wins.

    Raises Invalid for a heading that is not there, that stands twice, or that is chosen for two fields.
    """
    fields: dict[PayeeField, int] = {}
    for name, wanted in (chosen or {}).items():
        if not wanted.strip():
            continue
        field = PayeeField(name)
        index = _position(headings, wanted)
        if index is None:
            said = f"There is no column “{wanted}”."
            raise Invalid(f"{said} The columns are {_quoted(headings)}.", fields={field.value: said})
        if index in fields.values():
            said = f"The column “{headings[index]}” is chosen twice."
            raise Invalid(said, fields={field.value: "This column is chosen already."})
        fields[field] = index
    for field in PayeeField:
        if field.value in (chosen or {}):
            continue
        offers = [
            (_RANKED[field][words], index)
            for index, words in enumerate(map(canonical, headings))
            if words in _RANKED[field] and index not in fields.values()
        ]
        if offers:
            fields[field] = min(offers)[1]
    _refuse_twins(headings, fields)
    return Columns(tuple(headings), fields)


def _position(headings: Sequence[str], wanted: str) -> int | None:
    name = " ".join(wanted.split())
    return next((index for index, heading in enumerate(headings) if heading.casefold() == name.casefold()), None)


def _refuse_twins(headings: Sequence[str], fields: Mapping[PayeeField, int]) -> None:
    """Of two columns called "Email" (reading names the second "Email (2)") nobody can know which one is meant."""
    plain = [_AGAIN.sub(r"\1", heading).casefold() for heading in headings]
    for field, index in fields.items():
        if plain.count(plain[index]) > 1 and not _AGAIN.match(headings[index]):
            said = f"Two columns are called “{headings[index]}”. Rename one of them in the file."
            raise Invalid(said, fields={field.value: said})


def _quoted(headings: Sequence[str]) -> str:
    return ", ".join(f"“{heading}”" for heading in headings[:20])
