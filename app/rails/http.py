"""The one way a rail calls out: JSON, time limits, no retries, and "we do not know" said as RailUnavailable."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from app.core.guards import no_transaction
from app.rails.base import RailUnavailable

CONNECT_S = 5.0
READ_S = 30.0
MAX_REPLY_BYTES = 8_000_000

logging.getLogger("httpx").setLevel(logging.WARNING)  # its request lines carry whole URLs, with our keys in them


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status below 500, or one the client hands back (redirects and 408 count as no answer), and the
    parsed JSON body."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Client:
    """One provider's address and credentials.

    The connection pool belongs to the operating system process that opened it: a worker that forks gets its own.
    `hands_back`: statuses of 500 and above with which the provider says what it thinks; they come as a reply.
    `proxies` says whether the environment's HTTP proxy applies (not for a peer on the same machine).
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        proxies: bool = True,
        hands_back: frozenset[int] = frozenset(),
    ) -> None:
        self._provider = provider
        self._base_url = base_url
        self._headers = dict(headers or {})
        self._timeout = httpx.Timeout(read_s, connect=connect_s)
        self._proxies = proxies
        self._hands_back = hands_back
        self._pool: tuple[int, httpx.Client] | None = None

    def get(
        self, path: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Raises RailUnavailable when there was no usable answer."""
        return self._call("GET", path, params=params, headers=headers)

    def fetch(self, path: str) -> bytes:
        """A file as it is. Raises RailUnavailable when it cannot be had."""
        response = self._answer("GET", path, None, None, {})
        if response.status_code != 200 or len(response.content) > MAX_REPLY_BYTES:
            raise RailUnavailable(f"{self._provider} did not give it.", f"http_{response.status_code}")
        return response.content

    def post(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Send `body` as JSON, once. Raises RailUnavailable when it is unknown what became of it."""
        return self._call("POST", path, body=body, headers=headers)

    def post_form(self, path: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Reply:
        """As `post`, url-encoded."""
        return self._call("POST", path, form=form, headers=headers)

    def post_json(self, path: str, content: bytes, *, headers: Mapping[str, str] | None = None) -> Reply:
        """As `post`, of a body that is JSON already: it goes out byte for byte."""
        return self._call("POST", path, content=content, headers=headers)

    def patch(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Reply:
        """As `post`."""
        return self._call("PATCH", path, body=body, headers=headers)

    def close(self) -> None:
        if self._pool is not None and self._pool[0] == os.getpid():
            self._pool[1].close()
        self._pool = None

    def _client(self) -> httpx.Client:
        if self._pool is None or self._pool[0] != os.getpid():
            client = httpx.Client(
                base_url=self._base_url,
                headers=self._headers,
                timeout=self._timeout,
                follow_redirects=False,  # a redirect could carry our credentials to another host
                trust_env=self._proxies,
            )
            self._pool = (os.getpid(), client)
        return self._pool[1]

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(body, separators=(",", ":")).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        elif form is not None:
            content = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return self._read(self._answer(method, path, content, params, sent))

    def _answer(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        no_transaction(f"{self._provider}: {method} {path.split('?')[0]}")
        try:
            return self._client().request(method, path, content=content, params=params, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # The text of the error may quote the URL; its kind says enough.
            raise RailUnavailable(f"{self._provider} did not answer.", type(error).__name__) from error

    def _read(self, response: httpx.Response) -> Reply:
        status = response.status_code
        if (status >= 500 and status not in self._hands_back) or status == 408 or 300 <= status < 400:
            raise RailUnavailable(f"{self._provider} did not answer properly.", f"http_{status}")
        if len(response.content) > MAX_REPLY_BYTES:
            raise RailUnavailable(f"{self._provider} answered too much to read.", "too_long")
        try:
            parsed = json.loads(response.content) if response.content else None
        except ValueError as error:
            if status >= 400:  # refused before it reached the program that speaks JSON
                return Reply(status, None, response.headers)
            raise RailUnavailable(f"{self._provider} answered something unreadable.", "not_json") from error
        return Reply(status, parsed, response.headers)
