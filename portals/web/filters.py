"""The template side of `formats`: the same names as filters and as globals, with the reader's locale and zone set.

`{{ bill.amount | money }}` and `{{ money(bill.amount) }}` are the same; so are when, age, percent, masked, filesize.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from babel.numbers import format_decimal, get_currency_symbol
from flask import Flask
from flask_babel import gettext as _
from markupsafe import Markup

from app.core.clock import utc_now
from app.core.money import Money
from app.db.paging import CAP
from app.payees.rules import terms_text
from portals.web import formats
from portals.web.i18n import reader_locale, reader_zone
from portals.web.status import badge_of

NONE = "–"  # an empty cell is never empty
_TIME = Markup('<time datetime="{}" title="{}">{}</time>')
_AGES: dict[str, Callable[[int], str]] = {
    "now": lambda _n: _("now"),
    "min": lambda n: _("%(n)s min", n=n),
    "h": lambda n: _("%(n)s h", n=n),
    "d": lambda n: _("%(n)s d", n=n),
}


def money(value: Money | None, *, code: bool = False, drop_zeros: bool = False) -> str:
    return NONE if value is None else formats.format_money(value, reader_locale(), code=code, drop_zeros=drop_zeros)


def big_money(value: Money) -> Markup:
    """Large figures: cents muted."""
    whole, cents, rest = formats.split_cents(value, reader_locale())
    if not cents:
        return Markup("{}").format(whole)
    return Markup('{}<span class="cents">{}</span>{}').format(whole, cents, rest)


def when(value: date | datetime | None, style: str = "date") -> Markup:
    """A `<time>` with the machine form in `datetime`, the full stamp in `title`. Styles: see `formats.format_when`."""
    if value is None:
        return Markup("–")
    locale, zone, now = reader_locale(), reader_zone(), utc_now()
    text = formats.format_when(value, now=now, locale=locale, zone=zone, style=style)
    title = formats.format_when(value, now=now, locale=locale, zone=zone, style="long")
    if isinstance(value, datetime):
        clock = formats.format_when(value, now=now, locale=locale, zone=zone, style="time")
        title = f"{title}, {clock} {formats.local(value, zone).tzname()}"
        value = value.replace(microsecond=0)
    return _TIME.format(value.isoformat(), title, text)


def date_text(value: date | datetime | None, style: str = "date") -> str:
    """The same words as `when`, without the element: for labels and sentences that are escaped elsewhere."""
    if value is None:
        return NONE
    return formats.format_when(value, now=utc_now(), locale=reader_locale(), zone=reader_zone(), style=style)


def age(value: datetime | None) -> Markup:
    """How long ago, for queues: "3 h", "2 d"."""
    if value is None:
        return Markup("–")
    unit, amount = formats.format_age((utc_now() - value).total_seconds())
    stamp = date_text(value, "full")
    return _TIME.format(value.replace(microsecond=0).isoformat(), stamp, _AGES[unit](amount))


def currency_sign(currency: str) -> str:
    """What stands before an amount in an input: "$", "₹", "KES"."""
    return str(get_currency_symbol(currency, locale=reader_locale()))


def number(value: int | None) -> str:
    """Grouped whole number in the reader's locale."""
    return NONE if value is None else str(format_decimal(value, locale=reader_locale()))


def capped(count: int, cap: int = CAP) -> str:
    """ "1,000+" beyond what is counted."""
    return f"{number(cap)}+" if count > cap else number(count)


_SHARED: dict[str, Callable[..., Any]] = {
    "money": money,
    "big_money": big_money,
    "when": when,
    "date_text": date_text,
    "terms_text": terms_text,
    "age": age,
    "number": number,
    "currency_sign": currency_sign,
    "money_of": Money,
    "percent": formats.format_percent,
    "filesize": formats.format_size,
    "masked": formats.masked,
    "initials": formats.initials,
    "avatar_tone": formats.avatar_tone,
}


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(_SHARED)
    app.jinja_env.globals.update(_SHARED)
    app.jinja_env.globals["badge_of"] = badge_of
