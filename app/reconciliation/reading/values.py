"""What comes out of a bank's file: bookings, what is wrong with which line, and whether the sums agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from app.core.money import Money
from app.reconciliation.rules import dedupe_keys, tokens

LONGEST_TEXT = 500
MOST_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line cannot be taken: the line it starts on, the column and a sentence."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking; above zero came in. `bank_id` is the bank's own number of it, "" where it gives none."""

    line: int
    booked_on: date
    currency: str
    amount_minor: int
    description: str = ""
    counterparty: str = ""
    reference: str = ""
    bank_id: str = ""
    balance_minor: int | None = None
    check_number: str = ""

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def tokens(self) -> list[str]:
        return tokens(self.reference, self.description, self.counterparty, self.bank_id, check_number=self.check_number)

    def identity(self) -> tuple[object, ...]:
        """What tells it from other bookings of the account; not the balance, which only some files of a bank tell."""
        if self.bank_id:
            return ("bank", self.bank_id, self.booked_on, self.currency, self.amount_minor, self.reference)
        return (
            self.booked_on, self.currency, self.amount_minor, self.description, self.counterparty, self.reference,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bookings:
    """A file that was read. `gaps`: where what a file says of balances does not agree with its bookings; `notes`: what
    faulty lines moved, by the balances around them.

    `facts` say how it was understood; `left_out` counts bookings that are not booked yet.
    """

    rows: list[Booking] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    left_out: int = 0
    checked: bool = False

    @property
    def faulty(self) -> int:
        return len({fault.line for fault in self.faults})

    def told(self, most: int) -> list[Fault]:
        """What a person should see before it is imported, worst first, then in the order of the lines."""
        return (self.gaps + sorted(self.faults + self.notes, key=lambda fault: fault.line))[:most]

    def totals(self) -> dict[str, tuple[Money, Money]]:
        """Currency → what came in and what left (both above zero)."""
        sums: dict[str, list[int]] = {}
        for row in self.rows:
            both = sums.setdefault(row.currency, [0, 0])
            both[row.amount_minor < 0] += abs(row.amount_minor)
        return {code: (Money(came, code), Money(left, code)) for code, (came, left) in sorted(sums.items())}

    def keys(self) -> list[str]:
        """The dedupe key of each row, in order."""
        return dedupe_keys(row.identity() for row in self.rows)
