"""Orders that shops told us of, or that a file holds, become rows and commission."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.core.errors import Refusal
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.files import service as files
from app.files.storage import storage
from app.sales import deliveries, import_service, importing
from app.sales.states import ImportStatus
from app.webhooks import queries, service


def apply_calls(webhook_ids: Sequence[str]) -> None:
    """Each call in a transaction of its own, so that one that cannot be applied holds up no other."""
    for webhook_id in webhook_ids:
        with unit_of_work(Scope.platform("apply a shop's call")) as session:
            for call in queries.unapplied_events(session, [UUID(webhook_id)]):
                if call.event["ignored"]:
                    service.ignored(session, [call.id], call.event["ignored"])
                else:
                    service.applied(session, [call.id], deliveries.apply(session, SYSTEM, call.event))


def import_orders(import_id: str, organization_id: str) -> None:
    """A confirmed file, some orders a transaction: killed between two, it goes on where it was."""
    upload, organization = UUID(import_id), UUID(organization_id)
    scope = Scope.organization(organization)
    with unit_of_work(scope) as session:
        record = import_service.find(session, organization, upload)
        if record.status is not ImportStatus.RUNNING or record.file_id is None:
            return
        key = files.find(session, record.file_id).storage_key
    orders, more = importing.unpacked(storage().get(key)), True
    try:
        while more:
            with unit_of_work(scope) as session:
                record = import_service.locked(session, organization, upload)
                if record.status is not ImportStatus.RUNNING:
                    return
                more = import_service.take(session, record, orders)
    except Refusal as refusal:
        with unit_of_work(scope) as session:
            record = import_service.locked(session, organization, upload)
            import_service.fail(session, record, refusal.message)
