"""Payees from files, the part that writes. Reading and checking is `app.payees.importing`, pure.

A confirmed file becomes one row each in `payee_import_rows`; a job works through those that wait, five hundred in a
transaction. Whatever stops it, the next run goes on where the last one ended, and no row is taken twice.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.files import service as files
from app.payees.directory_models import PayeeImport
from app.payees.importing import AS_DETECTED, Choices, Fault, PayeeField, PayeeFile, Settings, reasons_of
from app.payees.kinds import SPECS, spec_of
from app.payees.known import IN_BULK, held_against_directory
from app.payees.service import DEFAULT_TERMS_DAYS
from app.payees.states import PayeeImportStatus, PayeeKind

SUBJECT = "payee_import"
KINDS = tuple(kind for kind, spec in SPECS.items() if spec.added_by_organization)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """`id` names the stored upload, if it was kept."""

    name: str
    sha256: str
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: `new` payees, `known` lines that are in the directory, `faults` of the others."""

    file: PayeeFile
    new: int
    known: dict[int, UUID]
    faults: list[Fault]

    @property
    def bad(self) -> int:
        return len({fault.line for fault in self.faults})


def require(actor: Actor, organization_id: UUID) -> None:
    """Raises Forbidden."""
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)


def keep_upload(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    file: UploadedFile,
    *,
    kind: PayeeKind,
    invites: bool,
    choices: Choices = AS_DETECTED,
    currency: str,
) -> PayeeImport:
    """Note a file before anything of it is written. Raises Forbidden, Invalid for a kind nobody may import."""
    require(actor, organization_id)
    if kind not in KINDS:
        said = f"{spec_of(kind).plural} do not come from a file."
        raise Invalid(said, fields={"kind": said})
    options = asdict(choices)
    record = PayeeImport(
        id=new_id(),
        organization_id=organization_id,
        kind=kind,
        invites=invites,
        file_id=file.id,
        mapping=dict(options.pop("columns")),
        options={**options, "currency": currency},
        status=PayeeImportStatus.UPLOADED,
        **uploads.opened(actor, name=file.name, sha256=file.sha256),
    )
    session.add(record)
    session.flush()
    audit.record(
        session, actor, "payees.uploaded", SUBJECT, record.id, organization_id=organization_id,
        file=file.name, sha256=file.sha256, kind=kind.value,
    )  # fmt: skip
    return record


def choose(session: Session, actor: Actor, organization_id: UUID, import_id: UUID, choices: Choices) -> None:
    """Keep what the person decided about the columns. Raises Forbidden, NotFound, Conflict once it is running."""
    require(actor, organization_id)
    record = uploads.waiting(session, PayeeImport, organization_id, import_id)
    options = asdict(choices)
    record.mapping = dict(options.pop("columns"))
    record.options = {**record.options, **options}


def choices_of(record: PayeeImport) -> Choices:
    """What was decided about a kept upload."""
    return Choices.of({**record.options, "columns": record.mapping})


def settings_of(record: PayeeImport) -> Settings:
    return Settings(record.kind, record.invites, record.options["currency"], DEFAULT_TERMS_DAYS)


def preview(
    session: ScopedSession, actor: Actor, organization_id: UUID, file: PayeeFile, settings: Settings
) -> Preview:
    """Hold a file against the directory; nothing is written. Raises Forbidden."""
    require(actor, organization_id)
    with session.elevated(IN_BULK):
        held = held_against_directory(session, organization_id, file.rows, settings)
    called = {field.label: file.columns.name(field) for field in PayeeField}
    held_faults = [replace(fault, column=called.get(fault.column, fault.column)) for fault in held.faults]
    bad = {fault.line for fault in held_faults}
    new = sum(1 for row in file.rows if row.line not in held.known and row.line not in bad)
    return Preview(file, new, held.known, sorted([*file.faults, *held_faults], key=lambda fault: fault.line))


_ROWS = text(
    """INSERT INTO payee_import_rows (organization_id, import_id, line, email, name, reference, currency, terms_days,
        commission_bps, tags, outcome, reason, payee_id)
    SELECT :organization_id, :import_id, n.line, n.email, n.name, n.reference, n.currency, n.terms_days,
        n.commission_bps, CAST(n.tags AS jsonb), n.outcome, n.reason, n.payee_id
    FROM unnest(CAST(:lines AS bigint[]), CAST(:emails AS text[]), CAST(:names AS text[]),
        CAST(:references AS text[]), CAST(:currencies AS text[]), CAST(:terms AS bigint[]),
        CAST(:commissions AS bigint[]), CAST(:tags AS text[]), CAST(:outcomes AS text[]), CAST(:reasons AS text[]),
        CAST(:payee_ids AS uuid[]))
        AS n (line, email, name, reference, currency, terms_days, commission_bps, tags, outcome, reason, payee_id)
    ON CONFLICT (import_id, line) DO NOTHING"""
)


def confirm(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    import_id: UUID,
    found: Preview,
    *,
    skip_bad: bool = False,
) -> PayeeImport:
    """Write every row with its outcome so far, and hand the new ones to the job, once.

    Raises Forbidden, NotFound, Conflict when it runs already, Invalid while rows are faulty unless `skip_bad`.
    """
    require(actor, organization_id)
    record = uploads.waiting(session, PayeeImport, organization_id, import_id)
    if found.faults and not skip_bad:
        raise Invalid("Some rows are faulty.", fields={"skip_bad": "Tick this, or mend the file and upload it again."})
    reasons, known = found.file.reasons | _reasons(found), found.known
    rows = sorted([*found.file.rows, *found.file.bad_rows], key=lambda row: row.line)
    outcomes = ["refused" if r.line in reasons else "known" if r.line in known else "waiting" for r in rows]
    session.execute(
        _ROWS,
        {
            "organization_id": organization_id,
            "import_id": import_id,
            "lines": [row.line for row in rows],
            "emails": [row.email for row in rows],
            "names": [row.name or "–" for row in rows],
            "references": [row.reference for row in rows],
            "currencies": [row.currency for row in rows],
            "terms": [row.terms_days for row in rows],
            "commissions": [row.commission_bps for row in rows],
            "tags": [json.dumps(row.tags) for row in rows],
            "outcomes": outcomes,
            "reasons": [reasons.get(row.line) for row in rows],
            "payee_ids": [known.get(row.line) if row.line not in reasons else None for row in rows],
        },
    )
    uploads.confirmed(actor, record)
    outbox.emit(session, Topic.PAYEES_IMPORT_CONFIRMED, import_id=import_id, organization_id=organization_id)
    return record


def _reasons(found: Preview) -> dict[int, str]:
    """What the directory has against rows that are good in themselves."""
    return reasons_of(fault for fault in found.faults if fault not in found.file.faults)


def discard(session: Session, actor: Actor, organization_id: UUID, import_id: UUID) -> None:
    """Give up an upload nothing was written from. Raises Forbidden, NotFound, Conflict."""
    require(actor, organization_id)
    record = uploads.waiting(session, PayeeImport, organization_id, import_id)
    file_id, name = record.file_id, record.file_name
    session.execute(delete(PayeeImport).where(PayeeImport.id == import_id))
    if file_id is not None:
        files.remove(session, actor, file_id)
    audit.record(
        session, actor, "payees.upload_discarded", SUBJECT, import_id, organization_id=organization_id, file=name
    )


def actor_of(record: PayeeImport) -> Actor:
    """Who confirmed the import, for the job that does it."""
    return uploads.actor_of(record)


def locked(session: Session, organization_id: UUID, import_id: UUID) -> PayeeImport:
    """Raises NotFound."""
    return uploads.find(session, PayeeImport, organization_id, import_id, lock=True)
