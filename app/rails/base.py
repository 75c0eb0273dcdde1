"""What every rail is: values in, values out. A rail never sees rows, requests or sessions. DESIGN section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a payee tells us to be paid this way. `pattern` is a full-match regular expression.

    `choices`: value and label of each, where it is one of a few. `only`: the choice this field goes with.
    """

    name: str
    label: str
    pattern: str
    hint: str = ""
    secret: bool = False
    required: bool = True
    autocomplete: str = "off"
    choices: tuple[tuple[str, str], ...] = ()
    only: str = ""


@dataclass(frozen=True, slots=True)
class SendOrder:
    """One payment instruction. `key` is what the rail dedupes on; `destination` the opened method fields.

    `call`: the key of the call it goes out with, for rails that dedupe whole calls. Made again, a call has it again.
    `again`: it may have been sent before, so that a refusal of this call says nothing about the first one.
    """

    key: str
    payout_id: UUID
    amount: Money
    payee_name: str
    destination: Mapping[str, str] = field(repr=False)
    reference: str
    call: str = ""
    again: bool = field(default=False, compare=False)


class Outcome(StrEnum):
    """WAITING: taken, and the payee has something to do (`message`, `cure`). ASKED: the rail will tell by an event."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    ASKED = "asked"
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
    """What the rail said about one order. `message` is a sentence for people, `cure` what they can do.

    `fee`: what it took from our account beside the amount, as far as it says; above zero.
    """

    key: str
    outcome: Outcome
    reference: str = ""
    code: str = ""
    message: str = ""
    cure: str = ""
    blame: Blame | None = None
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a rail to our webhook. `path`: what follows the rail's name; `address`: where it came from."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    path: str = ""
    address: str = ""

    def header(self, name: str) -> str:
        """Whatever its case; "" where it is missing."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class RailEvent:
    """News from the rail; `event_id` is unique at the rail.

    `result` None: about no instruction; `about` then says what of, e.g. "account", and `evidence` which. With
    `look_up` the event only wakes us: what became of the instruction is asked at the rail before anything moves.
    """

    event_id: str
    result: Result | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    look_up: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payout may be, in minor units of one currency. `step`: amounts are multiples of it."""

    least: int = 1
    most: int | None = None
    step: int = 1


class RailError(Exception):
    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class RailRejected(RailError):
    """Final: nothing was or will be paid for these orders."""


class RailUnavailable(RailError):
    """Unknown: it may have been paid. Look it up; never send again under a new key."""


class Untold(RailError):
    """The provider does not let us read it; `message` says what to switch on there."""


class BadSignature(RailError):
    """The event was not made by the rail."""


@dataclass(frozen=True, slots=True)
class Need:
    """A setting a provider cannot be reached without; the patterns (full match) tell live values from test ones."""

    name: str
    live: str = r".+"
    sandbox: str = r".+"


class Defaults:
    """What most rails have in common; a rail overrides what is different with it."""

    currencies: frozenset[str] = frozenset()
    limits: Mapping[str, Limits] = {}
    can_look_up = True
    sandbox_only = False
    exports = False
    needs: tuple[Need, ...] = ()
    hosts: Mapping[str, str] = {}
    balance = ""
    hook = ""
    provider = ""
    keys_kept: timedelta | None = None
    connects = False
    tells_late: timedelta = timedelta(0)

    @property
    def countries(self) -> frozenset[str]:
        return frozenset()


class Rail(Protocol):
    """`exports`: the rail pays through a file a person uploads or a paper a person mails, not through a call.

    `needs`: the settings a real provider cannot be reached without (`app.rails.access`); none for a rail that
    calls nobody. `hosts`: the provider's address in sandbox and in live mode. `balance`: where "paid" leaves the money,
    when that is not the payee's bank, e.g. "Stripe balance". `connects`: the destination is not typed, it comes from
    connecting an account at the provider (`app.methods.connect`). `provider`: the rail whose address, credentials and
    webhook it shares; "" for its own.
    """

    name: str
    label: str
    currencies: frozenset[str]  # empty: every currency
    limits: Mapping[str, Limits]  # by currency; none: any positive amount
    fields: tuple[Field, ...]
    can_look_up: bool
    sandbox_only: bool
    exports: bool
    needs: tuple[Need, ...]
    hosts: Mapping[str, str]
    balance: str
    keys_kept: timedelta | None  # how long it knows a key again; None: for good
    provider: str
    hook: str  # what its webhook is called in the address; "": as the rail
    settles_in: str  # "1–2 business days": shown to payees
    settles_days: int
    chunk: int  # orders per call
    connects: bool

    @property
    def countries(self) -> frozenset[str]:
        """Of payees, ISO 3166-1 alpha-2; empty: every country."""
        ...

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Clean the fields (spaces, case). Raises app.core.errors.Invalid naming each bad field."""
        ...

    def last4(self, destination: Mapping[str, str]) -> str:
        """What may be shown of the destination, e.g. the last four digits; "" where nothing is secret."""
        ...

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One result per order, of one currency and one call. Raises RailRejected (final, all of them) or
        RailUnavailable (unknown, all of them)."""
        ...

    def find(self, key: str, reference: str = "") -> Result | None:
        """What became of an order; `reference` is what the rail called it, if it told us.

        None: the rail never saw it, or sending the same call again under the same keys is how it is asked: it dedupes,
        and answers what it did the first time. ASKED: an event will tell. Raises RailUnavailable.
        """
        ...

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Verify and read one delivery. Raises BadSignature, RailUnavailable when it cannot be verified now."""
        ...


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved on our account at a provider; above zero came in. `key` is ours, "" where it names none."""

    key: str
    kind: str
    amount: Money
    at: datetime


@runtime_checkable
class TellsBalance(Protocol):
    """What a rail may offer beside `Rail`: the provider's own word on our account there, to be held against the
    books once a day. `tells_late`: so long ago it was so, as the provider's reports are behind.

    Of rails that share a provider only the one named as it is asked: it is one account.
    """

    tells_late: timedelta

    def balances(self) -> list[Money]:
        """What the provider holds for us, one for each currency. Raises RailUnavailable, Untold."""
        ...

    def activity(self, since: datetime) -> list[Movement]:
        """What moved since, oldest first. Raises RailUnavailable, Untold."""
        ...


BALANCE = "balance"  # what an event is `about` that tells what a provider holds: `evidence` has minor units by currency


@runtime_checkable
class AsksBalance(Protocol):
    """For a provider that does not answer but tells: an event about `BALANCE`, with the moment in `evidence["at"]`."""

    def ask_balance(self) -> None:
        """Have our webhook told what the provider holds for us. Raises RailUnavailable."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """What a rail may also do: give back what its payee has not claimed."""

    def cancel(self, key: str, reference: str) -> Result:
        """Call one order back; what became of it then. Raises RailUnavailable when that is not known."""
        ...


@runtime_checkable
class TakesBack(Protocol):
    """What a rail may also do: take back what it paid, as long as the payee's balance there covers it."""

    def take_back(self, key: str, reference: str, call: str = "") -> Result:
        """Take one payment back whole; `call` names the try, and the same one twice is once. Raises RailUnavailable
        when what became of it is not known, RailRejected when nothing moved."""
        ...
