"""No network inside a database transaction: a slow provider would hold our locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_open: ContextVar[int] = ContextVar("open_transactions", default=0)


class NetworkInTransaction(RuntimeError):
    """A programming error: commit first, then call."""


@contextmanager
def transaction() -> Iterator[None]:
    """Marks the block as a unit of work."""
    token = _open.set(_open.get() + 1)
    try:
        yield
    finally:
        _open.reset(token)


def no_transaction(what: str) -> None:
    """Raise NetworkInTransaction when called inside a unit of work. Every outgoing call asks first."""
    if _open.get():
        raise NetworkInTransaction(f"{what} was called inside a database transaction")
