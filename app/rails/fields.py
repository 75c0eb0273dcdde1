"""Reading what a payee typed into a rail's fields: tidy the text, then hold it against each field's pattern."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from app.core.errors import Invalid
from app.rails.base import Field

_SPACES = re.compile(r"\s+")
MAX_CHARACTERS = 200


def tidy(text: str) -> str:
    """One line, no doubled spaces, composed characters, nothing invisible (a pasted IBAN brings such along)."""
    composed = unicodedata.normalize("NFC", str(text))
    visible = "".join(c for c in composed if c in "\t\n\r" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    return _SPACES.sub(" ", visible).strip()


def read(fields: Sequence[Field], destination: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The tidied values of the declared fields (empty ones left out), and one sentence for each field that is wrong.

    Keys that no field declares are left out.
    """
    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for field in fields:
        text = tidy(destination.get(field.name) or "")
        if not text:
            if field.required:
                wrong[field.name] = f"{field.label} is needed."
        elif len(text) > MAX_CHARACTERS or not re.fullmatch(field.pattern, text):
            wrong[field.name] = f"{field.label} does not look right. {field.hint}".strip()
        else:
            values[field.name] = text
    return values, wrong


def compact(text: str) -> str:
    """Upper case without the spaces, dots and dashes people group digits by."""
    return re.sub(r"[\s.\-]", "", text).upper()


def refuse(wrong: Mapping[str, str]) -> None:
    """Raise Invalid naming each bad field, if there is one."""
    if wrong:
        raise Invalid(" ".join(dict.fromkeys(wrong.values())), fields=wrong)
