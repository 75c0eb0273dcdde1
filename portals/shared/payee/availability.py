"""Where a way of being paid reaches payees and in what currencies, in words."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.countries import country_name
from app.core.money import CURRENCIES
from app.rails.base import Rail

FEW = 3


@dataclass(frozen=True, slots=True)
class Availability:
    """`line` is a sentence; `countries` and `currencies` name them where the line only counts them, else ""."""

    line: str
    countries: str
    currencies: str
    elsewhere: str  # the payee's country, where this way does not reach it


def availability(rail: Rail, country: str | None) -> Availability:
    """`country`: of the payee, None where it is not known."""
    names = sorted(country_name(code) for code in rail.countries)
    codes = sorted(rail.currencies & CURRENCIES)
    where = _("any country") if not names else _("%(n)s countries", n=len(names))
    money = _("any currency") if not codes else _("%(n)s currencies", n=len(codes))
    if 0 < len(names) <= FEW:
        where = ", ".join(names)
    if 0 < len(codes) <= FEW:
        money = ", ".join(codes)
    outside = country is not None and bool(names) and country not in rail.countries
    return Availability(
        _("For payees in %(where)s, paid in %(money)s", where=where, money=money),
        ", ".join(names) if len(names) > FEW else "",
        ", ".join(codes) if len(codes) > FEW else "",
        country_name(country) if outside and country else "",
    )
