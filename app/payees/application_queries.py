"""Reads about applications; unconfirmed ones are nobody's business."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import paging
from app.payees.application_models import PayeeApplication as A
from app.payees.states import ApplicationStatus, PayeeKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """`organization_id` None: of every organization in the scope. `search`: part of name or address."""

    organization_id: UUID | None = None
    status: ApplicationStatus | None = None
    kind: PayeeKind | None = None
    search: str = ""


_COLUMNS = (
    A.id, A.organization_id, A.kind, A.status, A.name, A.email, A.work, A.country, A.links, A.message, A.confirmed_at,
    A.created_at, A.reviewed_at, A.reviewed_by, A.reviewed_reason, A.payee_id,
)  # fmt: skip


def queue(
    session: Session, wanted: Wanted, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """All columns but the link's, newest first."""
    return paging.fetch(
        session, _filtered(select(*_COLUMNS), wanted), paging.Key((A.created_at, A.id), ("created_at", "id")), cursor,
        limit,
    )  # fmt: skip


def application(session: Session, application_id: UUID) -> paging.AnyRow:
    """One as `queue` gives it. Raises NotFound."""
    query: paging.AnySelect = select(*_COLUMNS)
    found = session.execute(
        query.where(A.id == application_id, A.status != ApplicationStatus.UNCONFIRMED)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such application.")
    return found


def _filtered(query: paging.AnySelect, wanted: Wanted) -> paging.AnySelect:
    query = query.where(A.status != ApplicationStatus.UNCONFIRMED)
    if wanted.organization_id is not None:
        query = query.where(A.organization_id == wanted.organization_id)
    if wanted.status is not None:
        query = query.where(A.status == wanted.status)
    if wanted.kind is not None:
        query = query.where(A.kind == wanted.kind)
    if wanted.search.strip():
        term = wanted.search.strip().lower()
        query = query.where(or_(func.strpos(func.lower(A.name), term) > 0, func.strpos(A.email, term) > 0))
    return query
