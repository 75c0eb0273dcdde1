"""What the address of a call asks for. Pages leave nonsense out; a program that narrows by what nobody understands is
told so, because a list of everything would be taken for the answer.

    asked = Asked()
    status, since = asked.word(OrderStatus, "status"), asked.day("start_date")
    asked.check()
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from flask import request
from flask_babel import gettext as _

from app.core.errors import Invalid
from portals.web.jsonio import camel

EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)  # beyond them the day after may be no day
Choice = TypeVar("Choice", bound=StrEnum)


class Asked:
    """Reads the parameters of this address, in camelCase or snake_case, and notes what is wrong with them."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def fault(self, name: str, said: str) -> None:
        self.faults.setdefault(name, said)

    def text(self, name: str, *, longest: int = 100) -> str:
        given = request.args.get(camel(name)) or request.args.get(name) or ""
        return given.replace("\0", "").strip()[:longest]

    def one_id(self, name: str) -> UUID | None:
        given = self.text(name)
        try:
            return UUID(given) if given else None
        except ValueError:
            self.fault(name, _("An id like 018f5e2e-…."))
            return None

    def day(self, name: str) -> date | None:
        given = self.text(name)
        try:
            found = date.fromisoformat(given) if given else None
        except ValueError:
            found = date.min
        if found is not None and not EARLIEST <= found <= LATEST:
            self.fault(name, _("A date like 2026-11-24."))
            return None
        return found

    def word(self, choices: type[Choice], name: str) -> Choice | None:
        """One of the words of an enum, in capitals as answers have it, or not."""
        given = self.text(name)
        found = next((one for one in choices if one.value.lower() == given.lower()), None)
        if given and found is None:
            self.fault(name, _("One of %(known)s.", known=", ".join(choices)))
        return found

    def check(self) -> None:
        """Raises Invalid naming everything that was wrong."""
        if self.faults:
            raise Invalid(_("Some of the values cannot be used."), fields=self.faults)


def word(choices: type[Choice], name: str) -> Choice | None:
    """For a list with one such filter. Raises Invalid."""
    asked = Asked()
    found = asked.word(choices, name)
    asked.check()
    return found
