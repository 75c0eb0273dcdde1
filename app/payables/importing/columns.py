"""Which column of a file is which of our fields: by heading, by common aliases, or as a person chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import Invalid
from app.core.tables.headings import canonical

JOIN = " + "  # "Vendor + Invoice No": a reference made of several columns
PROBLEM = "Problem"  # the column added to rows handed back; ignored when they return


class BillField(StrEnum):
    """What a bill is made of; the values are the names `--map` takes."""

    REFERENCE = "reference"
    SUPPLIER_REFERENCE = "supplier_reference"
    SUPPLIER_NAME = "supplier_name"
    AMOUNT = "amount"
    CURRENCY = "currency"
    DATE = "date"
    DUE_DATE = "due_date"
    TERMS = "terms"
    INVOICE_NUMBER = "invoice_number"
    DESCRIPTION = "description"
    CATEGORY = "category"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


# Best first. Written as people write them; compared in canonical form (see headings.py).
_ALIASES: dict[BillField, str] = {
    BillField.REFERENCE: (
        "reference;bill reference;bill id;bill number;transaction number;transaction reference;transaction id;"
        "unique reference;unique reference number;unique id;unique transaction reference;voucher number;voucher;"
        "voucher id;voucher reference;document number;document reference;document id;reference number;"
        "our reference;clearing document number;clearing document;payment reference;payment number;payment id;"
        "internal reference;internal number;journal number;journal reference;journal id;posting number;"
        "entry number;record number;record id;line reference;line id;transaction;document;bill;order number;"
        "purchase order number;po number;cheque number;invoice number;invoice reference;invoice id;invoice;id;"
        "number"
    ),
    BillField.SUPPLIER_REFERENCE: (
        "supplier reference;supplier id;supplier number;supplier code;supplier account;supplier account number;"
        "supplier account code;supplier account reference;supplier reference number;supplier"
    ),
    BillField.SUPPLIER_NAME: (
        "supplier name;supplier;company name;company;trading name;legal name;paid to;pay to;contractor name;"
        "contractor;provider name;provider;recipient name;recipient;supplier company;supplier company name;name"
    ),
    BillField.AMOUNT: (
        "amount;payment amount;amount payment;bill amount;invoice amount;invoice gross;invoice gross amount;"
        "line amount;amount due;amount payable;gross amount;amount gross;amount inc vat;amount incl vat;"
        "amount including vat;gross;document amount;transaction amount;net amount;amount net;amount ex vat;"
        "amount excl vat;amount excluding vat;amount exclusive vat;amount exc vat;invoice net amount;"
        "distribution amount;item amount;amount net vat;value;payment value;invoice value;gross value;net value;"
        "transaction value;line value;spend;net spend;spend amount;actual;actual amount;open amount;"
        "amount outstanding;amount local currency;amount document currency;net;cost;payment"
    ),
    BillField.CURRENCY: ("currency;currency code;document currency;invoice currency;payment currency;iso currency"),
    BillField.DATE: (
        "invoice date;bill date;date;document date;date invoice;payment date;date payment;transaction date;"
        "posting date;date posting;effective date;cleared date;clearing date;entry date;voucher date;"
        "accounting date;ledger date;date document;actual date"
    ),
    BillField.DUE_DATE: ("due date;payment due date;date due;due;net due date;pay by;pay by date;maturity date"),
    BillField.TERMS: "payment terms;terms;terms of payment;credit terms;supplier terms;net terms",
    BillField.INVOICE_NUMBER: (
        "supplier invoice number;supplier invoice reference;supplier invoice;invoice number;invoice reference;"
        "invoice id;invoice;external document number;your reference;supplier bill number"
    ),
    BillField.DESCRIPTION: (
        "description;purpose;purpose expenditure;description expenditure;type expenditure;expenditure type;"
        "narrative;details;detail;summary;text;line description;item description;invoice description;document text;"
        "memo;note;notes;subject;expenditure description;nature expenditure;payment details;item text;"
        "procurement category description;subjective description;subjective;merchant category;category description"
    ),
    BillField.CATEGORY: (
        "service area;department;department name;directorate;service;division;business unit;cost centre;"
        "cost centre name;cost centre description;cost centre code;category;expenditure area;expenditure category;"
        "expenditure code;budget;budget code;account code;account;gl account;gl code;general ledger account;"
        "ledger code;nominal code;nominal;procurement category;project;project code;fund"
    ),
}
_RANKED = {
    field: {canonical(alias): rank for rank, alias in reversed(list(enumerate(aliases.split(";"))))}
    for field, aliases in _ALIASES.items()
}
# Who chooses first: an invoice number is the reference only where there is no better one, and so on.
_PRIORITY = (
    BillField.REFERENCE,
    BillField.AMOUNT,
    BillField.SUPPLIER_NAME,
    BillField.SUPPLIER_REFERENCE,
    BillField.CURRENCY,
    BillField.DATE,
    BillField.DUE_DATE,
    BillField.TERMS,
    BillField.INVOICE_NUMBER,
    BillField.DESCRIPTION,
    BillField.CATEGORY,
)
_KNOWN = frozenset(alias for ranks in _RANKED.values() for alias in ranks)
# Other names people give a field on the command line.
_FIELD_NAMES = {
    **{field.value: field for field in BillField},
    "invoice_date": BillField.DATE,
    "bill_date": BillField.DATE,
    "paid_date": BillField.DATE,
    "due_on": BillField.DUE_DATE,
    "payment_terms": BillField.TERMS,
    "supplier": BillField.SUPPLIER_NAME,
    "supplier_id": BillField.SUPPLIER_REFERENCE,
    "value": BillField.AMOUNT,
}


def is_known(heading: str) -> bool:
    """Whether a heading is one of the aliases: how the heading row is told from titles and rows."""
    return canonical(heading) in _KNOWN


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Field to the positions of its column (several only for a joined reference).

    `chosen` are the fields a person mapped; `others` names, per field, further columns that would fit too.
    """

    headings: tuple[str, ...]
    fields: Mapping[BillField, tuple[int, ...]]
    chosen: frozenset[BillField] = frozenset()
    others: Mapping[BillField, tuple[str, ...]] | None = None

    def heading(self, field: BillField) -> str:
        """The heading(s) of a field as in the file, "" when it has no column."""
        return JOIN.join(self.headings[index] for index in self.fields.get(field, ()))

    def column(self, field: BillField) -> int | None:
        """The one column of a field, None when it has none."""
        return self.fields[field][0] if field in self.fields else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a column, in words."""
        gone = [field.label for field in (BillField.REFERENCE, BillField.AMOUNT) if field not in self.fields]
        if not {BillField.SUPPLIER_NAME, BillField.SUPPLIER_REFERENCE} & set(self.fields):
            gone.insert(1 if gone and gone[0] == BillField.REFERENCE.label else 0, "Supplier name or reference")
        return tuple(gone)

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Headings that are not read."""
        used = {index for columns in self.fields.values() for index in columns}
        return tuple(heading for index, heading in enumerate(self.headings) if index not in used and heading != PROBLEM)

    def choices(self) -> dict[str, str]:
        """Field name to heading for all fields, "" for those without: the mapping form's values, and overrides."""
        return {field.value: self.heading(field) for field in BillField}

    def require(self) -> None:
        """Raises Invalid naming each required field that has no column."""
        if not self.missing:
            return
        fields = {name.lower().split(" or ")[0].replace(" ", "_"): "Choose a column." for name in self.missing}
        raise Invalid(
            f"No column was found for: {', '.join(self.missing)}. The columns are {_quoted(self.headings)}.",
            fields=fields,
        )


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """`field=Heading` texts of the command line as field to heading. Raises Invalid."""
    chosen: dict[str, str] = {}
    for pair in pairs:
        name, equals, heading = pair.partition("=")
        if not equals:
            raise Invalid(f"“{pair}” does not say field=Heading, e.g. reference=Trans No.")
        chosen[_field(name).value] = heading.strip()
    return chosen


def match(headings: Sequence[str], overrides: Mapping[str, str] | None = None) -> ColumnMap:
    """Find the column of each field. `overrides` (field to heading, "" for none, "A + B" to join) win.

    Raises Invalid for an unknown field, an unknown heading, or a column chosen for two fields.
    """
    fields: dict[BillField, tuple[int, ...]] = {}
    chosen: set[BillField] = set()
    for name, wanted in (overrides or {}).items():
        field = _field(name)
        chosen.add(field)
        if wanted.strip():
            fields[field] = _columns(headings, field, wanted)
    _refuse_shared(headings, fields)
    # An override's columns are spoken for, except those joined into a reference: they keep their own meaning too.
    taken = {columns[0] for columns in fields.values() if len(columns) == 1}
    offers = sorted(
        (order, _RANKED[field][words], index, field)
        for order, field in enumerate(_PRIORITY)
        if field not in chosen
        for index, words in enumerate(map(canonical, headings))
        if words in _RANKED[field] and headings[index] != PROBLEM
    )
    others: dict[BillField, list[str]] = {}
    for _order, _rank, index, field in offers:
        if index in taken:
            continue
        if field in fields:
            others.setdefault(field, []).append(headings[index])
        else:
            fields[field] = (index,)
            taken.add(index)
    used = {headings[index] for index in taken}
    left = {field: tuple(name for name in names if name not in used) for field, names in others.items()}
    return ColumnMap(
        tuple(headings), fields, frozenset(chosen), {field: names for field, names in left.items() if names}
    )


def _field(name: str) -> BillField:
    wanted = name.strip().lower().replace(" ", "_").replace("-", "_")
    if wanted not in _FIELD_NAMES:
        raise Invalid(f"“{name.strip()}” is not a field of a bill; the fields are {', '.join(BillField)}.")
    return _FIELD_NAMES[wanted]


def _columns(headings: Sequence[str], field: BillField, wanted: str) -> tuple[int, ...]:
    exact = find_heading(headings, wanted)
    if exact is not None:
        return (exact,)
    if field is BillField.REFERENCE and JOIN in wanted:
        parts = [find_heading(headings, part) for part in wanted.split(JOIN)]
        if all(part is not None for part in parts):
            return tuple(part for part in parts if part is not None)
    raise Invalid(
        f"There is no column “{wanted}”; the columns are {_quoted(headings)}.",
        fields={field.value: f"There is no column “{wanted}”."},
    )


def find_heading(headings: Sequence[str], wanted: str) -> int | None:
    """Position of a heading: as written, else in any case, else in canonical form when only one is like it."""
    name = " ".join(wanted.split())
    for same in (str, str.casefold, canonical):
        found = [index for index, heading in enumerate(headings) if same(heading) == same(name)]
        if len(found) == 1 or (found and same is str):
            return found[0]
    return None


def _refuse_shared(headings: Sequence[str], fields: Mapping[BillField, tuple[int, ...]]) -> None:
    seen: dict[int, BillField] = {}
    for field, columns in fields.items():
        if len(columns) > 1:
            continue
        if (other := seen.get(columns[0])) is not None:
            raise Invalid(
                f"The column “{headings[columns[0]]}” cannot be both {other.label.lower()} and {field.label.lower()}.",
                fields={field.value: "This column is chosen already."},
            )
        seen[columns[0]] = field


def _quoted(headings: Sequence[str]) -> str:
    return ", ".join(f"“{heading}”" for heading in headings)
