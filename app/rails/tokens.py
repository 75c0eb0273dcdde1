"""Access tokens of providers, one for all workers: at some a new token ends the one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.core.clock import utc_now

EARLY = timedelta(seconds=60)  # a token about to end is as good as none


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    expires_at: datetime

    @property
    def good(self) -> bool:
        return utc_now() < self.expires_at - EARLY


class TokenStore(Protocol):
    def get(self, name: str, fetch: Callable[[], Token]) -> str:
        """The token everybody uses; one of the askers calls `fetch` when there is none. Raises what `fetch` raises."""
        ...

    def forget(self, name: str, text: str) -> None:
        """The provider refused this one: the next asker fetches another."""
        ...


class ProcessTokens:
    """For one process: tests, commands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}

    def get(self, name: str, fetch: Callable[[], Token]) -> str:
        with self._lock:
            found = self._tokens.get(name)
            if found is None or not found.good:
                found = self._tokens[name] = fetch()
            return found.text

    def forget(self, name: str, text: str) -> None:
        with self._lock:
            found = self._tokens.get(name)
            if found is not None and found.text == text:
                del self._tokens[name]


class _Shared:
    """The store of this process; workers and web servers put the one in the database here when they start."""

    def __init__(self) -> None:
        self.store: TokenStore = ProcessTokens()


shared = _Shared()
