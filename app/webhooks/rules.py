"""Decisions about received events: pure, no session."""

from __future__ import annotations

import re
from typing import Any

# Parts of field names that stand for a person or a destination.
_PERSONAL = re.compile(
    r"name|e-?mail|phone|msisdn|mobile|address|street|city|postal|zip|birth|tax|ssn|holder|iban|bic|sort_?code|routing"
    r"|account|destination|beneficiary|recipient|receiver|card",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_DIGITS = re.compile(r"(?<![\w-])\+?\d{4,}(\d{4})(?![\w-])")
MASK = "•••"


def masked(value: Any, name: str = "") -> Any:
    """The same JSON with what tells of a person or a destination taken out; ids, states, amounts and times stay.

    What is below a personal field is personal too: `name` is the path so far.
    """
    if isinstance(value, dict):
        return {key: masked(inner, f"{name} {key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    if value is not None and not isinstance(value, bool) and _PERSONAL.search(name):
        return MASK
    if isinstance(value, str):
        return _DIGITS.sub(rf"{MASK}\1", _EMAIL.sub(MASK, value))
    return value
