"""Calls to Stripe about money out: one request each, our own idempotency key, and what refusals mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core import stripe_wire
from app.rails.base import Blame, RailError, RailUnavailable
from app.rails.http import Client, Reply
from app.rails.reasons import Reason
from app.rails.stripe_codes import refusal

OAUTH_URL = "https://connect.stripe.com"
MOST_PAGES = 50


class Refused(RailError):
    """Final: Stripe did nothing. `reason` says who can mend it."""

    def __init__(self, reason: Reason, code: str, status: int) -> None:
        super().__init__(reason.message, code)
        self.reason, self.status = reason, status


class Api:
    """One account of ours at Stripe. `oauth_url`: where accounts people have already are connected."""

    def __init__(self, url: str, secret_key: str) -> None:
        real = url == stripe_wire.URL
        headers = stripe_wire.headers(secret_key)
        self.oauth_url = OAUTH_URL if real else url
        self._client = Client("Stripe", url, headers=headers, proxies=real)
        self._oauth = Client("Stripe", self.oauth_url, headers=headers, proxies=real) if real else self._client

    def get(self, path: str, params: Mapping[str, str] | None = None, account: str = "") -> dict[str, Any]:
        """`account`: a connected one to act on. Raises Refused or RailUnavailable."""
        return _read(self._client.get(path, params=params, headers=_on(account)))

    def post(self, path: str, form: Mapping[str, str], key: str, account: str = "") -> dict[str, Any]:
        """Under our own key, so that the same call again does nothing new. Raises Refused or RailUnavailable."""
        headers = {"Idempotency-Key": key, **_on(account)}
        return _read(self._client.post_form(path, form, headers=headers))

    def oauth(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises Refused or RailUnavailable."""
        return _read(self._oauth.post_form(path, form))

    def all(
        self, path: str, params: Mapping[str, str], account: str = "", pages: int = MOST_PAGES
    ) -> Iterator[dict[str, Any]]:
        """Every row of a list, newest first. Raises RailUnavailable rather than say there is no such row unread."""
        after: dict[str, str] = {}
        for _ in range(pages):
            page = self.get(path, {**params, "limit": "100", **after}, account)
            rows = page.get("data") or []
            yield from rows
            if not page.get("has_more") or not rows:
                return
            after = {"starting_after": str(rows[-1]["id"])}
        raise RailUnavailable("Stripe has too much to look through.", "too_many")


def _on(account: str) -> dict[str, str]:
    return {"Stripe-Account": account} if account else {}


def _read(reply: Reply) -> dict[str, Any]:
    if reply.ok and isinstance(reply.json, dict):
        return reply.json
    if reply.ok:
        raise RailUnavailable("Stripe answered something unreadable.", "not_json")
    said = reply.json.get("error") if isinstance(reply.json, dict) else None
    if isinstance(said, str):  # OAuth says {"error": "invalid_grant", "error_description": …}
        raise Refused(Reason("Stripe did not connect the account.", "Try again.", Blame.PAYEE), said, reply.status)
    told: dict[str, Any] = said if isinstance(said, dict) else {}
    code = str(told.get("code") or told.get("type") or f"http_{reply.status}")
    reason = refusal(reply.status, str(told.get("type") or ""), code)
    if reason is None:
        raise RailUnavailable("Stripe did not answer properly.", code)
    raise Refused(reason, code, reply.status)
