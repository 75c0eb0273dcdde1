"""What goes on paper, as plain values. Whoever makes a document reads the rows and fills these in.

Each document checks that its figures add up: paper that contradicts itself is never made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Party:
    """A name with the lines under it (address, tax number, e-mail)."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """One bill, or the part of it, that was paid; credits are negative. `reference` is the payer's or ours."""

    description: str
    amount: Money
    reference: str = ""
    invoice_number: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class RemittanceDocument:
    """Remittance advice for one payout.

    `on` is the day it was paid or, before, sent; `status` the word shown for it ("Paid", "In transit");
    `method` masked ("Bank transfer ••9911"); `statement_reference` what the payee's bank statement shows.
    """

    number: str
    payer: Party
    payee: Party
    on: date
    status: str
    method: str
    total: Money
    lines: tuple[RemittanceLine, ...]
    statement_reference: str = ""
    note: str = ""
    simulated: bool = False
    locale: str = "en"

    def __post_init__(self) -> None:
        _require_sum(self.number, [line.amount for line in self.lines], self.total)

    @property
    def gross(self) -> Money:
        """Everything before credits."""
        return _sum([line.amount for line in self.lines if line.amount.minor > 0], self.total.currency)

    @property
    def credits(self) -> Money:
        """Credits taken off: zero or negative."""
        return _sum([line.amount for line in self.lines if line.amount.minor < 0], self.total.currency)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement of the balance (signed), and the balance after it."""

    on: date
    description: str
    amount: Money
    balance: Money
    reference: str = ""


@dataclass(frozen=True, slots=True)
class StatementDocument:
    """A payee's statement of one period and currency; `first_on` to `last_on` inclusive."""

    number: str
    payer: Party
    payee: Party
    first_on: date
    last_on: date
    opening: Money
    closing: Money
    lines: tuple[StatementLine, ...]
    note: str = ""
    simulated: bool = False
    locale: str = "en"

    def __post_init__(self) -> None:
        balance = self.opening
        for line in self.lines:
            balance = balance + line.amount
            if line.balance != balance:
                raise ValueError(f"statement {self.number}: the balance after “{line.description}” does not add up")
        if balance != self.closing:
            raise ValueError(f"statement {self.number}: the closing balance does not add up")

    @property
    def earned(self) -> Money:
        return _sum([line.amount for line in self.lines if line.amount.minor > 0], self.opening.currency)

    @property
    def paid_out(self) -> Money:
        """Zero or negative."""
        return _sum([line.amount for line in self.lines if line.amount.minor < 0], self.opening.currency)


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """One check on the upper third of a page, the letter with what it pays below.

    `number` is the check's own and used once. `drawn_on` are the lines naming bank and account; the code line for
    machines is on the check paper already. `paper` is "letter" or "A4". In sandbox mode (`simulated`) it says so.
    """

    number: str
    payout_number: str
    payer: Party
    payee_name: str
    address: tuple[str, ...]
    on: date
    amount: Money
    lines: tuple[RemittanceLine, ...]
    drawn_on: tuple[str, ...] = ()
    memo: str = ""
    signatory: str = ""
    paper: str = "letter"
    simulated: bool = False
    locale: str = "en"

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError(f"check {self.number}: a check has a positive amount")
        if self.paper not in ("letter", "A4"):
            raise ValueError("paper is letter or A4")
        _require_sum(self.number, [line.amount for line in self.lines], self.amount)

    def rest(self, shown: int) -> Money:
        """What the lines after the first `shown` add up to."""
        return _sum([line.amount for line in self.lines[shown:]], self.amount.currency)


def _sum(amounts: Sequence[Money], currency: str) -> Money:
    total = Money(0, currency)
    for amount in amounts:
        total = total + amount
    return total


def _require_sum(number: str, amounts: Sequence[Money], total: Money) -> None:
    if not amounts or _sum(amounts, total.currency) != total:
        raise ValueError(f"document {number}: its lines do not add up to its total")
