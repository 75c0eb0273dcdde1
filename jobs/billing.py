"""Invoices: the close of a month in chunks, what follows from a document that was issued or paid, reminders."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from app.billing import accrual, closing, letters, limits, packs, settling
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceStatus
from app.consultations import money, standing
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Scope
from app.core.topics import Topic
from app.db import outbox
from app.db.session import unit_of_work

log = logging.getLogger(__name__)
CHUNK = 200
_PLATFORM = Scope.platform("invoices")


def close_month(due_at: str) -> None:
    """Bill every organization for what it was charged before the month `due_at` begins. Run again, it goes on.

    A chunk is a transaction: killed between two, the next run bills the rest. One that cannot be billed is noted and
    stops nobody.
    """
    before = closing.month_start(datetime.fromisoformat(due_at))
    after: UUID | None = None
    while True:
        with unit_of_work(_PLATFORM) as session:
            ids = accrual.waiting(session, before, after, CHUNK)
            if not ids:
                return
            closed = closing.close(session, SYSTEM, ids, before=before)
            for organization_id, why in closed.refused.items():
                closing.note_refused(session, SYSTEM, organization_id, why)
        after = ids[-1]


def issued(invoice_id: str) -> None:
    """What the organization has with us pays it as far as it reaches; then it is mailed."""
    with unit_of_work(_PLATFORM) as session:
        invoice = session.get_one(Invoice, UUID(invoice_id))
        settling.cover(session, SYSTEM, invoice.organization_id, invoice.currency)
        if invoice.status is InvoiceStatus.PAID:  # nothing was due, or all of it was here
            outbox.emit(session, Topic.INVOICE_PAID, invoice_id=invoice.id)
        letters.issued(session, invoice.id)
        limits.watch(session, invoice.organization_id)  # its tax counts


def paid(invoice_id: str) -> None:
    """Seat credits that were ordered with it are there; what consultants earned by it is ready, as far as the sessions
    were held."""
    with unit_of_work(_PLATFORM) as session:
        packs.granted(session, SYSTEM, UUID(invoice_id))
    after: UUID | None = None
    while True:
        with unit_of_work(_PLATFORM) as session:
            over = [status.value for status in money.OVER]
            ids = standing.over_of_invoice(session, UUID(invoice_id), over, after, CHUNK)
            if not ids:
                return
            money.release(session, SYSTEM, ids, "The invoice was paid.")
        after = ids[-1]


def watch_limits(organization_id: str | None = None) -> None:
    """Of one organization, after something was taken from its funds; of all, every hour."""
    with unit_of_work(_PLATFORM) as session:
        limits.watch(session, UUID(organization_id) if organization_id else None)


def remind() -> None:
    """Overdue invoices, a chunk at a time."""
    while True:
        with unit_of_work(_PLATFORM) as session:
            if not letters.remind(session, utc_now().date()):
                return
