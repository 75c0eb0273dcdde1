"""Decisions about payees: pure, no session."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.payees.states import BusinessType, EngagementStatus

LONGEST_NAME = 200
LONGEST_REFERENCE = 110
LONGEST_REASON = 1_000
LONGEST_REGISTRATION = 50
MAX_TERMS_DAYS = 365
# The payment terms an organization chooses from; files may bring others.
TERMS = {0: "Due on receipt", 15: "Net 15", 30: "Net 30", 45: "Net 45", 60: "Net 60"}
# One @, something before it, a dot in what follows, no spaces: whether mail arrives is for the mail to tell.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_REGISTRATION = re.compile(r"[^\W_][\w .,/()&-]*")
_PERSONAL = re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}")  # as social security numbers are written
_PERCENT = re.compile(r"\d{1,3}([.,]\d{1,2})?\s*%?")
_NET = re.compile(r"(?:net|n)?(\d{1,3})(?:d|days?)?(?:net)?")
_AT_ONCE = frozenset({"dueonreceipt", "onreceipt", "uponreceipt", "dueuponreceipt", "immediate", "immediately"})


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


def read_terms(text: str) -> int:
    """Days of payment terms as people and files write them: "Net 30", "net_30", "30 days", "30", "Due on receipt".

    Raises Invalid.
    """
    plain = re.sub(r"(?<=[a-z])[\s_-]+|[\s_]+", "", text.strip().casefold())
    if plain in _AT_ONCE:
        return 0
    found = _NET.fullmatch(plain)
    if found is None or int(found[1]) > MAX_TERMS_DAYS:
        said = f"“{text.strip()[:40]}” is not payment terms: write “Net 30” or “Due on receipt”"
        raise Invalid(f"{said}.", fields={"terms_days": f"{said}."})
    return int(found[1])


def read_commission(text: str) -> int | None:
    """ "12.5 %" as 1250 basis points; None for what is no percentage from 0 to 100."""
    if not _PERCENT.fullmatch(text.strip()):
        return None
    percent = Decimal(text.replace("%", "").strip().replace(",", "."))
    return int(percent * 100) if percent <= 100 else None


@dataclass(frozen=True, slots=True)
class Business:
    """What a vendor says of itself; each part may be missing."""

    business_type: BusinessType | None = None
    legal_name: str | None = None
    trading_name: str | None = None
    registration_number: str | None = None

    def cleaned(self) -> Business:
        """Outer spaces gone, empty texts None. Raises Invalid naming every bad field."""
        legal, trading, number = map(_one_line, (self.legal_name, self.trading_name, self.registration_number))
        wrong = {
            field: f"A name has at most {LONGEST_NAME} letters."
            for field, name in (("legal_name", legal), ("trading_name", trading))
            if name and len(name) > LONGEST_NAME
        }
        if number and (fault := _registration_fault(number)):
            wrong["registration_number"] = fault
        if wrong:
            raise Invalid(" ".join(wrong.values()), fields=wrong)
        return Business(self.business_type, legal, trading, number)


def _one_line(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None


def _registration_fault(number: str) -> str:
    if _PERSONAL.fullmatch(number):
        return "That looks like a social security number. Write it on the tax form, where it is kept encrypted."
    if len(number) > LONGEST_REGISTRATION:
        return f"At most {LONGEST_REGISTRATION} letters and digits."
    return "" if _REGISTRATION.fullmatch(number) else "Letters, digits and . , / ( ) & - only."


def due_on(invoice_on: date, terms_days: int, stated: date | None = None) -> date:
    """The day the bill itself names, else invoice date + terms."""
    return stated or invoice_on + timedelta(days=terms_days)


def rate_at(rates: Sequence[tuple[datetime, int]], moment: datetime) -> int:
    """The rate in basis points that held at `moment`; `rates` are (since when, basis points), oldest first.

    Before the first, nobody had agreed on one: the first that gives anything counts. 0 without any.
    """
    place = bisect_right(rates, moment, key=lambda rate: rate[0])
    if place:
        return rates[place - 1][1]
    return next((bps for _since, bps in rates if bps), 0)


def clean_address(address: Mapping[str, str] | None) -> dict[str, str] | None:
    """Known keys with text in them; None when nothing is left."""
    keys = ("address_1", "address_2", "city", "region", "postal_code", "country")
    found = {key: str(address[key]).strip()[:100] for key in keys if address and str(address.get(key) or "").strip()}
    return found or None


# What an engagement that is not active means for the payee; the reason follows.
NOT_ACTIVE = {
    EngagementStatus.PAUSED: "paused the work with you",
    EngagementStatus.SUSPENDED: "suspended the work with you",
    EngagementStatus.ENDED: "ended the work with you",
}


def news_of(organization: str, to: EngagementStatus) -> tuple[str, str]:
    """What a change of an engagement says to the payee, and what follows from it."""
    if to is EngagementStatus.ACTIVE:
        return f"{organization} works with you again", "You can take on new work, and what you earned is paid again."
    follows = {
        EngagementStatus.PAUSED: "You cannot send new bills or take on new work for now. What you earned stays yours "
        "and can be withdrawn.",
        EngagementStatus.SUSPENDED: "You cannot send new bills or take on new work, and nothing is paid out for now. "
        "What you earned stays yours and is paid once the suspension ends.",
        EngagementStatus.ENDED: "You cannot send new bills or take on new work. What you earned stays yours and can "
        "be withdrawn.",
    }
    return f"{organization} {NOT_ACTIVE[to]}", follows[to]
