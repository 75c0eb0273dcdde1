"""Access tokens of providers in the database: every worker uses the same one, sealed, and one of them fetches the next.

Whoever finds no good token takes the turn to fetch in a transaction of its own, calls the provider outside of any, and
writes down what it got. The others wait for that; a turn nobody ended is over by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.crypto import CannotOpen, open_sealed, seal
from app.core.scope import Scope
from app.db.base import PlatformRecord
from app.db.session import unit_of_work
from app.db.types import Sealed, SealedText
from app.rails.base import RailUnavailable
from app.rails.tokens import Token

TURN = timedelta(seconds=45)  # longer than a call may take
LOOK_EVERY_S = 0.2
_SCOPE = Scope.platform("a provider's access token")


class ProviderToken(PlatformRecord):
    """`turn_until`: somebody is fetching another one until then."""

    __tablename__ = "provider_tokens"

    name: Mapped[str] = mapped_column(unique=True)
    token_sealed: Mapped[SealedText | None] = mapped_column(Sealed)
    expires_at: Mapped[datetime | None]
    turn_until: Mapped[datetime | None]


_READ = text("SELECT token_sealed, expires_at FROM provider_tokens WHERE name = :name")
_TURN = text(
    """INSERT INTO provider_tokens (name, turn_until) VALUES (:name, :until)
    ON CONFLICT (name) DO UPDATE SET turn_until = excluded.turn_until
    WHERE provider_tokens.turn_until IS NULL OR provider_tokens.turn_until < :now RETURNING id"""
)
_WRITE = text(
    """UPDATE provider_tokens SET token_sealed = :sealed, expires_at = :expires_at, turn_until = NULL
    WHERE name = :name"""
)
_GIVE_UP = text("UPDATE provider_tokens SET turn_until = NULL WHERE name = :name")


class DatabaseTokens:
    """See `app.rails.tokens.TokenStore`. Never call it inside a unit of work: it may call the provider."""

    def get(self, name: str, fetch: Callable[[], Token]) -> str:
        """Raises what `fetch` raises, RailUnavailable when another's turn does not end."""
        end = time.monotonic() + TURN.total_seconds()
        while True:
            found = _read(name)
            if found is not None and found.good:
                return found.text
            if _take_turn(name):
                found = _read(name)  # another may have ended its turn in between
                if found is not None and found.good:
                    _give_up(name)
                    return found.text
                return _fetch(name, fetch)
            if time.monotonic() > end:
                raise RailUnavailable("Nobody got an access token in time.", "no_token")
            time.sleep(LOOK_EVERY_S)

    def forget(self, name: str, text: str) -> None:
        found = _read(name)
        if found is not None and found.text == text:
            with unit_of_work(_SCOPE) as session:
                session.execute(_WRITE, {"name": name, "sealed": None, "expires_at": None})


def _read(name: str) -> Token | None:
    with unit_of_work(_SCOPE) as session:
        row = session.execute(_READ, {"name": name}).one_or_none()
    if row is None or row.token_sealed is None or row.expires_at is None:
        return None
    try:
        return Token(str(open_sealed(row.token_sealed, _context(name))), row.expires_at)
    except CannotOpen:
        return None  # sealed with a key that is gone: another is fetched


def _take_turn(name: str) -> bool:
    now = utc_now()
    with unit_of_work(_SCOPE) as session:
        return session.execute(_TURN, {"name": name, "until": now + TURN, "now": now}).one_or_none() is not None


def _fetch(name: str, fetch: Callable[[], Token]) -> str:
    try:
        token = fetch()
    except BaseException:
        _give_up(name)
        raise
    sealed = seal(token.text, _context(name))
    with unit_of_work(_SCOPE) as session:
        session.execute(_WRITE, {"name": name, "sealed": sealed, "expires_at": token.expires_at})
    return token.text


def _give_up(name: str) -> None:
    with unit_of_work(_SCOPE) as session:
        session.execute(_GIVE_UP, {"name": name})


def _context(name: str) -> str:
    return f"provider_tokens.token:{name}"
