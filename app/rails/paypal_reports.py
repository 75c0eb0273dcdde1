"""What PayPal holds for us and what moved it, by its Transaction Search: hours behind, for PayPal and Venmo together.

developer.paypal.com/docs/api/transaction-search/v1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.clock import utc_now
from app.core.money import CURRENCIES, Money
from app.rails.base import Movement, RailUnavailable, Untold
from app.rails.paypal_client import PayPalClient, Refused

LATE = timedelta(hours=4)  # PayPal says that its reports take up to three
PAGE = 500
LONGEST = timedelta(days=31)  # a search of more is refused
SHORTEST = timedelta(minutes=1)
TOO_MANY = "RESULTSET_TOO_LARGE"  # more than 10,000 in one search
_OF_PAYOUTS = ("T0001", "T11")  # sent, and come back; what PayPal changes or charges for it has other codes
_DENIED = "D"  # nothing moved
_OURS = re.compile(r"[0-9a-f]{32}-a\d{1,3}")
_CLOSED = "PayPal does not let us read its balance: switch “Transaction Search” on for the application there."


def balances(client: PayPalClient) -> list[Money]:
    """As they were `LATE` ago, what is held back included. Raises RailUnavailable, Untold."""
    try:
        said = client.get("/v1/reporting/balances", {"as_of_time": _moment(utc_now() - LATE)})
        found = [_money(one["total_balance"]) for one in said["balances"] if _known(one["total_balance"])]
    except Refused as refused:
        raise _untold(refused) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RailUnavailable("PayPal's answer makes no sense.", "unreadable") from error
    return sorted((money for money in found if money.minor), key=lambda money: money.currency)


def activity(client: PayPalClient, since: datetime) -> list[Movement]:
    """Oldest first; what was paid out names the attempt it is of. Raises RailUnavailable, Untold."""
    found: list[Movement] = []
    try:
        start, end = since, utc_now()
        while start < end:
            until = min(start + LONGEST - timedelta(seconds=1), end)
            found += [_movement(one) for one in _between(client, start, until) if _counts(one)]
            start = until + timedelta(seconds=1)
    except Refused as refused:
        raise _untold(refused) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RailUnavailable("PayPal's answer makes no sense.", "unreadable") from error
    return sorted(found, key=lambda one: one.at)


def _between(client: PayPalClient, start: datetime, end: datetime) -> Iterator[Mapping[str, Any]]:
    """Page by page; in halves where there is too much to search at once."""
    asked = {
        "start_date": _moment(start), "end_date": _moment(end), "fields": "transaction_info",
        "balance_affecting_records_only": "Y", "page_size": str(PAGE),
    }  # fmt: skip
    page = 1
    while True:
        try:
            said = client.get("/v1/reporting/transactions", {**asked, "page": str(page)})
        except Refused as refused:
            if page > 1 or end - start < SHORTEST or not _too_many(refused):
                raise
            half = start + (end - start) / 2
            yield from _between(client, start, half)
            yield from _between(client, half + timedelta(seconds=1), end)
            return
        yield from (one["transaction_info"] for one in said["transaction_details"])
        if page >= int(said.get("total_pages") or 0):
            return
        page += 1


def _counts(info: Mapping[str, Any]) -> bool:
    return info.get("transaction_status") != _DENIED and _known(info["transaction_amount"])


def _movement(info: Mapping[str, Any]) -> Movement:
    """PayPal puts the name we gave an item into `custom_field`."""
    key = str(info.get("custom_field") or "")
    at = datetime.fromisoformat(str(info["transaction_initiation_date"]))
    kind = str(info["transaction_event_code"])
    ours = kind.startswith(_OF_PAYOUTS) and _OURS.fullmatch(key)
    return Movement(key if ours else "", kind, _money(info["transaction_amount"]), at.astimezone(UTC))


def _known(said: Mapping[str, Any]) -> bool:
    return said["currency_code"] in CURRENCIES


def _money(said: Mapping[str, Any]) -> Money:
    """Below zero where it left, or is owed. Raises ValueError."""
    return Money.parse(str(said["value"]), str(said["currency_code"]))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _too_many(refused: Refused) -> bool:
    issues = [one.get("issue") for one in refused.details if isinstance(one, dict)]
    return TOO_MANY in (refused.code, *issues)


def _untold(refused: Refused) -> Untold | RailUnavailable:
    if refused.status == 403:
        return Untold(_CLOSED, refused.code)
    return RailUnavailable("PayPal refused the look-up.", refused.code)
