"""Which rails there are and which are offered. A new rail is one line here."""

from __future__ import annotations

from app.core.errors import Invalid
from app.rails.bank_file import BankFile
from app.rails.base import Rail
from app.rails.check import CheckRail
from app.rails.simulated import SimulatedRail

# In the order payees see them.
RAILS: dict[str, Rail] = {rail.name: rail for rail in (BankFile(), CheckRail(), SimulatedRail())}


def rail(name: str) -> Rail:
    """Raises app.core.errors.Invalid for a name no rail has."""
    try:
        return RAILS[name]
    except KeyError:
        raise Invalid(f"There is no payout method “{name}”.", fields={"rail": "Choose one of the list."}) from None


def available(mode: str, currency: str | None = None) -> list[Rail]:
    """The rails offered in `mode` (sandbox or live) for `currency`; None: for any currency."""
    return [
        candidate
        for candidate in RAILS.values()
        if (mode == "sandbox" or not candidate.sandbox_only)
        and (currency is None or not candidate.currencies or currency in candidate.currencies)
    ]
