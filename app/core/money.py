"""Money in integer minor units of one currency. It adds only to its own currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import total_ordering

# ISO 4217: currencies whose exponent is not 2. https://www.iso.org/iso-4217-currency-codes.html
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
CURRENCIES = frozenset(
    """AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR ISK
    JOD JPY KES KRW KWD LKR MAD MXN MYR NGN NOK NPR NZD OMR PEN PHP PKR PLN QAR RON RWF SAR SEK SGD
    THB TND TRY TWD TZS UAH UGX USD UYU VND XAF XOF ZAR ZMW""".split()
)
MAX_MINOR = 10**15  # far above any real bill, far below bigint


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum."""


def exponent(currency: str) -> int:
    """Decimal places of a currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents, pence, shillings/100) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("Money holds whole minor units")
        if self.currency not in CURRENCIES:
            raise ValueError(f"{self.currency!r} is not a currency Quittance knows")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a plain decimal of major units, e.g. "1234.50".

        Raises ValueError for anything else, for more decimals than the currency has, and beyond `MAX_MINOR`.
        """
        try:
            value = Decimal(text.strip())
        except InvalidOperation:
            raise ValueError(f"{text!r} is not an amount") from None
        if not value.is_finite():
            raise ValueError(f"{text!r} is not an amount")
        scaled = value.scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{currency} has {exponent(currency)} decimal places")
        if abs(scaled) > MAX_MINOR:
            raise ValueError("the amount is too large")
        return cls(int(scaled), currency)

    @property
    def major(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def plain(self) -> str:
        """ "1234.50": for files and inputs, never grouped."""
        return f"{self.major:.{exponent(self.currency)}f}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __composite_values__(self) -> tuple[int, str]:
        return self.minor, self.currency


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split by weight with the largest-remainder method; the parts always add to `total_minor`.

    Ties go to the earlier part. Raises ValueError for no, negative or all-zero weights.
    """
    whole = sum(weights)
    if not weights or whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    sign = -1 if total_minor < 0 else 1
    floors = [divmod(abs(total_minor) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in floors]
    missing = abs(total_minor) - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: (-floors[i][1], i))[:missing]:
        parts[index] += 1
    return [sign * part for part in parts]
