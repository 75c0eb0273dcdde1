"""Reading an amount a person typed. Strict where a guess could be a hundredfold wrong."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from app.core.money import Money, exponent

_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’]")
_MINUSES = str.maketrans({"\u2212": "-", "\u2013": "-"})
# 1,234,567 as most of the world groups, and 12,34,567 as India does
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+|\d{1,2}(,\d{2})+,\d{3}")


class Unreadable(ValueError):
    """The text is no amount; the message is a sentence for the person who typed it."""


def read_amount(text: str, currency: str) -> Money:
    """ "1,234.50", "1 234.50", "1.234,50", "−250" → Money. Raises Unreadable.

    A lone comma before one or two digits is a decimal comma ("12,5"); before three it groups ("1,234"). What could mean
    two different sums is refused, never guessed.
    """
    digits = exponent(currency)
    compact = _SPACES.sub("", text.strip()).translate(_MINUSES)
    sign = "-" if compact.startswith("-") else ""
    body = compact.removeprefix("-")
    if not re.fullmatch(r"[0-9.,]*[0-9]", body):
        raise Unreadable(_("Write an amount in figures, like 1,234.50."))
    plain = _plain(body, digits)
    try:
        return Money.parse(sign + plain, currency)
    except ValueError:
        _whole, _dot, fraction = plain.partition(".")
        if len(fraction) <= digits or not fraction.strip("0"):
            raise Unreadable(_("This amount is too large.")) from None
        if digits == 0:
            raise Unreadable(_("%(currency)s has no decimals.", currency=currency)) from None
        raise Unreadable(
            _(
                "%(currency)s has %(digits)s decimals, this has %(n)s.",
                currency=currency,
                digits=digits,
                n=len(fraction),
            )
        ) from None


def _plain(body: str, digits: int) -> str:
    """The same amount with a decimal point and no grouping."""
    unclear = Unreadable(_("It is not clear where the decimals start. Write it like 1,234.50."))
    commas, points = body.count(","), body.count(".")
    if commas and points:
        if body.rfind(",") < body.rfind("."):
            whole, fraction = body.rsplit(".", 1)
        else:  # 1.234,50
            whole, fraction = body.rsplit(",", 1)
            whole = whole.replace(".", ",")
        if not _GROUPED.fullmatch(whole):
            raise unclear
        return f"{whole.replace(',', '')}.{fraction}"
    if commas == 1 and not _GROUPED.fullmatch(body):
        whole, fraction = body.split(",")
        if not whole or len(fraction) > 2:
            raise unclear
        return f"{whole}.{fraction}"
    if commas:
        if not _GROUPED.fullmatch(body) or (commas == 1 and digits == 3):
            raise unclear
        return body.replace(",", "")
    if points > 1:
        if not _GROUPED.fullmatch(body.replace(".", ",")):
            raise unclear
        return body.replace(".", "")
    return body
