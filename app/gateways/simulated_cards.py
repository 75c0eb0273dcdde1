"""The test cards of sandbox mode: no network, and nothing kept. What becomes of a payment is told by its key, which
names the card (`<charge>.<try>.<card>`).
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.money import Money
from app.core.rates import share
from app.gateways.cards import (
    BadSignature,
    CardFacts,
    CardReference,
    Dispute,
    Intent,
    IntentStatus,
    News,
    Refund,
    RefundStatus,
    Refused,
    Unanswered,
)

SUCCESS, DECLINED, UNKNOWN, ASKS, LATER = "success", "declined", "unknown", "asks", "later"
KEPT = "kept-"  # before the name of a card that is charged while nobody is there
CARDS = {
    SUCCESS: ("4242 4242 4242 4242", "Is paid at once"),
    DECLINED: ("4000 0000 0000 0002", "Is declined"),
    UNKNOWN: ("4000 0000 0000 0259", "Is paid, but the answer is lost at first"),
    ASKS: ("4000 0025 0000 3155", "Is paid; kept, its bank asks for you the next time"),
    LATER: ("4000 0000 0000 0341", "Is paid; kept, it is declined the next time"),
}
FEE_BPS, FEE_MINOR = 290, 30  # 2.9 % and 30 of the smallest unit, as cards cost in the real world
DECLINED_TEXT = "The card was declined. Try another one."
ASKS_TEXT = "The card’s bank wants to ask you about this payment. Give the card once more, and answer there."
EXPIRES = (12, 2034)


def card_named(number: str) -> str | None:
    """The name of a test card by its number, spaces or none; None for any other number."""
    digits = "".join(number.split())
    return next((name for name, (known, _) in CARDS.items() if known.replace(" ", "") == digits), None)


class SimulatedCards:
    name = "simulated"

    def create_intent(self, key: str, amount: Money, metadata: Mapping[str, str], keep_for: str = "") -> Intent:
        if _card(key) == UNKNOWN:
            raise Unanswered("The test card was charged, and the answer was lost.", "simulated")
        return self._intent(key, amount)

    def create_customer(self, key: str, name: str) -> str:
        return f"sim_cus_{key}"

    def keep(self, reference: str, customer: str, wanted: bool) -> Intent:
        raise Refused("A test card is charged at once or never.")

    def charge_kept(
        self, key: str, attempt: int, amount: Money, metadata: Mapping[str, str], card: CardReference,
        known: Intent | None,
    ) -> Intent:  # fmt: skip
        return self._intent(key, amount)

    def facts(self, reference: str) -> CardFacts | None:
        name = reference.rpartition("_")[2]
        if name not in CARDS:
            return None
        return CardFacts("sim_cus", f"sim_pm_{reference[7:]}", "visa", CARDS[name][0][-4:], *EXPIRES)

    def forget(self, card: CardReference) -> None:
        """Nothing is kept."""

    def find(self, key: str, reference: str | None) -> Intent | None:
        return None if _card(key) is None else self._intent(key, None)

    def cancel(self, reference: str) -> Intent:
        raise Refused("A test card is charged at once or never.")

    def fee(self, reference: str, amount: Money) -> Money | None:
        return Money(share(amount.minor, FEE_BPS) + FEE_MINOR, amount.currency)

    def refund(self, key: str, reference: str, amount: Money) -> Refund:
        return Refund(f"sim_re_{key}", RefundStatus.SUCCEEDED, amount, reference, key)

    def find_refund(self, key: str, intent_reference: str, reference: str | None) -> Refund | None:
        return None  # asking again under the same key gives the same refund

    def refund_of(self, reference: str) -> Refund:
        raise Refused("Test cards tell no news.")

    def dispute(self, reference: str) -> Dispute:
        raise Refused("Test cards tell no news.")

    def parse_event(self, headers: Mapping[str, str], body: bytes) -> list[News]:
        raise BadSignature("Test cards tell no news.")

    def _intent(self, key: str, amount: Money | None) -> Intent:
        reference = f"sim_pi_{key.replace('.', '_')}"
        card = _card(key)
        if card == f"{KEPT}{ASKS}":
            return Intent(reference, IntentStatus.FAILED, amount, message=ASKS_TEXT)
        if card in (DECLINED, f"{KEPT}{DECLINED}", f"{KEPT}{LATER}"):
            return Intent(reference, IntentStatus.FAILED, amount, message=DECLINED_TEXT)
        return Intent(reference, IntentStatus.SUCCEEDED, amount)


def _card(key: str) -> str | None:
    parts = key.split(".")
    return parts[2] if len(parts) == 3 and parts[2].removeprefix(KEPT) in CARDS else None
