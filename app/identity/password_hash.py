"""Passwords: argon2id, at least twelve characters, none that everybody uses."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.crypto import token

SHORTEST, LONGEST = 12, 128
# What is left of the usual lists of leaked passwords once it has twelve characters; smaller ones are too short anyway.
_WORDS = (
    "password", "passwort", "motdepasse", "contrasena", "qwerty", "qwertz", "azerty", "letmein", "welcome", "iloveyou",
    "administrator", "admin", "changeme", "trustno", "monkey", "dragon", "sunshine", "princess", "football", "baseball",
    "superman", "master", "shadow", "secret", "default", "summer", "winter", "spring", "autumn", "quittance",
)  # fmt: skip
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p")
_TAIL = "0123456789!?.,-_#*+ "
_LEET = str.maketrans("013457@$!", "oieastasi")

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    return _hasher.hash(password)


@cache
def _nobodys() -> str:
    return _hasher.hash(token())


def fits(password: str, stored: str | None) -> bool:
    """Whether `password` is the stored one. Takes the same time when nothing is stored."""
    try:
        return _hasher.verify(stored or _nobodys(), password[: LONGEST + 1]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(stored)


def weakness(password: str, email: str) -> str | None:
    """Why this password will not do, as a sentence, or None."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A few words in a row are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(set(password)) < 5:
        return "Use more different characters."
    plain = password.lower()
    name = email.split("@")[0].lower()
    if len(name) >= 4 and name in plain:
        return "Leave your e-mail address out of it."
    if any(_is_common(text) for text in (plain, plain.translate(_LEET), plain.strip(_TAIL).translate(_LEET))):
        return "This is one of the passwords everybody tries first. Choose another."
    return None


def _is_common(plain: str) -> bool:
    """A known word or keyboard run with little around it: what stays after taking them out is too short to help."""
    rest = plain
    for word in _WORDS:
        rest = rest.replace(word, "")
    for run in _RUNS:
        for length in range(len(run), 4, -1):
            for start in range(len(run) - length + 1):
                rest = rest.replace(run[start : start + length], "")
    letters = rest.strip(_TAIL)
    return len(letters) < 5
