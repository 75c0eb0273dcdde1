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
    `client_secret`: what the client's browser confirms it with. `keeps`: the card that pays is kept there. `attempt`:
    the last one of ours to charge a kept card for it.
    """

    reference: str
    status: IntentStatus
    amount: Money | None
    client_secret: str = ""
    message: str = ""
    keeps: bool = False
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class CardReference:
    """A card that is kept, by the provider's references, which are no secrets."""

    customer: str
    reference: str


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be shown of a card that is kept."""

    customer: str
    reference: str
    brand: str
    last_four: str
    expiry_month: int
    expiry_year: int


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
    """Something changed at the provider: what it is now is asked there, as news come late and in any order.

    `kind` None: nothing follows from it, and `ignored` says why; it is kept for people to look at.
    """

    event_id: str
    kind: NewsKind | None
    reference: str = ""
    ignored: str = ""


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

    def create_intent(self, key: str, amount: Money, metadata: Mapping[str, str], keep_for: str = "") -> Intent:
        """Begin a payment, captured as soon as the client confirms it. The same key makes it once. `keep_for`: the
        customer its card is kept for. Raises Refused."""
        ...

    def create_customer(self, key: str, name: str) -> str:
        """Whom cards are kept for, once for each key. Raises Refused."""
        ...

    def keep(self, reference: str, customer: str, wanted: bool) -> Intent:
        """Whether the card that pays is kept, of a payment that was begun without saying so. Raises Refused."""
        ...

    def charge_kept(
        self, key: str, attempt: int, amount: Money, metadata: Mapping[str, str], card: CardReference,
        known: Intent | None,
    ) -> Intent:  # fmt: skip
        """Charge a kept card while nobody is there, by the payment that is known or a new one. The same key and attempt
        do it once. FAILED with the sentence when the card is declined or its bank asks for the owner. Raises Refused.
        """
        ...

    def facts(self, reference: str) -> CardFacts | None:
        """The card that paid, and was kept; None: it was none, or is not kept. Raises Refused."""
        ...

    def forget(self, card: CardReference) -> None:
        """Nothing can be charged with it any more. Twice is once. Raises Refused."""
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
        """Verify and read one delivery, also of what does not concern us. Raises BadSignature."""
        ...
