"""What every file has between its upload and the job that imports it: looked at, handed over once, done, failed, given
up. Bills, orders, appointments and payees each keep a row of their own kind; the steps are the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor
from app.db import paging

UPLOADED, RUNNING, DONE, FAILED = "uploaded", "running", "done", "failed"


class Upload(Protocol):
    """Columns of such a row. `status` is an enum of its own with the four words above."""

    id: Any
    organization_id: Any
    file_name: Any
    file_sha256: Any
    status: Any
    summary: Any
    imported_by: Any
    imported_by_account_id: Any
    created_at: Any
    finished_at: Any


U = TypeVar("U", bound=Upload)


def find(session: Session, kind: type[U], organization_id: UUID, import_id: UUID, *, lock: bool = False) -> U:
    """The organization's own upload of a kind. Raises NotFound."""
    query = select(kind).where(kind.id == import_id, kind.organization_id == organization_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such import.")
    return found


def waiting(session: Session, kind: type[U], organization_id: UUID, import_id: UUID) -> U:
    """The upload, locked, while nothing was imported from it. Raises NotFound, Conflict."""
    found = find(session, kind, organization_id, import_id, lock=True)
    if found.status != UPLOADED:
        raise Conflict("This file is being imported or is imported already.")
    return found


def agreed(faulty: object, skip: bool, field: str) -> None:
    """Faulty lines are left out when somebody said so. Raises Invalid at `field`."""
    if faulty and not skip:
        said = "Tick this, or mend the lines in the file and upload it again."
        raise Invalid(said, fields={field: said})


def confirmed(actor: Actor, record: Upload) -> None:
    """It goes to the job, to which the caller promises it, in the name of who confirmed it."""
    record.status = type(record.status)(RUNNING)
    record.imported_by, record.imported_by_account_id = actor.label, actor.account_id


def finish(record: Upload) -> None:
    record.status, record.finished_at = type(record.status)(DONE), utc_now()


def fail(session: Session, record: Upload, reason: str) -> None:
    """The job could not import the file; the reason is for the person who uploaded it."""
    record.status, record.finished_at = type(record.status)(FAILED), utc_now()
    record.summary = {**(record.summary or {}), "reason": reason}
    session.flush()


def actor_of(record: Upload) -> Actor:
    """Who confirmed the import, for the job that does it."""
    return Actor(record.imported_by, "system", record.imported_by_account_id, organization_id=record.organization_id)


def listing(session: Session, kind: type[U], organization_id: UUID, cursor: str | None, limit: int) -> paging.Page:
    """id, file_name, status, summary, imported_by, created_at, finished_at; newest first."""
    query: paging.AnySelect = select(
        kind.id, kind.file_name, kind.status, kind.summary, kind.imported_by, kind.created_at, kind.finished_at
    ).where(kind.organization_id == organization_id)
    return paging.fetch(session, query, paging.Key((kind.created_at, kind.id), ("created_at", "id")), cursor, limit)


def opened(actor: Actor, *, name: str, sha256: str) -> dict[str, Any]:
    """What every such row begins with, beside its own columns."""
    moment: datetime = utc_now()
    return {
        "file_name": name, "file_sha256": sha256, "imported_by": actor.label,
        "imported_by_account_id": actor.account_id, "created_at": moment,
    }  # fmt: skip
