"""JSON in and out. Reading collects every fault before it refuses; names come in camelCase or snake_case."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, jsonify, request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.money import CURRENCIES, MAX_MINOR, Money
from app.core.rates import WHOLE_BPS
from app.db.paging import MAX_LIMIT, Page

E = TypeVar("E", bound=StrEnum)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
DEFAULT_LIMIT = 50


def _snaked(given: dict[str, Any]) -> dict[str, Any]:
    return {_HUMP.sub("_", str(name)).lower(): value for name, value in given.items()}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def amount(value: Money | None) -> dict[str, Any] | None:
    return None if value is None else {"amountMinor": value.minor, "currency": value.currency}


def limit() -> int:
    """How many rows the caller wants. Raises Invalid outside 1–200."""
    wanted = request.args.get("limit", str(DEFAULT_LIMIT))
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= MAX_LIMIT):
        raise Invalid(f"limit is between 1 and {MAX_LIMIT}.", fields={"limit": f"Between 1 and {MAX_LIMIT}."})
    return int(wanted)


def cursor() -> str | None:
    return request.args.get("cursor", "")[:512] or None


def listed(page: Page, rows: list[dict[str, Any]], **more: Any) -> Response:
    """One page of a list; `nextCursor` is null on the last one."""
    return jsonify({**more, "data": rows, "nextCursor": page.next_cursor})


class Body:
    """The JSON object of this request. Readers note what is wrong; `check` refuses with all of it."""

    def __init__(self, given: object = None) -> None:
        found = request.get_json(silent=True) if given is None else given
        if not isinstance(found, dict):
            raise Invalid(_("Send a JSON object, with Content-Type: application/json."))
        self._given = _snaked(found)
        self.faults: dict[str, str] = {}

    def has(self, name: str) -> bool:
        return self._given.get(name) is not None

    def given(self, name: str) -> object:
        """As it came, in either casing; the caller judges it."""
        return self._given.get(name)

    def mentions(self, name: str) -> bool:
        """Whether it is in the body at all, if only as null."""
        return name in self._given

    def fault(self, name: str, said: str) -> None:
        self.faults.setdefault(name, said)  # in the casing of the address: `errors.answer_refusal`

    def text(self, name: str, *, required: bool = False, longest: int = 2000, default: str = "") -> str:
        value = self._given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                self.fault(name, _("This is needed."))
            return default
        if not isinstance(value, str) or len(value) > longest or "\0" in value:
            self.fault(name, _("A text of at most %(n)s characters.", n=longest))
            return default
        return value.strip()

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            self.fault(name, _("true or false."))
            return default
        return value

    def whole(self, name: str, *, most: int, least: int = 1) -> int | None:
        """A whole number; None when it is left out."""
        value = self._given.get(name)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            self.fault(name, _("A whole number of at least %(least)s.", least=least))
            return None
        return value

    def rate(self, name: str) -> int | None:
        """A share of 1, as a decimal text or a number, in basis points; None when it is null or left out."""
        value = self._given.get(name)
        if value is None:
            return None
        try:
            bps = Decimal(str(value)) * WHOLE_BPS if isinstance(value, (str, int, float)) else None
        except InvalidOperation:
            bps = None
        if (
            bps is None
            or isinstance(value, bool)
            or not bps.is_finite()
            or bps != int(bps)
            or not 0 <= bps <= WHOLE_BPS
        ):
            self.fault(name, _("A share between 0 and 1, such as “0.85”, with at most four decimals."))
            return None
        return int(bps)

    def day(self, name: str, default: date) -> date:
        value = self._given.get(name)
        if value is None:
            return default
        try:
            return date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.fault(name, _("A date like 2026-11-24."))
            return default

    def choice(self, name: str, kind: type[E], default: E) -> E:
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value.lower() not in set(kind):
            self.fault(name, _("One of %(known)s.", known=", ".join(kind)))
            return default
        return kind(value.lower())

    def names(self, name: str) -> list[str]:
        value = self._given.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(name, _("A list of texts."))
            return []
        return value

    def part(self, name: str) -> Body:
        """An object within the object; an empty one when it is left out."""
        value = self._given.get(name)
        part = Body(value if isinstance(value, dict) else {})
        if value is not None and not isinstance(value, dict):
            part.fault(name, _("An object."))
        return part

    def parts(self, name: str, *, most: int) -> list[Body]:
        """A list of objects."""
        value = self._given.get(name)
        if not isinstance(value, list) or not 0 < len(value) <= most or not all(isinstance(one, dict) for one in value):
            self.fault(name, _("A list of 1 to %(n)s objects.", n=most))
            return []
        return [Body(one) for one in value]

    def fields(self, name: str) -> dict[str, str]:
        """An object of texts."""
        value = self._given.get(name)
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self.fault(name, _("An object whose values are texts."))
            return {}
        return {str(key): one for key, one in value.items()}

    def money(self, name: str = "amount", currency: str = "USD") -> Money:
        """`{"amount": {"amountMinor": 100, "currency": "USD"}}`, or `amountMinor` and `currency` beside the rest."""
        inner = self._given.get(name)
        given = _snaked(inner) if isinstance(inner, dict) else self._given
        minor, code = given.get("amount_minor"), given.get("currency", currency)
        if type(minor) is not int or abs(minor) > MAX_MINOR:
            self.fault(name, _("amountMinor is a whole number of minor units, such as cents."))
        if not isinstance(code, str) or code not in CURRENCIES:
            self.fault(name, _("currency is a code like USD."))
        return Money(0, currency) if name in self.faults else Money(int(minor or 0), str(code))

    def check(self) -> None:
        """Raises Invalid naming everything that was wrong."""
        if self.faults:
            raise Invalid(_("Some of the values cannot be used."), fields=self.faults)
