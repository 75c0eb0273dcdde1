"""Names as banks' files can hold them: plain Latin letters, and whether anything was lost on the way there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# What does not fall apart into a letter and its marks.
_LETTERS = {
    "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "ß": "ss", "ẞ": "SS", "Đ": "D", "đ": "d", "Ð": "D",
    "ð": "d", "Þ": "Th", "þ": "th", "Ł": "L", "ł": "l", "Ħ": "H", "ħ": "h", "ı": "i", "ĸ": "k", "Ŋ": "N", "ŋ": "n",
    "Ŧ": "T", "ŧ": "t", "Ə": "E", "ə": "e", "‘": "'", "’": "'", "‚": ",", "‛": "'", "ʼ": "'", "“": "'", "”": "'",
    "„": "'", "«": "'", "»": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "·": ".", "•": ".", "×": "x",
    "€": "EUR", "£": "GBP", "₹": "INR", "¥": "JPY", "§": "S", "°": "o", "№": "No",
}  # fmt: skip
_NONE = "_"
_CYRILLIC = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґў",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya i yi ye g u".split(" "),
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψως",
        "a b g d e z i th i k l m n x o p r s t y f ch ps o s".split(" "),
        strict=True,
    )
)
_SMALL = _CYRILLIC | _GREEK
_SPACES = re.compile(r" +")


@dataclass(frozen=True, slots=True)
class Written:
    """`text` as it stands in the file; `lost`: letters of it have no Latin form, or it was too long."""

    text: str
    lost: bool = False


def ascii_of(text: str) -> tuple[str, bool]:
    """Letters without their marks, and whether one has no form here. Unknown ones become spaces."""
    out: list[str] = []
    lost = False
    for char in text:
        plain = _plain(char)
        if plain is None:
            lost = lost or unicodedata.category(char)[0] in "LNS"
            plain = " "
        out.append(plain)
    return "".join(out), lost


def _plain(char: str) -> str | None:
    if char.isascii():
        return char if char.isprintable() else " "
    if char in _LETTERS:
        return _LETTERS[char]
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    if bare and bare.isascii():
        return bare
    bare = "".join(_LETTERS.get(c, c) for c in bare)
    small = bare.lower()
    if small in _SMALL:
        latin = _SMALL[small].strip(_NONE)
        return latin if bare == small else latin.capitalize()
    if not bare:  # a mark on its own
        return ""
    return bare if bare.isascii() and bare.isprintable() else None


def write(text: str, forbidden: re.Pattern[str], most: int, *, upper: bool = False, instead: str = "") -> Written:
    """`text` in at most `most` characters none of which `forbidden` finds; `instead` where nothing readable is left."""
    plain, lost = ascii_of(text)
    if upper:
        plain = plain.upper()
    allowed = _SPACES.sub(" ", forbidden.sub(" ", plain)).strip()
    cut = allowed[:most].strip()
    if not re.search(r"[A-Za-z0-9]", cut):
        return Written(instead[:most], lost=True)
    return Written(cut, lost or len(allowed) > most)
