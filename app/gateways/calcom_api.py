"""Looking a booking up at Cal.com: `GET /v2/bookings/{uid}`. Reading what it says is `calcom.read_booking`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from app.core.guards import no_transaction

VERSION = "2024-08-13"
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
LARGEST = 1_000_000


class Unavailable(Exception):
    """No usable answer: it is asked again later. The text holds nothing of the key."""


def booking(url: str, key: str, uid: str, *, transport: httpx.BaseTransport | None = None) -> dict[str, Any] | None:
    """The booking, None when Cal.com knows none by this number. Raises Unavailable."""
    no_transaction("Cal.com")
    headers = {"cal-api-version": VERSION, "Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False) as client:
            answer = client.get(f"{url}/v2/bookings/{quote(uid, safe='')}", headers=headers)
        if answer.status_code == 404:
            return None
        found = answer.json() if answer.status_code == 200 and len(answer.content) <= LARGEST else None
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(type(error).__name__) from None
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, dict):
        raise Unavailable(f"status {answer.status_code}")
    return data
