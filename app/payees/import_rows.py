"""Working through the rows of a confirmed file: one chunk of those that wait in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db import locks, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.invitations import Invitee
from app.identity.states import Portal
from app.notify import sign_in
from app.payees import import_service, rates
from app.payees.directory_models import PayeeImport, PayeeImportRow
from app.payees.importing import PayeeRow, reasons_of
from app.payees.kinds import spec_of
from app.payees.known import IN_BULK, held_against_directory
from app.payees.states import PayeeImportStatus, RowOutcome

CHUNK = 500
_ORGANIZATION = text("SELECT name, time_zone FROM organizations WHERE id = :id")
_ADD = text(
    """WITH n AS (
        SELECT * FROM unnest(CAST(:payee_ids AS uuid[]), CAST(:emails AS text[]), CAST(:names AS text[]),
            CAST(:references AS text[]), CAST(:currencies AS text[]), CAST(:terms AS bigint[]),
            CAST(:commissions AS bigint[]))
            AS u (payee_id, email, name, reference, currency, terms_days, commission_bps)
    ), payee AS (
        INSERT INTO payees (id, kind, name, email) SELECT payee_id, :kind, name, email FROM n
    )
    INSERT INTO engagements (organization_id, payee_id, reference, currency, terms_days, commission_bps)
    SELECT :organization_id, payee_id, reference, currency, terms_days, commission_bps FROM n"""
)
_TAG = text(
    """INSERT INTO engagement_tags (organization_id, payee_id, tag)
    SELECT :organization_id, n.payee_id, t.tag
    FROM unnest(CAST(:payee_ids AS uuid[]), CAST(:tags AS text[])) AS n (payee_id, tags)
    CROSS JOIN LATERAL jsonb_array_elements_text(CAST(n.tags AS jsonb)) AS t (tag) ON CONFLICT DO NOTHING"""
)
_SETTLE = text(
    """UPDATE payee_import_rows r SET outcome = n.outcome, reason = n.reason, payee_id = n.payee_id
    FROM unnest(CAST(:lines AS bigint[]), CAST(:outcomes AS text[]), CAST(:reasons AS text[]),
        CAST(:payee_ids AS uuid[])) AS n (line, outcome, reason, payee_id)
    WHERE r.import_id = :import_id AND r.line = n.line AND r.outcome = 'waiting'"""
)
_COUNTS = text("SELECT outcome, count(*) FROM payee_import_rows WHERE import_id = :id GROUP BY outcome")


def take_chunk(session: ScopedSession, organization_id: UUID, import_id: UUID, size: int = CHUNK) -> bool:
    """Add the next rows that wait; False when none is left, and the import is finished then. Raises NotFound.

    Rows are held against the directory once more: since the preview somebody else may have come.
    """
    with session.elevated(IN_BULK):
        record = import_service.locked(session, organization_id, import_id)
        if record.status is not PayeeImportStatus.RUNNING:
            return False
        rows = _next(session, import_id, size)
        if not rows:
            _finish(session, record)
            return False
        locks.hold(session, "engagement references", organization_id)
        held = held_against_directory(session, organization_id, rows, import_service.settings_of(record))
        refused = reasons_of(held.faults)
        settled: list[tuple[int, RowOutcome, str | None, UUID | None]] = [
            (line, RowOutcome.KNOWN, None, payee_id) for line, payee_id in held.known.items() if line not in refused
        ]
        settled += [(line, RowOutcome.REFUSED, reason, None) for line, reason in refused.items()]
        new = [(row, new_id()) for row in rows if row.line not in refused and row.line not in held.known]
        settled += _add(session, import_service.actor_of(record), record, new)
        _settle(session, import_id, settled)
    return True


def _next(session: Session, import_id: UUID, size: int) -> list[PayeeRow]:
    found = session.scalars(
        select(PayeeImportRow)
        .where(PayeeImportRow.import_id == import_id, PayeeImportRow.outcome == RowOutcome.WAITING)
        .order_by(PayeeImportRow.line)
        .limit(size)
        .with_for_update()
    )
    return [
        PayeeRow(
            row.line, row.email, row.name, row.reference, row.currency, row.terms_days, row.commission_bps,
            tuple(row.tags),
        )
        for row in found
    ]  # fmt: skip


def _add(
    session: ScopedSession, actor: Actor, record: PayeeImport, new: Sequence[tuple[PayeeRow, UUID]]
) -> list[tuple[int, RowOutcome, str | None, UUID | None]]:
    """Payees with engagement and tags, and an invitation each where the file says so."""
    if not new:
        return []
    ids = [payee_id for _row, payee_id in new]
    session.execute(
        _ADD,
        {
            "organization_id": record.organization_id,
            "kind": record.kind.value,
            "payee_ids": ids,
            "emails": [row.email for row, _id in new],
            "names": [row.name for row, _id in new],
            "references": [row.reference for row, _id in new],
            "currencies": [row.currency for row, _id in new],
            "terms": [row.terms_days for row, _id in new],
            "commissions": [row.commission_bps for row, _id in new],
        },
    )
    if spec_of(record.kind).earns_commission:
        rates.note(session, actor, record.organization_id, {payee_id: row.commission_bps for row, payee_id in new})
    tags = [json.dumps(row.tags) for row, _id in new]
    session.execute(_TAG, {"organization_id": record.organization_id, "payee_ids": ids, "tags": tags})
    audit.record_many(
        session, actor, "payee.created", "payee", ids, organization_id=record.organization_id,
        kind=record.kind.value, import_id=record.id,
    )  # fmt: skip
    invited = _invite(session, actor, record, new) if record.invites else set()
    return [
        (row.line, RowOutcome.INVITED, None, payee_id)
        if payee_id in invited
        else (row.line, RowOutcome.ADDED, _NOT_INVITED if record.invites else None, payee_id)
        for row, payee_id in new
    ]


_NOT_INVITED = "added, but the address signs in for somebody else by now: invite another one"


def _invite(
    session: ScopedSession, actor: Actor, record: PayeeImport, new: Sequence[tuple[PayeeRow, UUID]]
) -> set[UUID]:
    organization = session.execute(_ORGANIZATION, {"id": record.organization_id}).one()
    portal = spec_of(record.kind).portal
    assert portal is not None
    people = [Invitee(payee_id, row.email, row.name) for row, payee_id in new if row.email]
    return sign_in.invite_many(
        session,
        actor,
        Portal(portal),
        people,
        inviter=organization.name,
        organization_id=record.organization_id,
        time_zone=organization.time_zone,
    )


def _settle(session: Session, import_id: UUID, settled: Sequence[tuple[int, RowOutcome, str | None, Any]]) -> None:
    session.execute(
        _SETTLE,
        {
            "import_id": import_id,
            "lines": [line for line, *_rest in settled],
            "outcomes": [outcome.value for _line, outcome, *_rest in settled],
            "reasons": [reason for *_rest, reason, _id in settled],
            "payee_ids": [payee_id for *_rest, payee_id in settled],
        },
    )


def counts(session: Session, import_id: UUID) -> dict[RowOutcome, int]:
    """How many rows have each outcome; those that still wait too."""
    found = {RowOutcome(row[0]): int(row[1]) for row in session.execute(_COUNTS, {"id": import_id})}
    return {outcome: found.get(outcome, 0) for outcome in RowOutcome}


def _finish(session: ScopedSession, record: PayeeImport) -> None:
    found = counts(session, record.id)
    uploads.finish(record)
    record.summary = {outcome.value: count for outcome, count in found.items()}
    audit.record(
        session, import_service.actor_of(record), "payees.imported", import_service.SUBJECT, record.id,
        organization_id=record.organization_id, file=record.file_name, **record.summary,
    )  # fmt: skip


def fail(session: Session, organization_id: UUID, import_id: UUID, reason: str) -> None:
    """The job could not go on; what was added stays. Raises NotFound."""
    record = import_service.locked(session, organization_id, import_id)
    record.status, record.finished_at = PayeeImportStatus.FAILED, utc_now()
    record.summary = {outcome.value: count for outcome, count in counts(session, import_id).items()} | {
        "stopped": reason
    }
