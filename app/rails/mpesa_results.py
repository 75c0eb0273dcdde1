"""What M-Pesa tells at our addresses, read leniently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.clock import utc_now
from app.core.money import Money
from app.rails.base import BALANCE, RailEvent

# Ours to pay from: what is in the working account is moved to the utility account by a top-up. What M-Pesa charges is
# kept apart, in an account of its own below zero.
_OURS = frozenset({"working account", "utility account"})
_ZONE = ZoneInfo("Africa/Nairobi")


def parameters(found: Mapping[str, Any]) -> dict[str, str]:
    """Leniently: the list may be missing, or a single entry stand alone."""
    listed = (found.get("ResultParameters") or {}).get("ResultParameter") or []
    entries = [listed] if isinstance(listed, dict) else listed
    return {str(entry.get("Key")): str(entry.get("Value", "")) for entry in entries if isinstance(entry, dict)}


def balance_told(event_id: str, body: bytes) -> RailEvent:
    """An AccountBalance result: "Working Account|KES|700000.00|…&Utility Account|KES|…", the first amount being what is
    there. About nothing we follow where it cannot be read."""
    try:
        told = parameters(json.loads(body)["Result"])
        totals: dict[str, int] = {}
        for account in told["AccountBalance"].split("&"):
            name, currency, amount = account.split("|")[:3]
            if name.strip().lower() in _OURS:
                totals[currency] = totals.get(currency, 0) + Money.parse(amount, currency).minor
    except (AttributeError, KeyError, TypeError, ValueError):
        return RailEvent(event_id, about="a balance that was not told")
    if not totals:
        return RailEvent(event_id, about="a balance that was not told")
    minors = {currency: str(minor) for currency, minor in totals.items()}
    return RailEvent(event_id, None, {**minors, "at": _moment(told.get("BOCompletedTime", ""))}, BALANCE)


def _moment(told: str) -> str:
    """Safaricom writes the time of Nairobi, without a zone."""
    try:
        return datetime.strptime(told, "%Y%m%d%H%M%S").replace(tzinfo=_ZONE).isoformat()
    except ValueError:
        return utc_now().isoformat()
