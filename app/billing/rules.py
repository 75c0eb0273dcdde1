"""What packs cost, what one credit of them is worth, and how long they last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.core.money import MAX_MINOR, Money, allocate


@dataclass(frozen=True, slots=True)
class Size:
    """How many credits, and how much less than the list price they cost, in basis points."""

    credits: int
    discount_bps: int


SIZES = (Size(5, 0), Size(10, 500), Size(25, 1_000))  # the platform's volume prices
VALID_DAYS = 365
GRACE_DAYS = 30  # for a credit that comes back after its pack has expired
WARN_DAYS = 7


@dataclass(frozen=True, slots=True)
class Sold:
    """What credits can be bought for: an offering as it costs now, and what people call it."""

    offering_id: UUID
    title: str
    price: Money


def size_of(number: int) -> Size:
    """Raises Invalid beside `credits` for a number that is not on the list."""
    found = next((size for size in SIZES if size.credits == number), None)
    if found is None:
        sentence = f"Packs have {', '.join(str(size.credits) for size in SIZES)} credits."
        raise Invalid(sentence, fields={"credits": sentence})
    return found


def price_of(one: Money, size: Size) -> Money:
    """What a pack costs, half-up. Raises Invalid where it has no price to divide."""
    minor = (one.minor * size.credits * (10_000 - size.discount_bps) * 2 + 10_000) // 20_000
    if not size.credits <= minor <= MAX_MINOR:
        raise Invalid("There are no packs at this price.", fields={"offering": "Choose something else."})
    return Money(minor, one.currency)


def value_of(price: Money, credits: int, ordinal: int) -> Money:
    """What the `ordinal`-th credit (from 1) of a pack is worth: the price by largest remainder, first ones first."""
    return Money(allocate(price.minor, [1] * credits)[ordinal - 1], price.currency)


def last_day(bought_on: date) -> date:
    return bought_on + timedelta(days=VALID_DAYS)


def worth_withdrawing(values: dict[int, int], amount_minor: int) -> list[int]:
    """Which credits to take out for money that went back: the cheapest that together are worth no more than it.

    `values`: what each credit that is left is worth, by its number.
    """
    taken: list[int] = []
    for ordinal, minor in sorted(values.items(), key=lambda one: (one[1], -one[0])):
        if minor > amount_minor:
            break
        amount_minor -= minor
        taken.append(ordinal)
    return taken
