"""What the calendar told us is applied, in the order it came in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.consultations import calendar
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.webhooks import queries, service

_PLATFORM = Scope.platform("apply a calendar's event")


def apply_events(webhook_ids: Sequence[str]) -> None:
    """Each event in a transaction of its own, so that one that cannot be applied holds up no other."""
    for webhook_id in webhook_ids:
        with unit_of_work(_PLATFORM) as session:
            for found in queries.unapplied_events(session, [UUID(webhook_id)]):
                if found.event["ignored"]:
                    service.ignored(session, [found.id], found.event["ignored"])
                else:
                    calendar.apply(session, SYSTEM, found.id, found.event)
