"""Orders that shops told us of become rows and commission."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.sales import deliveries
from app.webhooks import queries, service


def apply_calls(webhook_ids: Sequence[str]) -> None:
    """Each call in a transaction of its own, so that one that cannot be applied holds up no other."""
    for webhook_id in webhook_ids:
        with unit_of_work(Scope.platform("apply a shop's call")) as session:
            for call in queries.unapplied_orders(session, [UUID(webhook_id)]):
                if call.event["ignored"]:
                    service.ignored(session, [call.id], call.event["ignored"])
                else:
                    service.applied(session, [call.id], deliveries.apply(session, SYSTEM, call.event))
