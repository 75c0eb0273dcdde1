"""Rates are integer basis points: 10,000 is the whole."""

from __future__ import annotations

WHOLE_BPS = 10_000


def share(amount_minor: int, bps: int) -> int:
    """`bps` of an amount in minor units, rounded half away from zero (half-up on the size).

    Raises ValueError outside 0..10,000.
    """
    if not 0 <= bps <= WHOLE_BPS:
        raise ValueError("a rate lies between 0 and 10,000 basis points")
    sign = -1 if amount_minor < 0 else 1
    return sign * ((abs(amount_minor) * bps * 2 + WHOLE_BPS) // (2 * WHOLE_BPS))
