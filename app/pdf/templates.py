"""The templates of documents: a Jinja environment of their own, without Flask."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.formats import format_day, format_money
from app.core.money import Money
from app.core.words import amount_in_words

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "pdf"


@cache
def environment() -> Environment:
    """Autoescaping, and undefined names are errors: a document never has a silent hole."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["money"] = _money
    made.filters["day"] = _day
    made.filters["words"] = amount_in_words
    return made


def _money(amount: Money, locale: str) -> str:
    return format_money(amount, locale, code=amount.currency not in ("USD", "GBP", "EUR"))


def _day(day: date, locale: str, style: str = "long") -> str:
    return format_day(day, locale, style)
