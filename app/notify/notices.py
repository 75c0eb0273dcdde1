"""Notices: the second channel. What people are told of by mail also stands in their portal, until it is read.

A notice belongs to an address in one portal, as mails do: whoever signs in there with it reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import NotFound
from app.db import paging
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.sessions import SignedIn
from app.identity.states import Portal
from app.notify.choices import address_index, event_of
from app.notify.models import Notice

KEPT = timedelta(days=365)


def notice_of(
    to: str,
    template: str,
    subject: str,
    context: Mapping[str, Any],
    dedupe_key: str | None,
    organization_id: UUID | None,
) -> dict[str, Any] | None:
    """The row beside a mail; None where the mail is always sent, or leads to no page of a portal."""
    event, path = event_of(template), urlsplit(str(context.get("url", ""))).path
    portal = next((portal for portal in Portal if path.startswith(f"/{portal.value}/")), None)
    if event is None or portal is None:
        return None
    return {
        "id": new_id(),
        "created_at": utc_now(),
        "address_index": address_index(to),
        "portal": portal,
        "event": event.name,
        "subject": subject,
        "path": path,
        "organization_id": organization_id,
        "dedupe_key": dedupe_key,
    }


def add_many(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write notices down, each `dedupe_key` once. Every scope may add one, only the platform may read one."""
    if rows:
        session.execute(insert(Notice).inline().values(list(rows)).on_conflict_do_nothing())


def _own(who: SignedIn, organization_id: UUID | None) -> list[Any]:
    found = [Notice.address_index == address_index(who.email), Notice.portal == who.portal]
    if organization_id is not None:
        found.append(or_(Notice.organization_id == organization_id, Notice.organization_id.is_(None)))
    return found


def unread(session: ScopedSession, who: SignedIn, organization_id: UUID | None = None) -> int:
    """How many the reader has not opened, counted up to the cap."""
    with session.elevated("own notices"):
        return paging.capped_count(
            session, select(Notice.id).where(*_own(who, organization_id), Notice.read_at.is_(None))
        )


def notices(
    session: ScopedSession, who: SignedIn, organization_id: UUID | None, cursor: str | None, limit: int
) -> paging.Page:
    """id, event, subject, path, created_at, read_at of the reader's own, newest first."""
    query = select(Notice.id, Notice.event, Notice.subject, Notice.path, Notice.created_at, Notice.read_at)
    with session.elevated("own notices"):
        return paging.fetch(
            session,
            query.where(*_own(who, organization_id)),
            paging.Key((Notice.created_at, Notice.id), ("created_at", "id")),
            cursor,
            limit,
        )


def read(session: ScopedSession, who: SignedIn, notice_id: UUID) -> str:
    """Mark one as read; the path it leads to. Raises NotFound for somebody else's."""
    with session.elevated("own notices"):
        path = session.execute(
            update(Notice)
            .where(*_own(who, None), Notice.id == notice_id)
            .values(read_at=func.coalesce(Notice.read_at, utc_now()))
            .returning(Notice.path)
        ).scalar_one_or_none()
    if path is None:
        raise NotFound("There is no such notice.")
    return path


def read_all(session: ScopedSession, who: SignedIn, organization_id: UUID | None = None) -> None:
    with session.elevated("own notices"):
        session.execute(
            update(Notice).where(*_own(who, organization_id), Notice.read_at.is_(None)).values(read_at=utc_now())
        )


def forget_old(session: ScopedSession, limit: int) -> int:
    """Remove up to `limit` notices older than a year; how many. Needs a platform scope."""
    old = select(Notice.id).where(Notice.created_at < utc_now() - KEPT).limit(limit)
    gone = session.execute(delete(Notice).where(Notice.id.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]
