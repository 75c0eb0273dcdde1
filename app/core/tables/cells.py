"""Text cells made clean, or refused with a reason."""

from __future__ import annotations

import re
import unicodedata

# Control letters, invisible ones and those that turn the reading direction: two names that look alike must be alike.
_BAD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_LINE_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d{2,3}\Z", re.IGNORECASE | re.ASCII)
LOST = "\ufffd"  # what programs write where a letter was lost


def clean_text(text: str, longest: int, *, lines: bool = False) -> str:
    """One line of visible text: outer spaces go, inner runs become one, letters are composed (NFC).

    `lines`: line breaks are welcome and become spaces. Raises ValueError with the reason.
    """
    text = text.strip()
    if not (text.isascii() and text.isprintable()):
        if found := _BAD.search(text):
            raise ValueError(f"there is an invisible letter (U+{ord(found[0]):04X})")
        if not lines and _LINE_BREAK.search(text):
            raise ValueError("there is a line break in it")
        text = unicodedata.normalize("NFC", text)
        text = " ".join(text.split())
    elif "  " in text:
        text = " ".join(text.split())
    if len(text) > longest:
        raise ValueError(f"it has {len(text):,} letters; at most {longest} fit")
    return text


def clean_code(text: str, longest: int) -> str:
    """A reference or account number: as clean_text, and not one a spreadsheet has made a rounded number of."""
    text = clean_text(text, longest)
    if _SHORTENED.match(text):
        raise ValueError("a spreadsheet has shortened this number; format the column as text and export again")
    return text
