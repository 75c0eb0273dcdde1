"""What became of checks: mailed, cleared, made void or stopped, as a person says it from the post or the statement.

The number and the fate of a check are those of its attempt; only "mailed" is kept as evidence of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.scope import Actor, Permission
from app.payouts import settling
from app.payouts.rules import payout_number
from app.payouts.service import Outcome
from app.payouts.settling import News
from app.payouts.states import AttemptStatus
from app.rails.check import TRANSITIONS, CheckStatus, settled_as


def status_of(attempt_status: str, error_code: str | None, evidence: Mapping[str, Any] | None) -> CheckStatus | None:
    """The state of a check from its attempt; None before its run was released, and when it failed otherwise."""
    match AttemptStatus(attempt_status):
        case AttemptStatus.ACCEPTED:
            return CheckStatus.MAILED if "mailed" in (evidence or {}) else CheckStatus.PRINTED
        case AttemptStatus.SUCCEEDED:
            return CheckStatus.CLEARED
        case AttemptStatus.RETURNED:
            return CheckStatus.STOPPED
        case AttemptStatus.FAILED if error_code in ("check_void", "check_stopped"):
            return CheckStatus(error_code.removeprefix("check_"))
    return None


_CHECKS = text(
    """SELECT a.key, a.payout_id, a.status, a.error_code, a.evidence, a.rail_reference AS number, p.organization_id,
        p.payee_id
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payout_exports e ON e.id = a.export_id
    WHERE a.export_id = :export_id AND a.payout_id = ANY(:ids) AND e.rail = 'check' AND e.status = 'released'
    ORDER BY a.payout_id FOR UPDATE OF a"""
)
# Void and stopped say it themselves, where the money goes back.
_NOTED = {CheckStatus.MAILED: "was mailed.", CheckStatus.CLEARED: "was cashed."}
_MAILED = text(
    """UPDATE payout_attempts SET evidence = coalesce(evidence, CAST('{}' AS jsonb)) || CAST(:evidence AS jsonb)
    WHERE key = :key"""
)


def mark(
    session: Session, actor: Actor, export_id: UUID, payout_ids: Sequence[UUID], to: CheckStatus, note: str = ""
) -> list[Outcome]:
    """Say what became of checks of a released run: one outcome for each, done or refused and why.

    Cleared pays the payout, void and stopped fail it (or return it, once it had cleared). Raises Invalid without a
    note where one is needed, Conflict when none of the payouts is a check of that run.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    if to is not CheckStatus.MAILED and not note.strip():
        raise Invalid("Say how you know, for example the line of the bank statement.", fields={"note": "Needed."})
    rows = session.execute(_CHECKS, {"export_id": export_id, "ids": list(payout_ids)}).all()
    if not rows:
        raise Conflict("None of them is a check of a released run.")
    return [_mark_one(session, actor, row, to, note.strip()) for row in rows]


def _mark_one(session: Session, actor: Actor, row: Any, to: CheckStatus, note: str) -> Outcome:
    now = status_of(row.status, row.error_code, row.evidence)
    if now is None or to not in TRANSITIONS[now]:
        word = now.value if now else row.status
        return Outcome(row.payout_id, f"This check is {word} now and cannot become {to.value}.")
    evidence = {"by": actor.label, "on": utc_now().isoformat(timespec="seconds"), **({"note": note} if note else {})}
    if to in _NOTED:
        audit.timeline(
            session, actor, "payout", row.payout_id, "processing", from_state="processing",
            note=f"Check {row.number} {_NOTED[to]}", organization_id=row.organization_id, payee_id=row.payee_id,
        )  # fmt: skip
    if to is CheckStatus.MAILED:
        session.execute(_MAILED, {"key": row.key, "evidence": json.dumps({"mailed": evidence})})
    else:
        result = settled_as(row.key, to, row.number or "", was_cleared=now is CheckStatus.CLEARED)
        settling.apply(session, actor, [News(result, "person", evidence)])
    audit.record(
        session, actor, f"check.{to.value}", "payout", row.payout_id, organization_id=row.organization_id,
        number=payout_number(row.payout_id), check=row.number, note=note,
    )  # fmt: skip
    return Outcome(row.payout_id, note=to.value)
