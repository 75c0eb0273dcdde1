"""Calling PayPal: one token for all workers, and refusals by the names PayPal gives them."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from app.core.clock import utc_now
from app.rails import tokens
from app.rails.access import credential, reach
from app.rails.base import Rail, RailUnavailable, Result
from app.rails.http import Client, Reply
from app.rails.paypal_items import Batch, is_over, read
from app.rails.tokens import Token

PAGE = 1_000  # items of a batch at once: what PayPal gives at most
MOST_PAGES = 20
BATCHES_KEPT = 8
BATCH_FRESH_S = 5.0
SEND_READ_S = 90.0  # taking 15,000 items takes PayPal a while


class Refused(Exception):
    """PayPal answered, and did not do it. `code` is PayPal's name for why; `details` as it gave them."""

    def __init__(self, reply: Reply) -> None:
        said: Mapping[str, Any] = reply.json if isinstance(reply.json, dict) else {}
        self.status = reply.status
        self.code = str(said.get("name") or f"http_{reply.status}")
        self.debug_id = str(said.get("debug_id") or "")
        found = said.get("details")
        self.details: list[Any] = found if isinstance(found, list) else []
        super().__init__(self.code)


class PayPalClient:
    """PayPal's API with the credentials of `rail`; its address and credentials are read at each call."""

    def __init__(self, rail: Rail) -> None:
        self._rail = rail
        self._client: tuple[str, Client] | None = None
        self._batches: dict[str, tuple[float, Batch]] = {}

    def post(self, path: str, body: Any, *, request_id: str = "") -> Any:
        """The JSON of a good answer. Raises Refused, RailUnavailable (unknown)."""
        more = {"PayPal-Request-Id": request_id} if request_id else {}
        return self._call(lambda http, headers: http.post(path, body, headers=headers), more)

    def post_json(self, path: str, content: bytes) -> Any:
        """As `post`, of a body that is JSON already and must go out byte for byte."""
        return self._call(lambda http, headers: http.post_json(path, content, headers=headers))

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """As `post`."""
        return self._call(lambda http, headers: http.get(path, params=params, headers=headers))

    def item(self, item_id: str) -> Result:
        """One item as it is now. Raises RailUnavailable."""
        try:
            return read(self.get(f"/v1/payments/payouts-item/{quote(item_id, safe='')}"))
        except Refused as refused:
            raise RailUnavailable("PayPal refused the look-up.", refused.code) from refused

    def cancel(self, item_id: str) -> Result:
        """Call back an item that nobody claimed. Raises Refused, RailUnavailable."""
        return read(self.post_json(f"/v1/payments/payouts-item/{quote(item_id, safe='')}/cancel", b""))

    def batch(self, batch_id: str, *, fresh: bool = False) -> Batch:
        """A batch with all its items, page by page; one read a moment ago unless `fresh`. Raises RailUnavailable."""
        kept = self._batches.get(batch_id)
        if kept and not fresh and time.monotonic() - kept[0] < BATCH_FRESH_S:
            return kept[1]
        try:
            found = self._read_batch(batch_id)
        except Refused as refused:
            raise RailUnavailable("PayPal refused the look-up.", refused.code) from refused
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RailUnavailable("PayPal's answer makes no sense.", "unreadable") from error
        self._batches.pop(batch_id, None)
        while len(self._batches) >= BATCHES_KEPT:
            self._batches.pop(next(iter(self._batches)), None)
        self._batches[batch_id] = (time.monotonic(), found)
        return found

    def _read_batch(self, batch_id: str) -> Batch:
        items: dict[str, Result] = {}
        names: dict[str, str] = {}
        for page in range(1, MOST_PAGES + 1):
            asked = {"page": str(page), "page_size": str(PAGE), "total_required": "true"}
            said = self.get(f"/v1/payments/payouts/{quote(batch_id, safe='')}", asked)
            if page == 1:
                status, total = str(said["batch_header"]["batch_status"]), said.get("total_items")
            shown = said.get("items") or []
            for item in shown:
                result = read(item)
                items[result.key], names[result.key] = result, str(item["payout_item_id"])
            if not shown or page >= int(said.get("total_pages") or 0):
                break
        return Batch(batch_id, status, items, is_over(status) and total == len(items), names)

    def _call(self, send: Callable[[Client, dict[str, str]], Reply], more: Mapping[str, str] | None = None) -> Any:
        """Once more with a new token when the old one is refused: nothing was done then."""
        http, name = self._http()
        for last in (False, True):
            token = tokens.shared.store.get(name, lambda: self._fetch_token(http))
            reply = send(http, {"Authorization": f"Bearer {token}", **(more or {})})
            if reply.status != 401 or last:
                break
            tokens.shared.store.forget(name, token)
        if not reply.ok:
            raise Refused(reply)
        return reply.json

    def _fetch_token(self, http: Client) -> Token:
        pair = f"{credential(self._rail, 'PAYPAL_CLIENT_ID')}:{credential(self._rail, 'PAYPAL_CLIENT_SECRET')}"
        basic = base64.b64encode(pair.encode()).decode()
        form = {"grant_type": "client_credentials"}
        reply = http.post_form("/v1/oauth2/token", form, headers={"Authorization": f"Basic {basic}"})
        if reply.status == 401:
            raise Refused(Reply(401, {"name": "AUTHENTICATION_FAILURE"}, reply.headers))
        if not reply.ok:
            raise RailUnavailable("PayPal gave us no token.", f"http_{reply.status}")
        try:
            lasts = timedelta(seconds=float(reply.json["expires_in"]))
            return Token(str(reply.json["access_token"]), utc_now() + lasts)
        except (KeyError, TypeError, ValueError) as error:
            raise RailUnavailable("PayPal's token makes no sense.", "unreadable") from error

    def _http(self) -> tuple[Client, str]:
        """The client, and what its token is kept under."""
        found = reach(self._rail)
        url = found.url
        if self._client is None or self._client[0] != url:
            self._client = (url, Client("PayPal", url, read_s=SEND_READ_S, proxies=found.outside))
        pair = f"{credential(self._rail, 'PAYPAL_CLIENT_ID')}:{credential(self._rail, 'PAYPAL_CLIENT_SECRET')}"
        return self._client[1], f"paypal:{hashlib.sha256(f'{url} {pair}'.encode()).hexdigest()[:32]}"
