"""What a rail pays at once: said before somebody asks for more, and kept before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.formats import format_money
from app.core.money import Money
from app.rails.base import Blame, Limits, Outcome, Rail, Result, SendOrder


def refusal(rail: Rail, amount: Money) -> str:
    """Why the rail does not pay this amount, as a sentence; "" when it does."""
    if rail.currencies and amount.currency not in rail.currencies:
        return f"{rail.label} does not pay in {amount.currency}."
    limits = rail.limits.get(amount.currency, Limits())
    if amount.minor < limits.least:
        return f"{rail.label} pays {_money(limits.least, amount)} or more."
    if limits.most is not None and amount.minor > limits.most:
        return f"{rail.label} pays at most {_money(limits.most, amount)} at once."
    if amount.minor % limits.step:
        return f"{rail.label} pays in steps of {_money(limits.step, amount)}."
    return ""


def _money(minor: int, like: Money) -> str:
    return format_money(Money(minor, like.currency))


def sort_out(rail: Rail, orders: Sequence[SendOrder]) -> tuple[list[SendOrder], list[Result]]:
    """The orders that may be sent, and the answers of those that the rail would not pay.

    What may have been sent before is asked about whatever the limits are by now.
    """
    fit: list[SendOrder] = []
    refused: list[Result] = []
    for order in orders:
        why = "" if order.again else refusal(rail, order.amount)
        if why:
            cure = "Ask for another amount, or choose another payout method."
            refused.append(Result(order.key, Outcome.FAILED, "", "limit", why, cure, Blame.PAYEE))
        else:
            fit.append(order)
    return fit, refused
