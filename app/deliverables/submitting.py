"""A submission: at least one link or file, numbered, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import new_id
from app.deliverables import letters, rules, service
from app.deliverables.models import Deliverable, DeliverableSubmission
from app.deliverables.states import DeliverableStatus
from app.files import service as files
from app.files.models import FilePurpose, StoredFile
from app.files.sniffing import Inspected

Kept = tuple[Inspected, str]  # what was looked at, and its key in the store


def submit(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, *, links: Sequence[str] = (), note: str = "",
    kept: Sequence[Kept] = (), version: int | None = None,
) -> Deliverable:  # fmt: skip
    """Send the work in for review; the organization is told.

    The same submission sent twice counts once. Raises Forbidden, NotFound, Moved, InvalidTransition, Invalid without a
    link or file or for a link that is none.
    """
    actor.require(Permission.DELIVERABLE_WORK)
    if actor.payee_id is None:
        raise Forbidden("Only the creator submits.")
    found = service.steppable(session, actor, deliverable_id, DeliverableStatus.SUBMITTED, version)
    if found is None:
        return service.locked(session, actor, deliverable_id)
    addresses, note = rules.clean_links(links), note.strip()
    if not addresses and not kept:
        raise Invalid("Send a link or a file with it.", fields={"links": "Send at least one link or file."})
    if len(note) > rules.LONGEST_COMMENT:
        raise Invalid("The note is too long.", fields={"note": f"At most {rules.LONGEST_COMMENT} letters."})
    before = found.status
    found.advance(service.mover_of(actor), DeliverableStatus.SUBMITTED)
    found.submissions += 1
    found.moved_at, found.moved_by = utc_now(), actor.label
    made = DeliverableSubmission(
        id=new_id(), organization_id=found.organization_id, payee_id=found.payee_id, deliverable_id=found.id,
        number=found.submissions, links=addresses, note=note, submitted_by=actor.label, created_at=utc_now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _keep(session, actor, found, made.id, kept)
    service.note(session, actor, found, before, f"Submission {made.number}.", action="submitted")
    letters.to_organization(session, found, "deliverable_submitted", f"{actor.label} submitted", note)
    return found


def add_brief_files(session: ScopedSession, actor: Actor, deliverable_id: UUID, kept: Sequence[Kept]) -> None:
    """Files of the brief, while it may be edited. Raises Forbidden, NotFound, Conflict."""
    found = _with_brief(session, actor, deliverable_id)
    _keep(session, actor, found, found.id, kept)


def remove_brief_file(session: ScopedSession, actor: Actor, deliverable_id: UUID, file_id: UUID) -> StoredFile:
    """Take a file off the brief, while it may be edited. Raises Forbidden, NotFound, Conflict."""
    found = _with_brief(session, actor, deliverable_id)
    if files.find(session, file_id).subject_id != found.id:
        raise NotFound("There is no such file.")
    return files.remove(session, actor, file_id)


def _with_brief(session: ScopedSession, actor: Actor, deliverable_id: UUID) -> Deliverable:
    actor.require(Permission.DELIVERABLE_MANAGE)
    if actor.payee_id is not None:
        raise Forbidden("Only the organization writes the brief.")
    found = service.locked(session, actor, deliverable_id)
    if not rules.editable(found.status):
        raise Conflict(f"This deliverable is {found.status.label.lower()} and cannot be changed any more.")
    return found


def _keep(session: ScopedSession, actor: Actor, found: Deliverable, subject_id: UUID, kept: Sequence[Kept]) -> None:
    for inspected, key in kept:
        files.add(
            session, actor, inspected, key, organization_id=found.organization_id, payee_id=found.payee_id,
            purpose=FilePurpose.ATTACHMENT, subject_id=subject_id,
        )  # fmt: skip
