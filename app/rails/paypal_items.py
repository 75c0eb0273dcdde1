"""PayPal's batches and items as results: what an item's status means for a payout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.core.money import Money
from app.rails.base import Outcome, RailUnavailable, Result
from app.rails.paypal_reasons import reason

UNCLAIMED_FOR = timedelta(days=30)
WALLETS = {"PAYPAL": "PayPal", "VENMO": "Venmo"}
_BATCH = "batch "
_OVER = frozenset({"SUCCESS", "DENIED", "CANCELED"})
_NOTHING_SENT = frozenset({"DENIED", "CANCELED"})
_OUTCOME = {
    "SUCCESS": Outcome.PAID,
    "PENDING": Outcome.ACCEPTED,
    "UNCLAIMED": Outcome.WAITING,
    "ONHOLD": Outcome.WAITING,
    "FAILED": Outcome.FAILED,
    "BLOCKED": Outcome.FAILED,
    "RETURNED": Outcome.RETURNED,
    "REFUNDED": Outcome.RETURNED,
    "REVERSED": Outcome.RETURNED,
}
# What is meant where PayPal names no error.
_USUALLY = {"RETURNED": "RECEIVER_UNREGISTERED", "REFUNDED": "RECEIVER_REFUSED"}
_BACK = {
    "RETURNED": "Nobody claimed it in {wallet}, or it was called back.",
    "REFUNDED": "It was sent back from the {wallet} account.",
    "REVERSED": "PayPal took it back out of the {wallet} account.",
    "BLOCKED": "PayPal blocked the payment.",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """`items` by our key, `names` what PayPal calls them. `whole`: it is over, and all its items are here."""

    id: str
    status: str
    items: Mapping[str, Result]
    whole: bool
    names: Mapping[str, str] = field(default_factory=dict)

    def result(self, key: str, wallet: str) -> Result:
        """What became of one order that was sent in this batch."""
        found = self.items.get(key)
        if found is None and not (self.whole or self.status in _NOTHING_SENT):
            return Result(key, Outcome.ACCEPTED, batch_reference(self.id))
        if self.status in _NOTHING_SENT and (found is None or found.outcome is Outcome.ACCEPTED):
            return failure(key, "BATCH_DENIED", wallet, batch_reference(self.id))
        return found or failure(key, "NOT_IN_BATCH", wallet, batch_reference(self.id))


def batch_reference(batch_id: str) -> str:
    """What an order is known by until its item is settled: PayPal names items only once it works on the batch."""
    return f"{_BATCH}{batch_id}"


def batch_id_of(reference: str) -> str:
    """ "" where the reference is that of an item."""
    return reference.removeprefix(_BATCH) if reference.startswith(_BATCH) else ""


def is_over(status: str) -> bool:
    """PayPal has gone through the whole batch."""
    return status in _OVER


def failure(key: str, code: str, wallet: str, reference: str = "") -> Result:
    why = reason(code, wallet)
    return Result(key, Outcome.FAILED, reference, code, why.message, why.cure, why.blame)


def read(item: Mapping[str, Any]) -> Result:
    """One item as PayPal shows it; its key is ours. Raises RailUnavailable when it makes no sense."""
    try:
        sent, status = item["payout_item"], str(item.get("transaction_status") or "PENDING")
        key, item_id = str(sent.get("sender_item_id") or ""), str(item["payout_item_id"])
        outcome = _OUTCOME[status]
        errors = item.get("errors") or {}
        code = str(errors.get("name") or "")
        wallet = WALLETS.get(str(sent.get("recipient_wallet") or ""), "PayPal")
        waiting_at = batch_reference(str(item["payout_batch_id"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise RailUnavailable("PayPal's answer makes no sense.", "unreadable") from error
    why = reason(code, wallet)
    if outcome is Outcome.ACCEPTED and not (code and why.blame is None):
        return Result(key, outcome, waiting_at)
    if outcome in (Outcome.ACCEPTED, Outcome.WAITING):
        message, cure = _waits(status, code, wallet, str(item.get("time_processed") or ""))
        return Result(key, Outcome.WAITING, waiting_at, code or status, message, cure)
    if outcome is Outcome.PAID:
        return Result(key, outcome, item_id, fee=_fee(item))
    if not code or why.blame is None:
        why = reason(_USUALLY.get(status, "RISK_DECLINE"), wallet)
    message = _BACK[status].format(wallet=wallet) if status in _BACK else why.message
    return Result(key, outcome, item_id, code or status, message, why.cure, why.blame)


def _fee(item: Mapping[str, Any]) -> Money | None:
    """What PayPal took for the item, on top of its amount. None where it does not say so in a way we understand."""
    said = item.get("payout_item_fee") or {}
    try:
        fee = Money.parse(str(said["value"]), str(said["currency"]))
    except (KeyError, TypeError, ValueError):
        return None
    return fee if fee.minor > 0 else None


def _waits(status: str, code: str, wallet: str, since: str) -> tuple[str, str]:
    """What the payee has to do, and by when."""
    why = reason(code or "REGULATORY_PENDING", wallet)
    if status != "UNCLAIMED":
        if why.blame is None:
            return why.message, why.cure
        return f"{wallet} holds the payment: {_lower(why.message)}", why.cure
    if why.blame is None:
        why = reason("RECEIVER_UNREGISTERED", wallet)
    until = _deadline(since)
    return f"Nobody has claimed it in {wallet} yet. {why.message}", f"{why.cure} After {until} it comes back to us."


def _deadline(since: str) -> str:
    try:
        day = datetime.fromisoformat(since) + UNCLAIMED_FOR
    except ValueError:
        return "30 days"
    return f"{day.day} {day:%B %Y}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
