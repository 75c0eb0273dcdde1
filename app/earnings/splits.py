"""How the price of a booking is shared between the platform, an organization and consultants. Pure, in minor units.

The platform's and the organization's parts are rounded half-up; the consultant's is what is left, so that the three
are always the price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.core import rates as bps
from app.core.errors import Invalid
from app.core.money import Money, allocate
from app.core.rates import WHOLE_BPS


@dataclass(frozen=True, slots=True)
class Rates:
    """Basis points that add up to the whole. `rule` and `version` name where they come from.

    `override`: the consultant's share was agreed with this one consultant. Raises ValueError for rates that do not add
    up.
    """

    platform_bps: int
    organization_bps: int
    consultant_bps: int
    rule: str
    version: int
    override: bool = False

    def __post_init__(self) -> None:
        parts = (self.platform_bps, self.organization_bps, self.consultant_bps)
        if min(parts) < 0 or sum(parts) != WHOLE_BPS:
            raise ValueError("rates are not negative and add up to 10,000 basis points")


ADVISOR = Rates(3_000, 0, 7_000, "advisor", 1)
CONSULTANT = Rates(2_000, 0, 8_000, "consultant", 1)
PROVIDER = Rates(
    1_000, 500, 8_500, "provider", 0
)  # version 0: the default, until the organization has rates of its own


@dataclass(frozen=True, slots=True)
class Split:
    """Three parts of one price, none below zero."""

    platform: Money
    organization: Money
    consultant: Money


def split(list_price: Money, rates: Rates) -> Split:
    """Share a price. Raises ValueError for one below zero."""
    if list_price.minor < 0:
        raise ValueError("a price is not below zero")
    platform = bps.share(list_price.minor, rates.platform_bps)
    # Both rounded up, the two could be one unit more than the price where the consultant has no share.
    organization = min(bps.share(list_price.minor, rates.organization_bps), list_price.minor - platform)
    return Split(
        Money(platform, list_price.currency),
        Money(organization, list_price.currency),
        Money(list_price.minor - platform - organization, list_price.currency),
    )


def with_override(rates: Rates, consultant_bps: int) -> Rates:
    """Another share for the consultant, at the cost or to the gain of the organization; the platform's stays.

    Raises Invalid below zero and beyond what the platform leaves.
    """
    most = WHOLE_BPS - rates.platform_bps
    if not 0 <= consultant_bps <= most:
        sentence = f"The consultant’s share lies between 0 % and {percent(most)}: the platform keeps the rest."
        raise Invalid(sentence, fields={"consultant_bps": sentence})
    return replace(rates, organization_bps=most - consultant_bps, consultant_bps=consultant_bps, override=True)


def by_weight(amount: Money, weights: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, Money]]:
    """Share an amount among collaborators by the largest remainder; the parts always add up to it.

    Raises ValueError for no, negative or all-zero weights.
    """
    parts = allocate(amount.minor, [weight for _, weight in weights])
    return [(payee_id, Money(part, amount.currency)) for (payee_id, _), part in zip(weights, parts, strict=True)]


def taken_back(
    amount_minor: int, *, paid_left: int, promotion_left: int, parts_left: Sequence[int]
) -> tuple[int, list[int]]:
    """What each party gives back when `amount_minor` of the `paid_left` goes back to the client: (promotion, parts).

    The promotion shrinks in proportion; the parts give the sum of both, by the largest remainder of what each has left.
    None gives more than it has left, and the last return takes all of it. `parts_left` add up to paid and promotion.
    Raises ValueError for more than is left.
    """
    if not 0 <= amount_minor <= paid_left or sum(parts_left) != paid_left + promotion_left:
        raise ValueError("more goes back than is left, or the parts are not the whole")
    if amount_minor == paid_left:
        return promotion_left, list(parts_left)
    promotion = (2 * promotion_left * amount_minor + paid_left) // (2 * paid_left)
    return promotion, allocate(amount_minor + promotion, parts_left)


def percent(value: int) -> str:
    """Basis points as people say them: 8500 is "85 %"."""
    whole, rest = divmod(value, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"
