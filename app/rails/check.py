"""Check by post: we print it with a letter, a person signs and mails it, the bank statement says it was cashed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from app.core.countries import countries
from app.rails.base import (
    BadSignature,
    Blame,
    Defaults,
    Delivery,
    Field,
    Outcome,
    RailEvent,
    RailRejected,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.fields import read, refuse


class CheckStatus(StrEnum):
    """What can become of a numbered check. A number is used once, also when the paper is spoilt."""

    PRINTED = "printed"
    MAILED = "mailed"
    CLEARED = "cleared"
    VOID = "void"
    STOPPED = "stopped"


TRANSITIONS: dict[CheckStatus, frozenset[CheckStatus]] = {
    CheckStatus.PRINTED: frozenset({CheckStatus.MAILED, CheckStatus.VOID}),
    CheckStatus.MAILED: frozenset({CheckStatus.CLEARED, CheckStatus.VOID, CheckStatus.STOPPED}),
    CheckStatus.CLEARED: frozenset({CheckStatus.STOPPED}),  # the bank takes a forged or disputed one back
    CheckStatus.VOID: frozenset(),
    CheckStatus.STOPPED: frozenset(),
}
_SENTENCES: dict[CheckStatus, tuple[str, str, Blame | None]] = {
    CheckStatus.VOID: ("was made void.", "A new check will be sent once the address is right.", Blame.PAYEE),
    CheckStatus.STOPPED: ("was stopped at the bank.", "Do not cash it; a new one can be sent.", Blame.PAYER),
}


def settled_as(key: str, status: CheckStatus, number: str, *, was_cleared: bool = False) -> Result:
    """What a status means for the payout: cleared paid, void failed, stopped failed or, once cleared, returned."""
    if status is CheckStatus.CLEARED:
        return Result(key, Outcome.PAID, number)
    if status in (CheckStatus.PRINTED, CheckStatus.MAILED):
        return Result(key, Outcome.ACCEPTED, number)
    outcome = Outcome.RETURNED if status is CheckStatus.STOPPED and was_cleared else Outcome.FAILED
    what, cure, blame = _SENTENCES[status]
    return Result(key, outcome, number, f"check_{status.value}", f"Check {number} {what}", cure, blame)


def address_lines(destination: Mapping[str, str]) -> tuple[str, ...]:
    """The lines under the name, as a postman reads them; the country in words, in capitals."""
    region = " ".join(filter(None, (destination.get("region", ""), destination.get("postal_code", ""))))
    town = ", ".join(filter(None, (destination.get("city", ""), region)))
    country = countries().get(destination.get("country", ""), "").upper()
    return tuple(filter(None, (destination.get("address_1", ""), destination.get("address_2", ""), town, country)))


class CheckRail(Defaults):
    """The rail. `send` makes no call: a check is accepted when its run was released to be printed and mailed."""

    name = "check"
    label = "Check by post"
    currencies: frozenset[str] = frozenset({"USD", "CAD", "GBP", "INR", "EUR", "AUD", "KES"})
    fields: tuple[Field, ...] = (
        Field("payee_name", "Payee as printed on the check", r".{2,70}", "At most 70 characters.", autocomplete="name"),
        Field("address_1", "Address", r".{2,60}", "Street and number.", autocomplete="address-line1"),
        Field("address_2", "Address, second line", r".{0,60}", required=False, autocomplete="address-line2"),
        Field("city", "Town or city", r".{1,60}", autocomplete="address-level2"),
        Field("region", "State, county or region", r".{0,60}", required=False, autocomplete="address-level1"),
        Field("postal_code", "Postal code", r"[A-Za-z0-9 \-]{2,12}", required=False, autocomplete="postal-code"),
        Field("country", "Country", r"[A-Za-z]{2}", "Two letters, for example GB.", autocomplete="country"),
    )
    can_look_up = False
    exports = True
    settles_in = "7–10 business days"
    settles_days = 10
    chunk = 1_000

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Raises app.core.errors.Invalid naming each bad field."""
        values, wrong = read(self.fields, destination)
        if "country" in values:
            values["country"] = {"UK": "GB"}.get(values["country"].upper(), values["country"].upper())
            if values["country"] not in countries():
                wrong["country"] = f"{values['country']} is not a country code. Two letters, for example GB."
        if "postal_code" in values:
            values["postal_code"] = values["postal_code"].upper()
        _check_postal_code(values, wrong)
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        """Nothing here is secret enough to mask."""
        return ""

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """Accepted, under our own key, once the run is released. Raises RailRejected for what cannot be printed."""
        if any(order.amount.minor <= 0 for order in orders):
            raise RailRejected("A check has a positive amount.", "amount")
        if any(order.amount.currency not in self.currencies for order in orders):
            raise RailRejected("Checks are not drawn in this currency.", "currency_unsupported")
        return [Result(order.key, Outcome.ACCEPTED, reference=order.key) for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        """Raises RailUnavailable: only the bank statement knows."""
        raise RailUnavailable("A check cannot be asked. Look for it on the bank statement.", "no_look_up")

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Raises BadSignature: paper sends no events."""
        raise BadSignature("this rail has no events")


_POSTAL = {
    "US": (re.compile(r"\d{5}(-\d{4})?"), "A ZIP code has five digits, or nine with a dash."),
    "GB": (re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"), "A UK postcode looks like OX1 1BX."),
    "CA": (re.compile(r"[A-Z]\d[A-Z] ?\d[A-Z]\d"), "A Canadian postal code looks like K1A 0B1."),
    "IN": (re.compile(r"[1-9]\d{2} ?\d{3}"), "A PIN code has six digits."),
}


def _check_postal_code(values: Mapping[str, str], wrong: dict[str, str]) -> None:
    rule = _POSTAL.get(values.get("country", ""))
    if rule is not None and not rule[0].fullmatch(values.get("postal_code", "")):
        wrong.setdefault("postal_code", rule[1])
    if values.get("country") in ("US", "CA", "AU") and "region" not in values:
        wrong.setdefault("region", "Give the state or province.")
