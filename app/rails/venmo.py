"""Venmo: PayPal Payouts with another wallet. Same account, same calls, same webhook; US payees, US dollars."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.rails.base import Field, Limits
from app.rails.fields import read, refuse
from app.rails.paypal import EMAIL, PayPalRail

_MOBILE = re.compile(r"(?:\+?1)?([2-9]\d{2}[2-9]\d{6})")
_HANDLE = re.compile(r"@?([A-Za-z0-9_\-]{5,30})")


class VenmoRail(PayPalRail):
    name = "venmo"
    label = "Venmo"
    wallet = "VENMO"
    currencies = frozenset({"USD"})
    limits: Mapping[str, Limits] = {}
    balance = "Venmo balance"
    fields: tuple[Field, ...] = (
        Field(
            "venmo",
            "Venmo handle, US mobile number or e-mail address",
            r".{3,127}",
            "E.g. @jo-example, (415) 555-0123 or the e-mail address of your Venmo account.",
            secret=True,
        ),
    )

    @property
    def countries(self) -> frozenset[str]:
        return frozenset({"US"})

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """A handle is kept with its @, a mobile number as +1 and ten digits. Raises app.core.errors.Invalid."""
        values, wrong = read(self.fields, destination)
        if "venmo" in values:
            found = _told(values["venmo"])
            if found:
                values["venmo"] = found
            else:
                wrong["venmo"] = (
                    "Give a Venmo handle (5 to 30 letters, digits, - and _), a US mobile number of ten digits, "
                    "or an e-mail address."
                )
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        given = destination.get("venmo", "")
        return (given.partition("@")[0] or given)[-4:]

    def receiver(self, destination: Mapping[str, str]) -> tuple[str, str]:
        given = destination["venmo"]
        if given.startswith("@"):
            return "USER_HANDLE", given.removeprefix("@")
        return ("EMAIL", given) if "@" in given else ("PHONE", given.removeprefix("+1"))


def _told(text: str) -> str:
    """ "" for what is neither of the three."""
    digits = re.sub(r"[\s().\-]", "", text)
    mobile = _MOBILE.fullmatch(digits)
    if mobile:
        return f"+1{mobile[1]}"
    if re.fullmatch(EMAIL, text):
        return text.lower() if len(text) <= 127 and text.isascii() else ""
    handle = _HANDLE.fullmatch(text)
    return f"@{handle[1]}" if handle and not digits.lstrip("+").isdigit() else ""
