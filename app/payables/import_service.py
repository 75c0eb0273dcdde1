"""Bills from files, the part that writes. Reading and checking is `app.payables.importing`, pure.

Everything of a file is written by a handful of statements in one transaction, or nothing is. Bills are keyed by
(organization, reference): the same file again adds nothing, the same reference for another bill is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations.models import Organization
from app.payables.importing import BillRow, Bills, Choices, ImportSummary, summarize
from app.payables.known import held_against_known
from app.payables.models import BillImport
from app.payables.states import ImportStatus
from app.payees import service as payees
from app.payees.rules import due_on

SUBJECT = "bill_import"


@dataclass(frozen=True, slots=True)
class BillFile:
    """The file the bills were read from. `file_id` names the stored upload, if it was kept."""

    name: str
    sha256: str
    file_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """`import_id` None: nothing was written. `new_payees`: vendors that were not known before.

    `bills` is the file as it was taken, with the errors found against what is stored.
    """

    summary: ImportSummary
    bills: Bills
    import_id: UUID | None = None
    new_payees: int = 0


# Under a policy the planner thinks that a hundred thousand rows are one and joins them row by row.
_IN_BULK = "a whole file at once; every statement names the organization"


def preview(session: ScopedSession, actor: Actor, organization_id: UUID, bills: Bills) -> ImportSummary:
    """What an import would do: `imported` bills are new, `already` known. Nothing is written. Raises Forbidden."""
    _require(actor, organization_id)
    with session.elevated(_IN_BULK):
        bills = held_against_known(session, organization_id, bills)
        known = len(_known(session, organization_id, bills.rows))
    return summarize(bills, imported=len(bills.rows) - known, already=known)


def import_bills(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    bills: Bills,
    file: BillFile,
    *,
    choices: Choices | None = None,
    skip_bad: bool = False,
    terms_days: int = payees.DEFAULT_TERMS_DAYS,
    import_id: UUID | None = None,
) -> Imported:
    """Write the checked bills: vendors with engagements, requests to approve, timeline and audit.

    With bad rows nothing is written (`import_id` None) unless `skip_bad`. `import_id` continues an upload that was
    kept by `keep_upload`. Raises Forbidden, NotFound, Conflict for an upload that is finished already.
    """
    _require(actor, organization_id)
    with session.elevated(_IN_BULK):
        locks.hold(session, "bills import", organization_id)  # the check below holds until we commit
        bills = held_against_known(session, organization_id, bills)
        if bills.errors and not skip_bad:
            known = len(_known(session, organization_id, bills.rows))
            return Imported(summarize(bills, imported=0, already=known), bills)
        kept = _upload(session, organization_id, import_id) if import_id else None
        record = kept or _new_record(session, actor, organization_id, bills.currency, file, choices or Choices())
        if record.status in (ImportStatus.DONE, ImportStatus.FAILED):
            raise Conflict("This file is imported already.")
        summary, new_payees = _take(session, actor, record, bills, terms_days)
    audit.record(
        session, actor, "bills.imported", SUBJECT, record.id, organization_id=organization_id,
        file=file.name, sha256=file.sha256, imported=summary.imported, already=summary.already,
        skipped=summary.skipped, new_payees=new_payees,
    )  # fmt: skip
    return Imported(summary, bills, record.id, new_payees)


def _take(
    session: ScopedSession, actor: Actor, record: BillImport, bills: Bills, terms_days: int
) -> tuple[ImportSummary, int]:
    """Write vendors and requests; the summary is also kept with the upload."""
    payee_ids, new_payees = payees.ensure_vendors(
        session,
        record.organization_id,
        [(supplier.reference or supplier.key, supplier.name) for supplier in bills.suppliers],
        bills.currency,
        terms_days,
    )
    by_key = {supplier.key: payee_ids[supplier.reference or supplier.key] for supplier in bills.suppliers}
    imported = _write(session, actor, record, bills.rows, by_key)
    summary = summarize(bills, imported=imported, already=len(bills.rows) - imported)
    uploads.finish(record)
    record.summary = {**summary.as_dict(), "errors": summary.as_dict()["errors"][:100], "new_payees": new_payees}
    return summary, new_payees


def _require(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.BILLS_IMPORT)
    actor.require_organization(organization_id)


_KNOWN = text(
    """SELECT reference FROM payment_requests WHERE organization_id = :organization_id
    AND reference = ANY(CAST(:references AS text[]))"""
)


def _known(session: Session, organization_id: UUID, rows: Sequence[BillRow]) -> set[str]:
    """References that are there already."""
    references = [row.reference for row in rows]
    return set(session.execute(_KNOWN, {"organization_id": organization_id, "references": references}).scalars())


_WRITE = text(
    """WITH made AS (
        INSERT INTO payment_requests (organization_id, payee_id, reference, invoice_number, amount_minor, currency,
            description, category, work_type, invoice_on, due_on, status, import_id, import_line, submitted_at,
            created_at)
        SELECT :organization_id, n.payee_id, n.reference, n.invoice_number, n.amount_minor, n.currency, n.description,
            n.category, 'other', n.billed_on, n.due_on, 'submitted', :import_id, n.line, :now, :now
        FROM unnest(CAST(:lines AS bigint[]), CAST(:references AS text[]), CAST(:payee_ids AS uuid[]),
            CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:billed AS date[]), CAST(:due AS date[]),
            CAST(:invoices AS text[]), CAST(:descriptions AS text[]), CAST(:categories AS text[]))
            AS n (line, reference, payee_id, amount_minor, currency, billed_on, due_on, invoice_number, description,
                category)
        ORDER BY n.line
        ON CONFLICT (organization_id, reference) DO NOTHING
        RETURNING id, organization_id, payee_id, import_line
    ), noted AS (
        INSERT INTO timeline_events (organization_id, payee_id, subject_kind, subject_id, at, actor, to_state, note)
        SELECT organization_id, payee_id, 'payment_request', id, :now, :actor, 'submitted',
            :note || ', line ' || import_line FROM made
    )
    SELECT count(*) FROM made"""
)


def _write(session: Session, actor: Actor, record: BillImport, rows: Sequence[BillRow], by_key: dict[str, UUID]) -> int:
    """The requests and their first timeline line; how many were new."""
    session.flush()
    known = _known(session, record.organization_id, rows)  # passing over them is much faster than running into them
    rows = [row for row in rows if row.reference not in known]
    if not rows:
        return 0
    today = _today_of(session, record.organization_id)
    return int(
        session.execute(
            _WRITE,
            {
                "organization_id": record.organization_id,
                "import_id": record.id,
                "now": utc_now(),
                "actor": actor.label,
                "note": f"Imported from {record.file_name}",
                "lines": [row.line for row in rows],
                "references": [row.reference for row in rows],
                "payee_ids": [by_key[row.supplier_key] for row in rows],
                "amounts": [row.amount_minor for row in rows],
                "currencies": [row.currency for row in rows],
                "billed": [row.billed_on or today for row in rows],
                "due": [_due_on(row, today) for row in rows],
                "invoices": [row.invoice_number or None for row in rows],
                "descriptions": [row.description or row.category or f"Bill {row.reference}" for row in rows],
                "categories": [row.category or None for row in rows],
            },
        ).scalar_one()
    )


def _due_on(row: BillRow, today: date) -> date | None:
    """What the line says; None leaves it to the terms agreed with the payee."""
    if row.due_on is not None or row.terms_days is None:
        return row.due_on
    return due_on(row.billed_on or today, row.terms_days)


_TODAY = text("SELECT CAST(:now AT TIME ZONE time_zone AS date) FROM organizations WHERE id = :organization_id")


def _today_of(session: Session, organization_id: UUID) -> date:
    """The day it is where the organization is: the date of bills that have none."""
    found: date = session.execute(_TODAY, {"now": utc_now(), "organization_id": organization_id}).scalar_one()
    return found


def _new_record(
    session: Session, actor: Actor, organization_id: UUID, currency: str, file: BillFile, choices: Choices
) -> BillImport:
    if session.get(Organization, organization_id) is None:
        raise NotFound("There is no such organization.")
    options = asdict(choices)
    record = BillImport(
        id=new_id(),
        organization_id=organization_id,
        file_id=file.file_id,
        currency=currency,
        mapping=dict(options.pop("columns")),
        options=options,
        status=ImportStatus.UPLOADED,
        **uploads.opened(actor, name=file.name, sha256=file.sha256),
    )
    session.add(record)
    session.flush()
    return record


def keep_upload(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    file: BillFile,
    currency: str,
    choices: Choices | None = None,
) -> BillImport:
    """Note an uploaded file before anything of it is imported: the mapping step and the preview come back to it.

    Raises Forbidden, NotFound.
    """
    _require(actor, organization_id)
    record = _new_record(session, actor, organization_id, currency, file, choices or Choices())
    audit.record(
        session, actor, "bills.uploaded", SUBJECT, record.id, organization_id=organization_id,
        file=file.name, sha256=file.sha256,
    )  # fmt: skip
    return record


def choose(
    session: Session, actor: Actor, organization_id: UUID, import_id: UUID, choices: Choices, currency: str
) -> BillImport:
    """Keep what the person decided about the columns. Raises Forbidden, NotFound, Conflict once it is running."""
    _require(actor, organization_id)
    record = uploads.waiting(session, BillImport, organization_id, import_id)
    options = asdict(choices)
    record.currency, record.mapping = currency, dict(options.pop("columns"))
    record.options = {**(record.options or {}), **options}
    return record


def confirm(
    session: Session, actor: Actor, organization_id: UUID, import_id: UUID, *, skip_bad: bool = False
) -> BillImport:
    """Hand a kept upload to the job that imports it, once. Raises Forbidden, NotFound, Conflict."""
    _require(actor, organization_id)
    record = uploads.waiting(session, BillImport, organization_id, import_id)
    record.options = {**(record.options or {}), "skip_bad": skip_bad}
    uploads.confirmed(actor, record)
    outbox.emit(session, Topic.BILLS_IMPORT_CONFIRMED, import_id=import_id, organization_id=organization_id)
    return record


def fail(session: Session, organization_id: UUID, import_id: UUID, reason: str) -> BillImport:
    """The job could not import the file; the reason is for the person who uploaded it. Raises NotFound."""
    record = _upload(session, organization_id, import_id)
    uploads.fail(session, record, reason)
    return record


def choices_of(record: BillImport) -> Choices:
    """What was decided about a kept upload."""
    return Choices.of({**record.options, "columns": record.mapping})


def actor_of(record: BillImport) -> Actor:
    """Who confirmed the import, for the job that does it."""
    return uploads.actor_of(record)


def _upload(session: Session, organization_id: UUID, import_id: UUID) -> BillImport:
    return uploads.find(session, BillImport, organization_id, import_id, lock=True)
