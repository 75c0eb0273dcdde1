"""What a consultant may publish, and how it is searched: pure, no session."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from app.consultations.states import Practice
from app.core.countries import countries
from app.core.errors import Invalid
from app.payees.application_rules import LONGEST_NAME, MOST_LINKS, is_link

LONGEST_HEADLINE, LONGEST_BIO, LONGEST_WORD, MOST_WORDS = 200, 6_000, 60, 20
LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Expertise:
    """What somebody can do and in which languages (codes of ISO 639); the bio is plain text with line breaks."""

    practice: Practice
    skills: tuple[str, ...]
    specialties: tuple[str, ...]
    languages: tuple[str, ...]
    bio: str


@dataclass(frozen=True, slots=True)
class Published:
    """Everything of a profile that its owner writes, ready to be kept."""

    name: str
    headline: str
    bio: str
    skills: tuple[str, ...]
    specialties: tuple[str, ...]
    languages: tuple[str, ...]
    country: str | None
    portfolio_urls: tuple[str, ...]
    time_zone: str


@cache
def languages() -> dict[str, str]:
    """Code → English name. Babel's data is slow to load, so it is taken at the first call."""
    from babel import Locale

    named = {str(code): str(name) for code, name in Locale("en").languages.items()}
    return {code: name for code, name in named.items() if code.isalpha() and code not in ("mul", "und", "zxx", "root")}


def language_names(codes: Sequence[str]) -> list[str]:
    return [languages().get(code, code) for code in codes]


@cache
def _codes() -> dict[str, str]:
    """Codes by plain name and by code."""
    return {plain(name): code for code, name in languages().items()} | {code: code for code in languages()}


def plain(text: str) -> str:
    """Lower case, without accents, one space between words: how things are compared and searched."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def listed(text: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a field: separated by commas or lines, each once whatever its case."""
    parts = re.split(r"[,;\n]", text) if isinstance(text, str) else text
    found: dict[str, str] = {}
    for part in parts:
        word = " ".join(part.split())
        if word:
            found.setdefault(plain(word), word)
    return tuple(found.values())


def expertise(
    *, practice: Practice, skills: str | Sequence[str], specialties: str | Sequence[str],
    languages: str | Sequence[str], bio: str, of_platform: bool,
) -> Expertise:  # fmt: skip
    """Cleaned. Languages come as names or codes. Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    stated = Expertise(
        practice, _words("skills", skills, wrong), _words("specialties", specialties, wrong, needed=True),
        _languages(languages, wrong), _bio(bio, wrong),
    )  # fmt: skip
    if practice is Practice.ADVISOR and not of_platform:
        wrong["practice"] = "Advisors work for the platform itself: its prices are theirs."
    _raise(wrong)
    return stated


def published(
    *, name: str, headline: str, bio: str, skills: str | Sequence[str], specialties: str | Sequence[str],
    languages: str | Sequence[str], country: str | None, portfolio_urls: str | Sequence[str], time_zone: str,
) -> Published:  # fmt: skip
    """Cleaned. Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    name, headline, country = " ".join(name.split()), " ".join(headline.split()), (country or "").strip().upper()
    if not 0 < len(name) <= LONGEST_NAME:
        wrong["name"] = "Write the name clients know you by."
    if len(headline) > LONGEST_HEADLINE:
        wrong["headline"] = f"At most {LONGEST_HEADLINE} letters."
    if country and country not in countries():
        wrong["country"] = "Choose a country of the list."
    if time_zone not in available_timezones():
        wrong["time_zone"] = "Choose a time zone of the list."
    lines = portfolio_urls.splitlines() if isinstance(portfolio_urls, str) else portfolio_urls
    links = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(links) > MOST_LINKS or not all(is_link(one) for one in links):
        wrong["portfolio_urls"] = f"Up to {MOST_LINKS} addresses that begin with https://, one a line."
    stated = Published(
        name, headline, _bio(bio, wrong), _words("skills", skills, wrong),
        _words("specialties", specialties, wrong, needed=True), _languages(languages, wrong), country or None, links,
        time_zone,
    )  # fmt: skip
    _raise(wrong)
    return stated


def _raise(wrong: dict[str, str]) -> None:
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def _words(field: str, given: str | Sequence[str], wrong: dict[str, str], *, needed: bool = False) -> tuple[str, ...]:
    words = listed(given)
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        wrong[field] = f"Up to {MOST_WORDS} of at most {LONGEST_WORD} letters, with commas between them."
    elif needed and not words:
        wrong[field] = "Name at least one: clients look for it."
    return words


def _languages(given: str | Sequence[str], wrong: dict[str, str]) -> tuple[str, ...]:
    words = listed(given)
    unknown = [word for word in words if plain(word) not in _codes()]
    if unknown:
        wrong["languages"] = f"“{unknown[0][:LONGEST_WORD]}” is not a language we know. Write its English name."
    elif not words:
        wrong["languages"] = "Name at least one language you consult in."
    elif len(words) > MOST_WORDS:
        wrong["languages"] = f"At most {MOST_WORDS} languages."
    return tuple(dict.fromkeys(_codes()[plain(word)] for word in words if plain(word) in _codes()))


def _bio(given: str, wrong: dict[str, str]) -> str:
    bio = "\n".join(line.rstrip() for line in given.strip().splitlines())
    if not 0 < len(bio) <= LONGEST_BIO:
        wrong["bio"] = f"Say who you are and what you help with, in {LONGEST_BIO:,} letters at most."
    return bio


def words_of(*texts: str) -> str:
    """What the search looks through."""
    return plain(" ".join(texts))


def terms(search: str) -> list[str]:
    """The words that all have to be found, at most eight; those of one letter say nothing."""
    return [term for term in plain(search[:LONGEST_SEARCH].replace("\0", "")).split() if len(term) > 1][:8]


def slug_of(name: str) -> str:
    """Letters, digits and hyphens; "consultant" where a name has none in Latin script."""
    return re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")[:60].strip("-") or "consultant"
