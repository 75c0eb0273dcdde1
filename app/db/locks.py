"""Advisory locks, named by words."""

from __future__ import annotations

import hashlib

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
