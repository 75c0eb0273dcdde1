"""Received events that nobody applied are promised again; what an earlier version kept unsealed is sealed."""

from __future__ import annotations

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.webhooks import bodies, service

SLICE = 500


def sweep() -> None:
    with unit_of_work(Scope.platform("webhooks nobody applied")) as session:
        service.promise_again(session)
    _seal()


def _seal() -> None:
    while True:
        with unit_of_work(Scope.platform("seal earlier deliveries")) as session:
            if bodies.seal_earlier(session, SLICE) < SLICE:
                break
