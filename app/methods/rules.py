"""Decisions about payout methods: pure, no session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.errors import Invalid
from app.rails.base import Field, Rail
from app.rails.registry import available
from app.rails.simulated import sandbox_destination

COOL_OFF = timedelta(hours=72)
ASSIGNABLE = frozenset({"simulated", "check"})  # rails whose destination may follow from what is known of a payee


class Blocked(StrEnum):
    """Why there is no method to pay by."""

    NO_METHOD = "no_method"
    COOLING_OFF = "cooling_off"
    RAIL = "rail"


BLOCKED_TEXT: dict[Blocked, str] = {
    Blocked.NO_METHOD: "No payout method for this currency yet.",
    Blocked.COOLING_OFF: "The payout method was changed lately and cannot be used yet.",
    Blocked.RAIL: "The payout method does not take this currency.",
}


def usable_from(now: datetime, *, by_payee: bool, has_method: bool) -> datetime:
    """A payee who changes an existing method waits 72 hours: time to notice a stranger's change."""
    return now + COOL_OFF if by_payee and has_method else now


def index_text(rail: str, fields: tuple[Field, ...], destination: Mapping[str, str]) -> str:
    """What makes two destinations the same: everything but the name they are in."""
    same = {
        field.name: destination[field.name].casefold()
        for field in fields
        if field.name in destination and not field.autocomplete.endswith("name")
    }
    return json.dumps([rail, same], sort_keys=True)


def offered(rail: str, mode: str, currency: str | None) -> Rail:
    """The rail by name. Raises Invalid where it is not offered in `mode` (sandbox or live) for `currency`."""
    for candidate in available(mode, currency):
        if candidate.name == rail:
            return candidate
    wrong = "This way of being paid is not offered" + (f" in {currency}." if currency else " here.")
    raise Invalid(wrong, fields={"rail": "Choose another payout method."})


def known_destination(
    rail: Rail, *, name: str, seed: str, country: str | None, address: Mapping[str, str] | None
) -> dict[str, str]:
    """The destination that follows from what is known of a payee, for assigning a method to many at once.

    `seed` steers the simulated account number. Raises Invalid naming what is missing.
    """
    if rail.name not in ASSIGNABLE:
        raise Invalid(
            f"{rail.label} needs details from each payee: give them as a CSV file.",
            fields={"rail": "Choose a method that needs no details."},
        )
    if rail.name == "simulated":
        return rail.validate(sandbox_destination(name, seed))
    if not address:
        raise Invalid("No postal address is known.", fields={"address_1": "Give the address."})
    return rail.validate({"payee_name": name[:70], "country": country or "", **address})
