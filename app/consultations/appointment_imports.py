"""Appointments from files, the part that writes; reading is `appointment_files`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations import appointments
from app.consultations.appointment_files import LABELS, AppointmentFile, AppointmentRow, Fault, unpacked
from app.consultations.appointments import AT_ONCE, Held
from app.consultations.import_models import AppointmentImport
from app.consultations.models import Appointment
from app.consultations.states import AppointmentSource, ImportStatus
from app.core.errors import Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox, paging, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.payees import queries as payees

SUBJECT = "appointment_import"
_NOBODY = "No consultant of the organization has this number, e-mail address or name."
_SEVERAL = "More than one consultant is called so: write their number or e-mail address."


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `doctors`: (name, new appointments), most first; `faults` with those nobody is meant
    by."""

    new: int
    known: int
    doctors: list[tuple[str, int]]
    faults: list[Fault]


def keep(
    session: Session, actor: Actor, organization_id: UUID, *, name: str, sha256: str, found: AppointmentFile
) -> AppointmentImport:
    """Note a file that was read, before anything of it is imported. Raises Forbidden, Invalid for an empty one."""
    _require(actor, organization_id)
    if not found.rows and not found.faults:
        said = "No appointment of this file was completed."
        raise Invalid(said, fields={"file": said})
    _held, unmeant = _meant(session, organization_id, found.rows)
    faults = sorted([*found.faults, *unmeant], key=lambda fault: fault.line)
    whole = AppointmentFile(found.rows, faults, found.read, found.not_held)
    record = AppointmentImport(
        id=new_id(),
        organization_id=organization_id,
        content=whole.packed(),
        status=ImportStatus.UPLOADED,
        summary={
            "at": 0, "new": 0, "known": 0, "read": found.read, "not_held": found.not_held,
            "faulty": len({fault.line for fault in faults}),
        },
        **uploads.opened(actor, name=name, sha256=sha256),
    )  # fmt: skip
    session.add(record)
    session.flush()
    audit.record(
        session, actor, "appointments.uploaded", SUBJECT, record.id, organization_id=organization_id, file=name,
        sha256=sha256,
    )  # fmt: skip
    return record


def _meant(
    session: Session, organization_id: UUID, rows: Sequence[AppointmentRow]
) -> tuple[dict[int, UUID], list[Fault]]:
    """By line who is meant, and a fault for each row of which that cannot be told."""
    known: dict[str, UUID | None] = {}
    names = sorted({row.doctor for row in rows})
    for start in range(0, len(names), AT_ONCE):
        known |= appointments.by_reference(session, organization_id, set(names[start : start + AT_ONCE]))
    by_line: dict[int, UUID] = {}
    faults = []
    for row in rows:
        payee_id = known.get(row.doctor.lower())
        if payee_id is not None:
            by_line[row.line] = payee_id
        else:
            faults.append(Fault(row.line, LABELS["doctor"], _SEVERAL if row.doctor.lower() in known else _NOBODY))
    return by_line, faults


def content(record: AppointmentImport) -> AppointmentFile:
    """What was read of the file. Raises NotFound when it is gone."""
    if record.content is None:
        raise NotFound("The upload is gone.")
    return unpacked(record.content)


def preview(session: ScopedSession, actor: Actor, organization_id: UUID, found: AppointmentFile) -> Preview:
    """What would come of a file. Nothing is written. Raises Forbidden."""
    _require(actor, organization_id)
    by_line, _faults = _meant(session, organization_id, found.rows)
    known = _known(session, organization_id, [row.external_id for row in found.rows])
    new = [row for row in found.rows if row.external_id not in known and row.line in by_line]
    count = Counter(by_line[row.line] for row in new)
    names = payees.names(session, list(count))
    doctors = [(names.get(payee_id, ""), number) for payee_id, number in count.most_common()]
    return Preview(len(new), len(known), doctors, found.faults)


def _known(session: Session, organization_id: UUID, numbers: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        found |= set(
            session.scalars(
                select(Appointment.external_id).where(
                    Appointment.organization_id == organization_id, Appointment.external_id.in_(some)
                )
            )
        )
    return found


def confirm(
    session: Session, actor: Actor, organization_id: UUID, import_id: UUID, *, skip_faulty: bool
) -> AppointmentImport:
    """Hand a file to the job that imports it, once. Raises Forbidden, NotFound, Conflict, Invalid for faults nobody
    agreed to leave out."""
    _require(actor, organization_id)
    record = uploads.waiting(session, AppointmentImport, organization_id, import_id)
    uploads.agreed(record.summary["faulty"], skip_faulty, "skip_faulty")
    uploads.confirmed(actor, record)
    outbox.emit(session, Topic.APPOINTMENTS_IMPORT_CONFIRMED, import_id=import_id, organization_id=organization_id)
    return record


def take(session: ScopedSession, organization_id: UUID, import_id: UUID) -> bool:
    """Write the next appointments of a confirmed file; False when it is done."""
    record = uploads.find(session, AppointmentImport, organization_id, import_id, lock=True)
    if record.status is not ImportStatus.RUNNING:
        return False
    found = content(record)
    done = record.summary["at"]
    rows = found.rows[done : done + AT_ONCE]
    by_line, _unmeant = _meant(session, organization_id, rows)
    told = [
        Held(row.external_id, by_line[row.line], datetime.fromisoformat(row.held_at), row.description)
        for row in rows
        if row.line in by_line
    ]
    result = appointments.record(session, uploads.actor_of(record), organization_id, AppointmentSource.IMPORT, told)
    record.summary = {
        **record.summary,
        "at": done + len(rows),
        "new": record.summary["new"] + result.new,
        "known": record.summary["known"] + result.known,
    }
    if done + len(rows) < len(found.rows):
        session.flush()
        return True
    uploads.finish(record)
    record.content = None
    session.flush()
    audit.record(
        session, uploads.actor_of(record), "appointments.imported", SUBJECT, record.id, organization_id=organization_id,
        file=record.file_name, sha256=record.file_sha256, new=record.summary["new"], known=record.summary["known"],
    )  # fmt: skip
    return False


def fail(session: Session, organization_id: UUID, import_id: UUID, reason: str) -> None:
    """The job could not import the file; the reason is for the person who uploaded it."""
    uploads.fail(session, uploads.find(session, AppointmentImport, organization_id, import_id, lock=True), reason)


def discard(session: Session, actor: Actor, organization_id: UUID, import_id: UUID) -> None:
    """Give up a file nothing was imported from. Raises Forbidden, NotFound, Conflict."""
    _require(actor, organization_id)
    uploads.waiting(session, AppointmentImport, organization_id, import_id)
    session.execute(delete(AppointmentImport).where(AppointmentImport.id == import_id))


def find(session: Session, organization_id: UUID, import_id: UUID) -> AppointmentImport:
    """Raises NotFound."""
    return uploads.find(session, AppointmentImport, organization_id, import_id)


def imports(
    session: Session, organization_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, file_name, status, summary, imported_by, created_at, finished_at; newest first."""
    return uploads.listing(session, AppointmentImport, organization_id, cursor, limit)


def _require(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.APPOINTMENT_RECORD)
    actor.require_organization(organization_id)
