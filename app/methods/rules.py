"""Decisions about payout methods: pure, no session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.errors import Invalid
from app.methods.states import Proof
from app.rails.base import Field, Rail
from app.rails.registry import available
from app.rails.simulated import sandbox_destination

COOL_OFF = timedelta(hours=72)
WARN_FORMER = timedelta(days=30)  # how long an address of before is told of changed methods
ASSIGNABLE = frozenset({"simulated", "check"})  # rails whose destination may follow from what is known of a payee


class Blocked(StrEnum):
    """Why there is no method to pay by."""

    NO_METHOD = "no_method"
    COOLING_OFF = "cooling_off"
    RAIL = "rail"
    PROVIDER = "provider"


BLOCKED_TEXT: dict[Blocked, str] = {
    Blocked.NO_METHOD: "No payout method for this currency yet.",
    Blocked.COOLING_OFF: "The payout method was changed lately and cannot be used yet.",
    Blocked.RAIL: "The payout method does not take this currency.",
    Blocked.PROVIDER: "The payout method cannot be paid now: its provider waits for something from you.",
}


def usable_from(now: datetime, *, by_payee: bool, had_method: bool) -> datetime:
    """A payee who changes where they are paid waits 72 hours: time to notice a stranger's change.

    `had_method`: also one removed since; removing the old one first makes the new one no first one.
    """
    return now + COOL_OFF if by_payee and had_method else now


def proof(last_paid_at: datetime | None, last_failed_at: datetime | None) -> Proof:
    """What the payouts sent to a destination say of it; the last one counts."""
    if last_failed_at is not None and (last_paid_at is None or last_failed_at > last_paid_at):
        return Proof.DOUBTFUL
    return Proof.UNPROVEN if last_paid_at is None else Proof.PROVEN


def own_addresses(fields: tuple[Field, ...], destination: Mapping[str, str]) -> list[str]:
    """E-mail addresses that are the destination itself, as with rails that pay to an address."""
    return [destination[f.name] for f in fields if f.autocomplete == "email" and destination.get(f.name)]


def index_text(rail: str, fields: tuple[Field, ...], destination: Mapping[str, str]) -> str:
    """What makes two destinations the same: everything but the name they are in."""
    same = {
        field.name: destination[field.name].casefold()
        for field in fields
        if field.name in destination and not field.autocomplete.endswith("name")
    }
    return json.dumps([rail, same], sort_keys=True)


def offered(rail: str, currency: str | None) -> Rail:
    """The rail by name. Raises Invalid where it is not offered in this deployment for `currency`."""
    for candidate in available(currency):
        if candidate.name == rail:
            return candidate
    wrong = "This way of being paid is not offered" + (f" in {currency}." if currency else " here.")
    raise Invalid(wrong, fields={"rail": "Choose another payout method."})


def refuse_typed(rail: Rail) -> None:
    """Raises Invalid for a rail whose destination nobody types: an account of somebody else's could be."""
    if rail.connects:
        raise Invalid(
            f"A {rail.label} account is connected by the payee, in their portal: its number is not typed.",
            fields={"rail": "Connect it under payout methods."},
        )


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
