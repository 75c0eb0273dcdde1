"""Packs of seat credits: who is told a week before the end, what has ended, what nobody paid for."""

from __future__ import annotations

from collections.abc import Callable

from app.billing import credits, packs
from app.core.scope import Scope
from app.db.session import ScopedSession, unit_of_work

SLICE = 500


def once_a_day() -> None:
    """Asked every hour, as days begin in every zone at another one; each pack is told and ended once."""
    _each("seat credits that ended", credits.expire)
    _each("seat credits that end soon", credits.warn)
    _each("seat packs nobody paid for", packs.cancel_unpaid)


def _each(reason: str, step: Callable[[ScopedSession, int], int]) -> None:
    while True:
        with unit_of_work(Scope.platform(reason)) as session:
            done = step(session, SLICE)
        if done < SLICE:
            return
