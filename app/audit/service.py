"""Writing the audit trail and the timeline. Neither is ever changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from app.audit.models import Audience, AuditRecord, TimelineEvent
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db import bulk
from app.db.types import new_id

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_RECORDS = cast(Table, AuditRecord.__table__)


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject_id: UUID | None = None,
    *,
    organization_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Note one act, e.g. "payout.approved". `detail` is JSON without secrets: ids become text."""
    session.flush()
    session.execute(
        insert(AuditRecord)
        .inline()
        .values(
            id=new_id(),
            organization_id=organization_id,
            account_id=actor.account_id,
            actor=actor.label,
            role=actor.role,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            ip=actor.ip,
            request_id=request_id.get(),
            detail={name: str(value) if isinstance(value, UUID) else value for name, value in detail.items()},
        )
    )


def record_many(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject_ids: Sequence[UUID],
    *,
    organization_id: UUID | None = None,
    **detail: Any,
) -> None:
    """The same act on many things, one line each in one statement."""
    if not subject_ids:
        return
    session.flush()
    same = {
        "organization_id": organization_id, "account_id": actor.account_id, "actor": actor.label, "role": actor.role,
        "action": action, "subject_kind": subject_kind, "ip": actor.ip, "request_id": request_id.get(),
        "detail": detail,
    }  # fmt: skip
    bulk.add(session, _RECORDS, [{"id": new_id(), "subject_id": subject_id, **same} for subject_id in subject_ids])


def record_across(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subjects: Sequence[tuple[UUID, UUID, Mapping[str, Any]]],
) -> None:
    """The same act in many organizations, in one statement: (subject, organization, detail) each."""
    if not subjects:
        return
    session.flush()
    same = {
        "account_id": actor.account_id, "actor": actor.label, "role": actor.role, "action": action,
        "subject_kind": subject_kind, "ip": actor.ip, "request_id": request_id.get(),
    }  # fmt: skip
    rows = [
        {"id": new_id(), "subject_id": subject_id, "organization_id": organization_id, "detail": dict(detail), **same}
        for subject_id, organization_id, detail in subjects
    ]
    bulk.add(session, _RECORDS, rows)


def timeline(
    session: Session,
    actor: Actor,
    subject_kind: str,
    subject_id: UUID,
    to_state: str,
    *,
    from_state: str | None = None,
    note: str | None = None,
    organization_id: UUID | None = None,
    payee_id: UUID | None = None,
    audience: Audience = Audience.EVERYONE,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Append one step to the life of a thing; payee, organization and admin read the same `note`."""
    session.flush()
    session.execute(
        insert(TimelineEvent)
        .inline()
        .values(
            organization_id=organization_id,
            payee_id=payee_id,
            subject_kind=subject_kind,
            subject_id=subject_id,
            at=utc_now(),
            actor=actor.label,
            from_state=from_state,
            to_state=to_state,
            note=note,
            audience=audience,
            evidence=evidence,
        )
    )
