"""One access token for all workers: fetched once, shared, sealed, fetched again when it was refused."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import utc_now
from app.payouts.tokens import DatabaseTokens
from app.rails.base import RailUnavailable
from app.rails.tokens import Token

pytestmark = pytest.mark.usefixtures("database_url")


class Provider:
    """Each new token ends the one before it."""

    def __init__(self, lasts: timedelta = timedelta(hours=1)) -> None:
        self.made, self.lasts, self._lock = 0, lasts, threading.Lock()

    def fetch(self) -> Token:
        with self._lock:
            self.made += 1
            number = self.made
        time.sleep(0.3)
        return Token(f"token-{number}", utc_now() + self.lasts)


def test_many_askers_at_once_share_one_token(superuser: Any) -> None:
    provider = Provider()
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: DatabaseTokens().get("mpesa", provider.fetch), range(12)))
    assert found == {"token-1"} and provider.made == 1
    kept = superuser.execute("SELECT token_sealed FROM provider_tokens").fetchone()[0]
    assert "token-1" not in kept


def test_a_refused_token_is_fetched_again_and_an_old_refusal_harms_nobody() -> None:
    provider, tokens = Provider(), DatabaseTokens()
    first = tokens.get("mpesa", provider.fetch)
    tokens.forget("mpesa", first)
    second = tokens.get("mpesa", provider.fetch)
    tokens.forget("mpesa", first)  # somebody slow, about the one before
    assert tokens.get("mpesa", provider.fetch) == second and provider.made == 2


def test_a_token_about_to_end_is_none() -> None:
    provider = Provider(timedelta(seconds=30))
    tokens = DatabaseTokens()
    assert tokens.get("mpesa", provider.fetch) != tokens.get("mpesa", provider.fetch)


def test_who_fails_to_fetch_lets_the_next_try() -> None:
    def broken() -> Token:
        raise RailUnavailable("no answer")

    with pytest.raises(RailUnavailable):
        DatabaseTokens().get("mpesa", broken)
    assert DatabaseTokens().get("mpesa", Provider().fetch) == "token-1"
