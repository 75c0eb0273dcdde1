"""The approval queue, one bill with where its money is, and the queue as a file."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import service as audit
from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.files import service as files
from app.payables import queries
from app.payees.rules import terms_text
from portals.org import bill_filters, bill_lines, bp
from portals.shared.downloads import csv_file
from portals.shared.payee.files import download
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page

COLUMNS = (
    "Reference", "Invoice number", "Supplier reference", "Supplier name", "Amount", "Approved amount", "Currency",
    "Invoice date", "Payment terms", "Due date", "Description", "Category", "Status", "Submitted", "Reviewed by",
    "Reviewed", "Reason",
)  # fmt: skip


@bp.get("/bills")
@require(Permission.REQUEST_READ)
def bills() -> ResponseReturnValue:
    queue, want = bill_filters.asked(), paging.wanted(bill_lines.ROWS)
    found = queries.approval_queue(
        db(), g.organization.id, queue.found, sort=queue.sort, cursor=want.cursor, limit=want.limit
    )
    return page("org/bills/index.html", fragment="org/bills/_queue_part.html", **bill_lines.listed(queue, found))


@bp.get("/bills.csv")
@require(Permission.REQUEST_READ)
def bills_file() -> ResponseReturnValue:
    """The same filter as a file, as long as it is."""
    queue, session, organization_id = bill_filters.asked(), db(), g.organization.id
    filters = {f"filter_{name}": value for name, value in queue.query.items()}
    audit.record(session, g.actor, "requests.downloaded", "payment_request", organization_id=organization_id, **filters)

    def rows() -> Iterator[tuple[object, ...]]:
        for row in queries.all_requests(session, organization_id, queue.found):
            approved = None if row.approved_minor is None else Money(row.approved_minor, row.currency).plain()
            yield (
                row.reference, row.invoice_number, row.payee_reference, row.payee_name,
                Money(row.amount_minor, row.currency).plain(), approved, row.currency, row.invoice_on,
                terms_text(row.terms_days), row.due_on, row.description, row.category, row.status.value,
                _stamp(row.submitted_at), row.reviewed_by, _stamp(row.reviewed_at), row.review_reason,
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"bills-{g.slug}-{queue.view}-{today()}.csv")


def _stamp(moment: object) -> str:
    return moment.isoformat(timespec="seconds") if hasattr(moment, "isoformat") else ""


@bp.get("/bills/<uuid:request_id>")
@require(Permission.REQUEST_READ)
def bill(request_id: UUID) -> ResponseReturnValue:
    """The page, or the drawer below its row."""
    line = bill_lines.one(request_id)
    return page("org/bills/bill.html", fragment="org/bills/_drawer.html", **bill_lines.details(line))


@bp.get("/bills/<uuid:request_id>/files/<uuid:file_id>")
@require(Permission.REQUEST_READ)
def bill_attachment(request_id: UUID, file_id: UUID) -> ResponseReturnValue:
    queries.detail(db(), request_id, g.organization.id)
    found = files.find(db(), file_id)
    if found.subject_id != request_id or found.organization_id != g.organization.id:
        raise NotFound(_("There is no such file."))
    return download(found.name, found.content_type, found.storage_key)
