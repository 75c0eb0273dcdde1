"""Decisions about received events: pure, no session."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "•••"
# Of field names, as `_words` writes them: what stands for a person, or is secret. Everything below it, too.
_PERSON = re.compile(
    r"name|e ?mail|phone|msisdn|mobile|address|street|\bline\d|\bcity\b|postal|\bzip\b|birth|\bdob\b|\btax (id|num)|"
    r"\bssn|\b(tin|pan|gstin|ip|id number)\b|handle|secret|password|token|signature|fingerprint|user ?agent|latitude|"
    r"longitude"
)
# What stands for a destination. Below it states, kinds, times and ids of the provider's own tell of nobody.
_PLACE = re.compile(
    r"account|destination|beneficiary|recipient|receiver|holder|\bcard\b|contact|party|\b(vpa|upi|iban|bic|swift|ifsc)\b|"
    r"sort ?code|routing|customer|\bpayer\b|individual|owner|representative|billing|shipping|last ?4"
)
_PLAIN = frozenset({"id", "type", "status", "object", "entity", "country", "currency", "at", "wallet"})
_ID = re.compile(r"[a-z]{2,8}_[A-Za-z0-9]{10,}")
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+")
# Of free text.
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*")  # and UPI addresses
_UNGUESSABLE = re.compile(r"(?<=/)[0-9a-f]{40}(?![\w-])")  # the end of a callback address of ours
_NUMBER = re.compile(
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b"  # an IBAN
    r"|(?<!\w)\+\d[\d ().-]{6,20}\d(?!\w)"  # a telephone
    r"|(?<![\w-])\d{8,}(?![\w-])"
)


def masked(value: Any, name: str = "") -> Any:
    """The same JSON with what tells of a person or a destination taken out; ids, states, amounts and times stay.

    What is below a personal field is personal too: `name` is the path so far.
    """
    if isinstance(value, dict):
        paired = _paired(value)
        return {
            _text(key): masked(inner, f"{name} {_words(paired if paired and key.lower() == 'value' else key)}")
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if _PERSON.search(name) or (_PLACE.search(name) and not _tells_nothing(value, name)):
        return MASK
    return _text(value) if isinstance(value, str) else value


def _paired(value: dict[str, Any]) -> str:
    """What is named beside its value, as M-Pesa and shops write it: {"Key": "PartyName", "Value": …}. "" if nothing."""
    lowered = {key.lower(): inner for key, inner in value.items()}
    named = next((lowered[one] for one in ("key", "name", "label") if isinstance(lowered.get(one), str)), "")
    return str(named) if "value" in lowered else ""


def _words(key: str) -> str:
    """`ReceiverPartyName`, `receiver_party_name` and `receiver-party-name` are the same three words."""
    return " ".join(_WORD.findall(key)).lower()


def _tells_nothing(value: Any, name: str) -> bool:
    own = name.rpartition(" ")[2]
    return own in _PLAIN or (isinstance(value, str) and _ID.fullmatch(value) is not None)


def _text(text: str) -> str:
    """Free text without addresses and long numbers; of numbers the last four signs stay."""
    for pattern in (_EMAIL, _UNGUESSABLE):
        text = pattern.sub(MASK, text)
    return _NUMBER.sub(lambda found: MASK + re.sub(r"\W", "", found[0])[-4:], text)


def masked_text(body: bytes) -> str:
    """A delivery as masked JSON for people; "" when it is none: what cannot be read cannot be masked."""
    try:
        return pretty(masked(json.loads(body)))
    except (ValueError, RecursionError):
        return ""


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)
