"""What tax a document carries, whatever the country: lines, heads and totals. Rules of a country fill it in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.money import Money, exponent
from app.core.rates import share


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues. `region`: state code where the country has them. `undertaking`: exports without tax (India's LUT)."""

    country: str
    region: str = ""
    tax_id: str = ""
    undertaking: bool = False


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is billed. `tax_id`: empty when not registered. `special_zone`: an SEZ unit or developer in India."""

    country: str
    region: str = ""
    tax_id: str = ""
    special_zone: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One line before tax. `code`: the service's number in the country's list (SAC). `rate_bps`: basis points."""

    description: str
    net: Money
    rate_bps: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """One kind of tax on one line, or on a whole document."""

    name: str
    rate_bps: int
    amount: Money


@dataclass(frozen=True, slots=True)
class TaxedItem:
    """`category` of the list UNCL 5305: S standard, Z zero, E exempt, AE reverse charge, G export, O outside."""

    item: Item
    heads: tuple[Head, ...]
    category: str

    @property
    def net(self) -> Money:
        return self.item.net

    @property
    def tax(self) -> Money:
        return Money(sum(head.amount.minor for head in self.heads), self.net.currency)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A whole document. `place`: of supply, where the country asks for it. `note`: words the law wants on it.

    `rounding`: minor units, for one of several documents that are rounded together; None: it is rounded by itself.
    """

    items: tuple[TaxedItem, ...]
    place: str = ""
    round_to_unit: bool = False
    reverse_charge: bool = False
    note: str = ""
    rounding: int | None = None

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a document has lines")

    @property
    def currency(self) -> str:
        return self.items[0].net.currency

    @property
    def net(self) -> Money:
        return self._sum(item.net.minor for item in self.items)

    @property
    def tax(self) -> Money:
        return self._sum(item.tax.minor for item in self.items)

    @property
    def heads(self) -> tuple[Head, ...]:
        """Sums of the lines by head and rate, as they first appear."""
        sums: dict[tuple[str, int], int] = defaultdict(int)
        for item in self.items:
            for head in item.heads:
                sums[head.name, head.rate_bps] += head.amount.minor
        return tuple(Head(name, rate, Money(minor, self.currency)) for (name, rate), minor in sums.items())

    @property
    def round_off(self) -> Money:
        """What brings the total to whole units where the law rounds it, half-up; visible on the document."""
        if not self.round_to_unit:
            return Money(0, self.currency)
        if self.rounding is not None:
            return Money(self.rounding, self.currency)
        exact = self.net + self.tax
        return to_unit(exact) - exact

    @property
    def total(self) -> Money:
        return self._sum((self.net.minor, self.tax.minor, self.round_off.minor))

    def _sum(self, minors: Iterable[int]) -> Money:
        return Money(sum(minors), self.currency)


def to_unit(amount: Money) -> Money:
    """In whole units of its currency, half-up."""
    unit = 10 ** exponent(amount.currency)
    rest = amount.minor % unit
    return Money(amount.minor + (unit - rest if 2 * rest >= unit else -rest), amount.currency)


def of_rate(net: Money, rate_bps: int) -> Money:
    """`rate_bps` of an amount, half-up to the minor unit."""
    return Money(share(net.minor, rate_bps), net.currency)
