"""Telling readers of messages they have not seen."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.messages import letters


def tell_unread(thread_id: str) -> None:
    """A while after a message: one mail for all that came meanwhile. Run twice, it finds nothing left to tell."""
    with unit_of_work(Scope.platform("tell readers of messages")) as session:
        letters.tell(session, UUID(thread_id))
