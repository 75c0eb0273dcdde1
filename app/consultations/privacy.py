"""What of a client may reach a consultant: the first name, and words of theirs without what tells who they are."""

from __future__ import annotations

import re
import unicodedata

from app.core.errors import Invalid

LONGEST_REASON = 500
NOBODY = "Client"  # of whom no name is known
HIDDEN = "…"
# addresses that are nobody's own: their words stand in any sentence
_ANYBODYS = frozenset(
    "accounts admin billing bookings client clients contact email finance hello info mail office owner post sales "
    "support team".split()
)
_ADDRESS = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+\.[^\s@<>(),;.]+")
_NUMBER = re.compile(r"\+?\d(?:[\s()./-]*\d){6,}")
# as somebody writes one to be called; days and amounts stand in many reasons
_TELEPHONE = re.compile(r"(?<![\w.,])(?:\+\s?\d|\(?0\d)(?:[\s()./-]*\d){6,}")
_DAY = re.compile(r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b")


def first_name(name: str) -> str:
    """The first word of a name; an account without one is named by its address, which nobody is told."""
    words = name.split()
    return words[0] if words and "@" not in name else NOBODY


def without_identity(text: str, name: str, email: str) -> str:
    """`text` without addresses, telephone numbers and the words of the writer's name beyond the first, with or without
    their accents."""
    found = _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, unicodedata.normalize("NFC", text)))
    words = _telling(name, email)
    for word in words:
        found = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", HIDDEN, found, flags=re.IGNORECASE)
    plain = {_plain(word) for word in words}
    return re.sub(r"\w+", lambda word: HIDDEN if _plain(word[0]) in plain else word[0], found)


def payee_facing(reason: str, name: str, email: str, *, field: str = "reason") -> str:
    """A reason somebody writes for a consultant to read, as it may be shown to them.

    Raises Invalid (at `field`) when it is empty, too long, or tells more of the client than the first name: a surname,
    with or without its accents, any mail address, or a telephone number.
    """
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why: the consultant reads it.", fields={field: "The consultant reads this with the amount."})
    if len(reason) > LONGEST_REASON:
        raise Invalid("This is too long.", fields={field: f"At most {LONGEST_REASON} letters."})
    plain = _plain(reason)
    told = any(re.search(rf"(?<!\w){re.escape(_plain(word))}(?!\w)", plain) for word in _telling(name, email))
    if told or _ADDRESS.search(reason) or _TELEPHONE.search(_DAY.sub(" ", reason)):
        sentence = "The consultant reads this and knows the client’s first name only: leave the rest of it out."
        raise Invalid(sentence, fields={field: sentence})
    return reason


def _telling(name: str, email: str) -> list[str]:
    """The words that tell who somebody is, longest first: the name beyond its first word, also the parts of a double
    one, and the address before its @ unless many have the same."""
    words = {word for word in unicodedata.normalize("NFC", name).split()[1:] if "@" not in name and len(word) > 1}
    words |= {part for word in words for part in re.split(r"[-‐–'’]", word) if len(part) > 2}
    own = email.partition("@")[0]
    if len(own) > 3 and own.lower() not in {first_name(name).lower(), *_ANYBODYS}:
        words.add(own)
    return sorted(words, key=len, reverse=True)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
