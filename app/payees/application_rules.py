"""Decisions about applications: pure, no session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from app.core.countries import countries
from app.core.errors import Invalid
from app.payees.kinds import spec_of
from app.payees.states import ApplicationStatus, PayeeKind

LINK_LIVES = timedelta(days=3)
UNCONFIRMED_KEPT = timedelta(days=30)
MAILS_PER_DAY = 3  # to one address, whatever it applies for
LONGEST_WORK, LONGEST_MESSAGE, LONGEST_LINK, MOST_LINKS, LONGEST_REASON = 200, 4_000, 300, 5, 1_000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Stated:
    """What an applicant says of themselves. `work`: the kind of work; `links`: a portfolio, one address each."""

    name: str
    work: str
    country: str | None
    links: tuple[str, ...]
    message: str


def cleaned(name: str, work: str, country: str, links: str, message: str) -> Stated:
    """`links` is text with an address a line. Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    name, work, country = " ".join(name.split()), " ".join(work.split()), country.strip().upper()
    addresses = tuple(dict.fromkeys(line.strip() for line in links.splitlines() if line.strip()))
    if not 0 < len(name) <= LONGEST_NAME:
        wrong["name"] = "Write your name, or that of your business."
    if not 0 < len(work) <= LONGEST_WORK:
        wrong["work"] = f"Say what you do, in {LONGEST_WORK} letters at most."
    if country and country not in countries():
        wrong["country"] = "Choose a country of the list."
    if len(addresses) > MOST_LINKS or any(not is_link(one) for one in addresses):
        wrong["links"] = f"Up to {MOST_LINKS} addresses that begin with https://, one a line."
    if len(message) > LONGEST_MESSAGE:
        wrong["message"] = f"At most {LONGEST_MESSAGE:,} letters."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    return Stated(name, work, country or None, addresses, message.strip())


def is_link(text: str) -> bool:
    """Whether this is an address that may stand on a page."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    plain = text.isprintable() and not any(c.isspace() for c in text) and len(text) <= LONGEST_LINK
    return plain and parts.scheme in ("https", "http") and "." in (parts.hostname or "") and parts.username is None


def may_apply_to_platform(kind: PayeeKind) -> bool:
    """Without an organization in mind: who may work for several. The others need the link of theirs."""
    return not spec_of(kind).single_engagement


def why_not_decided(status: ApplicationStatus) -> str:
    """Why an application cannot be decided about, "" when it can."""
    if status is ApplicationStatus.UNCONFIRMED:
        return "The applicant has not confirmed their address."
    return "" if status is ApplicationStatus.SUBMITTED else f"Somebody {status.value} it already."
