"""Earnings whose hold is over become ready."""

from __future__ import annotations

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.earnings import service

SLICE = 5_000


def release_due() -> None:
    """In slices, each its own transaction: a run that is cut off has lost nothing."""
    while True:
        with unit_of_work(Scope.platform("release held earnings")) as session:
            if service.release_due(session, limit=SLICE) < SLICE:
                return
