"""Which column of a bank's table is which: by its heading, or as a person chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import Invalid
from app.core.tables.headings import canonical


class LineField(StrEnum):
    """What a booking is made of. Either `amount`, or one or both of `debit` and `credit`."""

    DATE = "date"
    AMOUNT = "amount"
    DEBIT = "debit"
    CREDIT = "credit"
    SIGN = "sign"
    CURRENCY = "currency"
    DESCRIPTION = "description"
    COUNTERPARTY = "counterparty"
    REFERENCE = "reference"
    BANK_ID = "bank_id"
    CHECK = "check"
    BALANCE = "balance"

    @property
    def label(self) -> str:
        return {"bank_id": "Bank’s number", "check": "Check number", "sign": "Debit or credit"}.get(
            self.value, self.value.capitalize()
        )


# Best first, written as banks write them; compared in canonical form (`app.core.tables.headings`).
_ALIASES: dict[LineField, str] = {
    LineField.DATE: "booking date;date booking;booked on;posting date;posted date;date posted;transaction date;"
    "date transaction;completed date;date completed;accounting date;entry date;date;value date;date value;"
    "buchungstag;valuta;settlement date",
    LineField.AMOUNT: "amount;transaction amount;amount account currency;booked amount;net;value;umsatz;amount eur;"
    "net amount",
    LineField.DEBIT: "debit;debit amount;amount debit;money out;paid out;withdrawal;withdrawals;withdrawal amount;"
    "out;soll;payment out;outgoing;debits",
    LineField.CREDIT: "credit;credit amount;amount credit;money in;paid in;deposit;deposits;deposit amount;in;haben;"
    "incoming;credits",
    LineField.SIGN: "debit credit;credit debit;dr cr;cr dr;debit credit indicator;credit debit indicator;cdt dbt ind;"
    "direction;indicator",
    LineField.CURRENCY: "currency;currency code;account currency;transaction currency",
    LineField.DESCRIPTION: "description;transaction description;details;transaction details;narrative;memo;text;"
    "purpose;payment details;remittance information;particulars;subject;note;notes;transaction",
    LineField.COUNTERPARTY: "counterparty;counterparty name;counter party;name;payee;beneficiary;payer;"
    "beneficiary or payer;partner name;supplier;other party;from or to;contra account name;debtor name",
    LineField.REFERENCE: "end to end id;end to end reference;end to end;endtoendid;customer reference;"
    "payment reference;reference;your reference;our reference;reference number;statement reference",
    LineField.BANK_ID: "transaction id;bank reference;account servicer reference;transaction number;"
    "transaction reference;entry reference;fit id;fitid;unique id;id;balance transaction id",
    LineField.CHECK: "check number;check or slip number;cheque number;check;cheque;check no",
    LineField.BALANCE: "balance;running balance;closing balance;account balance;balance after;booked balance;saldo;"
    "available balance",
}
_RANKED = {
    field: {canonical(alias): rank for rank, alias in reversed(list(enumerate(aliases.split(";"))))}
    for field, aliases in _ALIASES.items()
}
_KNOWN = frozenset(alias for ranks in _RANKED.values() for alias in ranks)


def is_known(heading: str) -> bool:
    """How the heading row is told from titles and rows."""
    return canonical(heading) in _KNOWN


@dataclass(frozen=True, slots=True)
class Columns:
    """Field → position of its column."""

    headings: tuple[str, ...]
    at: Mapping[LineField, int]

    def heading(self, field: LineField) -> str:
        """The heading as the file has it; "" for a field it has not."""
        return self.headings[self.at[field]] if field in self.at else ""

    def choices(self) -> dict[str, str]:
        return {field.value: self.heading(field) for field in LineField}

    @property
    def missing(self) -> list[str]:
        """What a booking cannot do without."""
        lacks = [] if LineField.DATE in self.at else [LineField.DATE.label]
        if not {LineField.AMOUNT, LineField.DEBIT, LineField.CREDIT} & set(self.at):
            lacks.append("Amount, or Debit and Credit")
        return lacks


def match(headings: Sequence[str], chosen: Mapping[str, str] | None = None) -> Columns:
    """Columns by their headings; with `chosen` (field → heading, "" for none) as somebody decided.

    Raises Invalid for a heading that is not there or was chosen twice.
    """
    if chosen:
        return _as_chosen(tuple(headings), chosen)
    plain = [canonical(heading) for heading in headings]
    at: dict[LineField, int] = {}
    for field in LineField:
        ranks = _RANKED[field]
        fitting = [(ranks[word], index) for index, word in enumerate(plain) if word in ranks]
        fitting = [(rank, index) for rank, index in fitting if index not in at.values()]
        if fitting:
            at[field] = min(fitting)[1]
    if LineField.DEBIT in at or LineField.CREDIT in at:  # "Net" beside them is somebody else's number
        at.pop(LineField.AMOUNT, None)
    return Columns(tuple(headings), at)


def _as_chosen(headings: tuple[str, ...], chosen: Mapping[str, str]) -> Columns:
    at: dict[LineField, int] = {}
    wrong: dict[str, str] = {}
    for field in LineField:
        wanted = chosen.get(field.value, "")
        if not wanted:
            continue
        if wanted not in headings:
            wrong[field.value] = f"The file has no column “{wanted[:60]}”."
        elif headings.index(wanted) in at.values():
            wrong[field.value] = "This column is chosen for another field already."
        else:
            at[field] = headings.index(wanted)
    if LineField.AMOUNT in at and (LineField.DEBIT in at or LineField.CREDIT in at):
        wrong["amount"] = "Choose the amount, or debit and credit, not both."
    found = Columns(headings, at)
    if found.missing and not wrong:
        wrong["date" if LineField.DATE not in at else "amount"] = f"Choose a column for: {', '.join(found.missing)}."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    return found
