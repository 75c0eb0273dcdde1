"""Advisory locks, named by words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session


def lock_key(*parts: object) -> int:
    """A signed 64-bit key from words: what pg_advisory_lock takes."""
    digest = hashlib.sha256("\0".join(str(p) for p in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def hold(session: Session, *parts: object, shared: bool = False) -> None:
    """Wait for a lock kept until the transaction ends; `shared` holders only exclude exclusive ones."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    session.execute(text(f"SELECT {function}(:key)"), {"key": lock_key(*parts)})


def hold_each(session: Session, word: str, things: Iterable[object]) -> None:
    """`hold` a lock for each of many things, in one statement and always in the same order."""
    keys = sorted(lock_key(word, thing) for thing in things)
    # An aggregate takes its rows in the order it is given; a plain select list may run before the sort.
    session.execute(
        text("SELECT count(pg_advisory_xact_lock(key) IS NULL ORDER BY key) FROM unnest(CAST(:keys AS bigint[])) key"),
        {"keys": keys},
    )
