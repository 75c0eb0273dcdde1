"""Which rails there are and which are offered. A new rail is one line here."""

from __future__ import annotations

from app.core.errors import Invalid
from app.rails.access import Mode, standing
from app.rails.bank_file import BankFile
from app.rails.base import Rail
from app.rails.check import CheckRail
from app.rails.mpesa import Mpesa
from app.rails.paypal import PayPalRail
from app.rails.razorpayx import RazorpayX
from app.rails.simulated import SimulatedRail
from app.rails.stripe_connect import StripeConnect
from app.rails.venmo import VenmoRail

# In the order payees see them.
RAILS: dict[str, Rail] = {
    rail.name: rail
    for rail in (
        StripeConnect(),
        PayPalRail(),
        VenmoRail(),
        Mpesa(),
        RazorpayX(),
        BankFile(),
        CheckRail(),
        SimulatedRail(),
    )
}


def rail(name: str) -> Rail:
    """Raises app.core.errors.Invalid for a name no rail has."""
    try:
        return RAILS[name]
    except KeyError:
        raise Invalid(f"There is no payout method “{name}”.", fields={"rail": "Choose one of the list."}) from None


def listening(hook: str) -> Rail | None:
    """The rail whose webhook has this name and may call us in this deployment."""
    for candidate in RAILS.values():
        if (candidate.hook or candidate.name) == hook and not candidate.exports:
            return None if standing(candidate).mode is Mode.OFF else candidate
    return None


def available(currency: str | None = None, country: str | None = None) -> list[Rail]:
    """The rails that work in this deployment and pay `currency` in `country`; None: any."""
    return [
        candidate
        for candidate in RAILS.values()
        if standing(candidate).mode is not Mode.OFF
        and (currency is None or not candidate.currencies or currency in candidate.currencies)
        and (country is None or not candidate.countries or country in candidate.countries)
    ]


def typed(country: str | None = None) -> list[Rail]:
    """The rails that work here, pay in `country` (None: any), and whose destination people may type for themselves or
    others."""
    return [candidate for candidate in available(country=country) if not candidate.connects]
