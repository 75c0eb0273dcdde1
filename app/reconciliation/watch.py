"""What jobs notice and a person should look at: opened once, told to the admins once, closed when it is over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.db import paging
from app.db.session import ScopedSession
from app.identity.queries import active_accounts
from app.identity.states import Portal
from app.notify import service as notify
from app.reconciliation.models import DeskItem
from app.reconciliation.states import ItemKind

SUBJECT = "desk_item"
SHOWN = 10  # items named in one mail


@dataclass(frozen=True, slots=True)
class Noticed:
    """`subject` is the same as long as it is the same trouble; `detail["says"]` is a sentence for people."""

    subject: str
    subject_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


_OPEN = text(
    """INSERT INTO desk_items (kind, subject, subject_id, detail, seen_at)
    SELECT :kind, x.subject, x.subject_id, x.detail, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (subject text, subject_id uuid, detail jsonb)
    ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO UPDATE SET seen_at = excluded.seen_at,
        detail = excluded.detail
    RETURNING id, detail, (xmax = 0) AS new"""
)
_OVER = text(
    """UPDATE desk_items SET closed_at = :now, closed_by = 'system', closing_note = 'It is over.'
    WHERE kind = :kind AND closed_at IS NULL AND starts_with(subject, :within) AND subject <> ALL(:subjects)"""
)


def notice(session: ScopedSession, kind: ItemKind, found: Sequence[Noticed], *, within: str = "") -> int:
    """Open what is new, leave what is known, close what is over (of subjects that begin with `within`).

    Admins are told of the new ones, once. Returns how many were new.
    """
    now = utc_now()
    rows = [{"subject": one.subject, "subject_id": one.subject_id, "detail": dict(one.detail)} for one in found]
    made = session.execute(_OPEN, {"kind": kind.value, "now": now, "rows": json.dumps(rows, default=str)}).all()
    session.execute(
        _OVER, {"kind": kind.value, "now": now, "within": within, "subjects": [one.subject for one in found]}
    )
    new = [row for row in made if row.new]
    if new:
        _tell(session, [str(row.detail["says"]) for row in new], [str(row.id) for row in new])
    return len(new)


def _tell(session: ScopedSession, says: Sequence[str], ids: Sequence[str]) -> None:
    digest = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()[:32]
    count = len(says)
    for admin in active_accounts(session, Portal.ADMIN):
        notify.queue(
            session,
            admin.email,
            "desk_items",
            subject=says[0] if count == 1 else f"{count} things about money need a look",
            context={
                "name": admin.name,
                "says": list(says[:SHOWN]),
                "more": max(0, count - SHOWN),
                "url": f"{settings().base_url}/admin/watch-list",
            },
            dedupe_key=f"desk_items:{digest}:{admin.email}",
        )


def items(
    session: Session, *, open_only: bool = True, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, kind, subject_id, detail, created_at, seen_at, closed_at, closed_by, closing_note; newest first."""
    query: paging.AnySelect = select(
        DeskItem.id, DeskItem.kind, DeskItem.subject_id, DeskItem.detail, DeskItem.created_at, DeskItem.seen_at,
        DeskItem.closed_at, DeskItem.closed_by, DeskItem.closing_note,
    )  # fmt: skip
    query = query.where(DeskItem.closed_at.is_(None) if open_only else DeskItem.closed_at.is_not(None))
    key = paging.Key((DeskItem.created_at, DeskItem.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def close(session: Session, actor: Actor, item_id: UUID, note: str) -> DeskItem:
    """A person settled it. It opens again if it is still so at the next look. Raises Forbidden, NotFound, Conflict,
    Invalid without a note."""
    actor.require(Permission.RECONCILE)
    if not note.strip():
        raise Invalid("Say how it was settled.", fields={"note": "Say how it was settled."})
    found = find(session, item_id)
    if found.closed_at is not None:
        raise Conflict("This is closed already.")
    found.closed_at, found.closed_by, found.closing_note = utc_now(), actor.label, note.strip()[:500]
    session.flush()
    audit.record(session, actor, "desk_item.closed", SUBJECT, item_id, kind=found.kind.value, note=found.closing_note)
    return found


def find(session: Session, item_id: UUID) -> DeskItem:
    """Raises NotFound."""
    found = session.scalar(select(DeskItem).where(DeskItem.id == item_id).with_for_update())
    if found is None:
        raise NotFound("There is no such item.")
    return found
