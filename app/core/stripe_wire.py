"""What money in and money out through Stripe have in common: where it is, the version, and amounts as it writes them.

docs.stripe.com/api and docs.stripe.com/currencies.
"""

from __future__ import annotations

from app.core.money import CURRENCIES, Money, exponent

VERSION = "2026-10-28.endive"
URL = "https://api.stripe.com"
SIGNATURE = "Stripe-Signature"
_TIMES_100 = frozenset({"ISK", "UGX"})  # without decimals everywhere else; Stripe takes them with two
_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})  # three decimals, the last one zero


def headers(secret_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret_key}", "Stripe-Version": VERSION}


def live(secret_key: str) -> bool:
    return secret_key.startswith(("sk_live_", "rk_live_"))


def outward(amount: Money) -> int:
    """Stripe's minor units. Raises ValueError for an amount it cannot take."""
    if amount.currency in _TIMES_100:
        return amount.minor * 100
    if amount.currency in _TENS and amount.minor % 10:
        raise ValueError(f"{amount.currency} goes in steps of {Money(10, amount.currency).plain()}.")
    return amount.minor


def inward(minor: int, currency: str) -> Money:
    """Of Stripe's minor units and its lower-case code. Raises ValueError for a currency we do not know."""
    code = currency.upper()
    if code not in CURRENCIES:
        raise ValueError("A currency we do not know.")
    return Money(minor // 100 if code in _TIMES_100 and exponent(code) == 0 else minor, code)
