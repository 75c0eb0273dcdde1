"""What Stripe holds for us and what moved it: cards, transfers, fees and payouts are one account there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.core import stripe_wire
from app.core.money import Money
from app.rails.base import Movement, RailUnavailable, Untold
from app.rails.stripe_api import Api, Refused

_PARTS = ("available", "pending", "connect_reserved")  # what is held back is ours as well
MOST_PAGES = 2_000  # a week of two hundred thousand movements
_CLOSED = "Stripe does not let us read its balance: allow “Balance” and “Balance transactions” for the key."


def balances(api: Api) -> list[Money]:
    """One for each currency. Raises RailUnavailable, Untold."""
    held: Counter[str] = Counter()
    try:
        said = api.get("/v1/balance")
        for one in (one for part in _PARTS for one in said.get(part) or []):
            if int(one["amount"]):
                money = stripe_wire.inward(int(one["amount"]), str(one["currency"]))
                held[money.currency] += money.minor
    except Refused as refusal:
        raise _untold(refusal) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RailUnavailable("Stripe's answer makes no sense.", "unreadable") from error
    return [Money(minor, currency) for currency, minor in sorted(held.items())]


def activity(api: Api, since: datetime) -> list[Movement]:
    """Oldest first; transfers and their reversals name the attempt they are of. Raises RailUnavailable, Untold."""
    asked = {"created[gte]": str(int(since.timestamp())), "expand[]": "data.source"}
    try:
        found = [_movement(row) for row in api.all("/v1/balance_transactions", asked, pages=MOST_PAGES)]
    except Refused as refusal:
        raise _untold(refusal) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RailUnavailable("Stripe's answer makes no sense.", "unreadable") from error
    return found[::-1]


def _movement(row: Mapping[str, Any]) -> Movement:
    source = row.get("source")
    ours = str(row["type"]).startswith("transfer")  # charges name attempts of another kind
    kept = source.get("metadata") if ours and isinstance(source, dict) else None
    amount = stripe_wire.inward(int(row["net"]), str(row["currency"]))
    at = datetime.fromtimestamp(int(row["created"]), UTC)
    return Movement(str((kept or {}).get("attempt") or ""), str(row["type"]), amount, at)


def _untold(refusal: Refused) -> Untold | RailUnavailable:
    if refusal.status in (401, 403):
        return Untold(_CLOSED, refusal.code)
    return RailUnavailable("Stripe refused the look-up.", refusal.code)
