"""Decisions about payees: pure, no session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from app.core.errors import Invalid
from app.core.money import CURRENCIES

LONGEST_NAME = 200
LONGEST_REFERENCE = 110
MAX_TERMS_DAYS = 365
# The payment terms an organization chooses from; files may bring others.
TERMS = {0: "Due on receipt", 15: "Net 15", 30: "Net 30", 45: "Net 45", 60: "Net 60"}
# One @, something before it, a dot in what follows, no spaces: whether mail arrives is for the mail to tell.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[A-Z]{2}")


def clean_email(text: str | None) -> str | None:
    """Lower case, None for empty. Raises Invalid."""
    email = (text or "").strip().lower()
    if not email:
        return None
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise Invalid("That is not an e-mail address.", fields={"email": "Give an address like name@example.com."})
    return email


def check_payee(*, name: str, currency: str, terms_days: int, country: str | None, reference: str | None) -> None:
    """Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if not name.strip():
        wrong["name"] = "Give the payee's name."
    elif len(name) > LONGEST_NAME:
        wrong["name"] = f"A name has at most {LONGEST_NAME} letters."
    if currency not in CURRENCIES:
        wrong["currency"] = f"“{currency}” is not a currency we know."
    if not 0 <= terms_days <= MAX_TERMS_DAYS:
        wrong["terms_days"] = f"Terms are between 0 and {MAX_TERMS_DAYS} days."
    if country and not _COUNTRY.fullmatch(country):
        wrong["country"] = "A country has two capital letters, for example GB."
    if reference and len(reference) > LONGEST_REFERENCE:
        wrong["reference"] = f"A reference has at most {LONGEST_REFERENCE} letters."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def terms_text(days: int) -> str:
    """What such payment terms are called: 30 is "Net 30"."""
    return TERMS.get(days, f"Net {days}")


def terms_choices(present: int | None = None) -> list[tuple[int, str]]:
    """Days and name of each; terms that are none of them stay a choice where they are in use."""
    days = sorted({*TERMS, *([] if present is None else [present])})
    return [(number, terms_text(number)) for number in days]


def due_on(invoice_on: date, terms_days: int, stated: date | None = None) -> date:
    """The day the bill itself names, else invoice date + terms."""
    return stated or invoice_on + timedelta(days=terms_days)


def clean_address(address: Mapping[str, str] | None) -> dict[str, str] | None:
    """Known keys with text in them; None when nothing is left."""
    keys = ("address_1", "address_2", "city", "region", "postal_code", "country")
    found = {key: str(address[key]).strip()[:100] for key in keys if address and str(address.get(key) or "").strip()}
    return found or None
