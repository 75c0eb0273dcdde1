"""Bank transfer by file: a person uploads our CSV to the bank and brings the bank's answer back.

The file is a legal instruction made once. Its lines are frozen by whoever exports; from the same lines this module
makes the same bytes. Full account numbers appear in the file and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from app.core import csv
from app.core.money import Money
from app.rails import bank_account
from app.rails.base import (
    BadSignature,
    Defaults,
    Delivery,
    Outcome,
    RailEvent,
    RailRejected,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.returns import ReturnError, ReturnLine, read_returns

__all__ = [
    "BankFile",
    "ExportFile",
    "ExportLine",
    "FileFacts",
    "ReturnError",
    "ReturnLine",
    "export_file",
    "read_returns",
    "render_csv",
]

# The order is part of what banks' import templates are set up for: append, never reorder.
COLUMNS = (
    "reference",
    "payee",
    "account_holder",
    "country",
    "sort_code",
    "account_number",
    "account_type",
    "routing_number",
    "iban",
    "bic",
    "bank_code",
    "amount",
    "currency",
    "payment_reference",
)
_ACCOUNT = ("country", "sort_code", "account_number", "account_type", "routing_number", "iban", "bic", "bank_code")


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One transfer as frozen in an export. `key` is ours and comes back; `reference` is what the payee will read.

    `id`: the key in 15 capitals and digits, for files that hold no longer one. `company`: whether the payee is one;
    None where nobody said.
    """

    key: str
    payee_name: str
    amount: Money
    reference: str
    destination: Mapping[str, str] = field(repr=False)
    id: str = ""
    company: bool | None = None

    @classmethod
    def of(cls, order: SendOrder, id: str = "", company: bool | None = None) -> ExportLine:
        return cls(order.key, order.payee_name, order.amount, order.reference, dict(order.destination), id, company)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file says of itself, frozen with its lines: its number, its id in 32 characters, the moment it was made
    (UTC), the day it is to be carried out, and which file of that day it is (one letter or digit)."""

    number: str
    message_id: str
    made_at: datetime
    execute_on: date
    modifier: str = "A"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The bytes to upload, with what the releasing person compares: count, totals by currency, SHA-256 (hex)."""

    content: bytes = field(repr=False)
    sha256: str
    lines: int
    totals: tuple[Money, ...]


def render_csv(lines: Sequence[ExportLine]) -> bytes:
    """UTF-8, CRLF, `COLUMNS` in that order, decimal point, formulas defused. The same lines give the same bytes.

    Raises ValueError for a repeated key or an amount that is not positive.
    """
    if len({line.key for line in lines}) != len(lines):
        raise ValueError("a key appears twice in one export")
    if any(line.amount.minor <= 0 for line in lines):
        raise ValueError("a transfer has a positive amount")
    return "".join(csv.lines(COLUMNS, (_row(line) for line in lines))).encode()


def sha256(content: bytes) -> str:
    """What the person who releases a file compares, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def export_file(lines: Sequence[ExportLine]) -> ExportFile:
    """Render the lines and add up what they say. Raises ValueError as `render_csv` does."""
    content = render_csv(lines)
    totals: dict[str, Money] = {}
    for line in lines:
        currency = line.amount.currency
        totals[currency] = totals.get(currency, Money(0, currency)) + line.amount
    ordered = tuple(totals[currency] for currency in sorted(totals))
    return ExportFile(content, sha256(content), len(lines), ordered)


def _row(line: ExportLine) -> list[str]:
    account = {name: line.destination.get(name, "") for name in _ACCOUNT}
    if account["sort_code"]:
        digits = account["sort_code"]
        account["sort_code"] = f"{digits[:2]}-{digits[2:4]}-{digits[4:]}"  # a spreadsheet would drop leading zeros
    holder = line.destination.get("account_holder", line.payee_name)
    return [
        line.key,
        line.payee_name,
        holder,
        *account.values(),
        line.amount.plain(),
        line.amount.currency,
        line.reference,
    ]


class BankFile(Defaults):
    """The rail. `send` makes no call: a line is accepted when it is in an export that a second person released."""

    name = "bank_file"
    label = "Bank transfer"
    fields = bank_account.FIELDS
    can_look_up = False
    exports = True
    settles_in = "1–3 business days"
    settles_days = 3
    chunk = 5_000

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Raises app.core.errors.Invalid naming each bad field."""
        return bank_account.validate(destination)

    def last4(self, destination: Mapping[str, str]) -> str:
        return bank_account.last4(destination)

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """Accepted, under our own key, once the file is released. Raises RailRejected for amounts no file can hold."""
        if any(order.amount.minor <= 0 for order in orders):
            raise RailRejected("A bank transfer has a positive amount.", "amount")
        return [Result(order.key, Outcome.ACCEPTED, reference=order.key) for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        """Raises RailUnavailable: only the returns file, or a person who looked at the account, knows."""
        raise RailUnavailable("A bank file cannot be asked. Bring the bank's confirmation file.", "no_look_up")

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Raises BadSignature: banks send us no events on this rail."""
        raise BadSignature("this rail has no events")
