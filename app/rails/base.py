"""What every rail is: values in, values out. A rail never sees rows, requests or sessions. DESIGN section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a payee tells us to be paid this way. `pattern` is a full-match regular expression."""

    name: str
    label: str
    pattern: str
    hint: str = ""
    secret: bool = False
    required: bool = True
    autocomplete: str = "off"


@dataclass(frozen=True, slots=True)
class SendOrder:
    """One payment instruction. `key` is what the rail dedupes on; `destination` the opened method fields."""

    key: str
    payout_id: UUID
    amount: Money
    payee_name: str
    destination: Mapping[str, str]
    reference: str


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"


class Blame(StrEnum):
    """Who can mend a refusal (DESIGN section 6)."""

    PERMANENT = "permanent"
    PAYEE = "payee_fixable"
    PAYER = "payer_fixable"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Result:
    """What the rail said about one order. `message` is a sentence for people, `cure` what they can do."""

    key: str
    outcome: Outcome
    reference: str = ""
    code: str = ""
    message: str = ""
    cure: str = ""
    blame: Blame | None = None


@dataclass(frozen=True, slots=True)
class RailEvent:
    """News from the rail about one instruction; `event_id` is unique at the rail."""

    event_id: str
    result: Result
    evidence: Mapping[str, str] = field(default_factory=dict)


class RailError(Exception):
    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class RailRejected(RailError):
    """Final: nothing was or will be paid for these orders."""


class RailUnavailable(RailError):
    """Unknown: it may have been paid. Look it up; never send again under a new key."""


class BadSignature(RailError):
    """The event was not made by the rail."""


class Rail(Protocol):
    """`exports`: the rail pays through a file a person uploads or a paper a person mails, not through a call."""

    name: str
    label: str
    currencies: frozenset[str]  # empty: every currency
    fields: tuple[Field, ...]
    can_look_up: bool
    sandbox_only: bool
    exports: bool
    settles_in: str  # "1–2 business days": shown to payees
    settles_days: int
    chunk: int  # orders per call

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Clean the fields (spaces, case). Raises app.core.errors.Invalid naming each bad field."""
        ...

    def last4(self, destination: Mapping[str, str]) -> str:
        """What may be shown of the destination, e.g. the last four digits; "" where nothing is secret."""
        ...

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One result per order. Raises RailRejected (final, all of them) or RailUnavailable (unknown, all of them)."""
        ...

    def find(self, key: str) -> Result | None:
        """What became of an order; None when the rail never saw it. Raises RailUnavailable."""
        ...

    def parse_event(self, headers: Mapping[str, str], body: bytes) -> list[RailEvent]:
        """Verify and read one delivery. Raises BadSignature."""
        ...
