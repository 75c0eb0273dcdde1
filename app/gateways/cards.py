"""What every provider of card payments is: values in, values out. It never sees rows, requests or sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.core.money import Money


class IntentStatus(StrEnum):
    """WAITING: for the client's card or their bank's question; a refused card leaves it waiting, too."""

    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment as the provider knows it. `amount` None: the provider keeps none, it is what was asked for.
    `client_secret`: what the client's browser confirms it with.
    """

    reference: str
    status: IntentStatus
    amount: Money | None
    client_secret: str = ""
    message: str = ""


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refund:
    """`key` is ours when we asked for it, "" when somebody refunded at the provider itself. `fee_back`: what the
    provider gives back of its fee, which is mostly nothing.
    """

    reference: str
    status: RefundStatus
    amount: Money
    intent_reference: str
    key: str = ""
    message: str = ""
    fee_back: Money | None = None


class DisputeStatus(StrEnum):
    """INQUIRY: the bank asks a question and takes nothing."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Dispute:
    reference: str
    status: DisputeStatus
    amount: Money
    intent_reference: str
    reason: str = ""


class NewsKind(StrEnum):
    INTENT = "intent"
    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class News:
    """Something changed at the provider: what it is now is asked there, as news come late and in any order."""

    event_id: str
    kind: NewsKind
    reference: str


class CardError(Exception):
    """The message is a sentence for people and quotes nothing that was sent."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Refused(CardError):
    """Final: nothing was or will be done by this call."""


class Unanswered(CardError):
    """Unknown: it may have been done. Look it up; never ask again under a new key."""


class BadSignature(CardError):
    """The news was not made by the provider, or long ago."""


class Cards(Protocol):
    """Amounts are in minor units of ours; a provider that counts otherwise converts. All raise Unanswered."""

    name: str

    def create_intent(self, key: str, amount: Money, metadata: Mapping[str, str]) -> Intent:
        """Begin a payment, captured as soon as the client confirms it. The same key makes it once. Raises Refused."""
        ...

    def find(self, key: str, reference: str | None) -> Intent | None:
        """What became of a payment, by its reference or, where that never arrived, by our key; None: never seen."""
        ...

    def cancel(self, reference: str) -> Intent:
        """Nobody can pay this any more; one that was paid in between is given back as it is. Raises Refused."""
        ...

    def fee(self, reference: str, amount: Money) -> Money | None:
        """What the provider keeps of a paid charge, in the currency it says; None: not known yet. Raises Refused."""
        ...

    def refund(self, key: str, reference: str, amount: Money) -> Refund:
        """Send (part of) a payment back. The same key does it once. Raises Refused."""
        ...

    def find_refund(self, key: str, intent_reference: str, reference: str | None) -> Refund | None:
        """What became of a refund; None: never seen."""
        ...

    def refund_of(self, reference: str) -> Refund:
        """A refund somebody tells of, by the provider's own reference. Raises Refused."""
        ...

    def dispute(self, reference: str) -> Dispute:
        """How a dispute stands. Raises Refused."""
        ...

    def parse_event(self, headers: Mapping[str, str], body: bytes) -> list[News]:
        """Verify and read one delivery; nothing for what does not concern us. Raises BadSignature."""
        ...
