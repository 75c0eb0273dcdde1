"""Received events that nobody applied are promised again."""

from __future__ import annotations

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.webhooks import service


def sweep() -> None:
    with unit_of_work(Scope.platform("webhooks nobody applied")) as session:
        service.promise_again(session)
