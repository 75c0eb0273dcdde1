"""Deciding on payment requests: one by one with another amount or a reason, or thousands at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.earnings import service as earnings
from app.payables import letters, queries, rules
from app.payables.models import PaymentRequest
from app.payables.queries import RequestFilter
from app.payables.service import SUBJECT, refuse_other_version
from app.payables.states import RequestStatus
from app.payees.models import Engagement
from app.payees.rules import due_on

MOST_AT_ONCE = 50_000


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


def approve(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    request_id: UUID,
    *,
    amount: Money | None = None,
    reason: str = "",
    version: int | None = None,
) -> PaymentRequest:
    """Agree to a request, to all of it or to `amount`: less needs a reason, and the payee may dispute it.

    The earning and its ledger entry are made here. Raises Forbidden (also for who submitted it), NotFound, Invalid,
    Conflict when it was decided or changed (`version`) in the meantime.
    """
    request = _to_decide(session, actor, organization_id, request_id, version)
    approved = rules.agreed_amount(request.amount, amount, reason)
    before = request.status
    request.advance(RequestStatus.APPROVED)
    request.approved_minor = approved.minor
    request.due_on = request.due_on or _due_on(session, request)  # later terms do not move what was agreed
    _reviewed(request, actor, " ".join(reason.split()) or None)
    session.flush()
    _note(session, actor, request, before, rules.approval_note(request.amount, approved, reason))
    earnings.record_requests(session, actor, [request.id])
    until = earnings.answer_until(session, request.id) if approved != request.amount else None
    letters.decided(session, request, approved, request.review_reason or "", until)
    return request


def reject(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    request_id: UUID,
    *,
    reason: str,
    version: int | None = None,
) -> PaymentRequest:
    """Refuse a request; the payee reads the reason and may send it again.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict.
    """
    reason = rules.clean_reason(reason)
    request = _to_decide(session, actor, organization_id, request_id, version)
    before = request.status
    request.advance(RequestStatus.REJECTED)
    request.approved_minor = None
    _reviewed(request, actor, reason)
    session.flush()
    _note(session, actor, request, before, reason)
    letters.decided(session, request, None, reason)
    return request


def _to_decide(
    session: ScopedSession, actor: Actor, organization_id: UUID, request_id: UUID, version: int | None
) -> PaymentRequest:
    """The request, locked and read anew: of two reviewers the second finds it decided."""
    _require(actor, organization_id)
    request = session.scalar(
        select(PaymentRequest)
        .where(PaymentRequest.id == request_id, PaymentRequest.organization_id == organization_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if request is None or request.status is RequestStatus.DRAFT:
        raise NotFound("There is no such payment request.")
    refused = rules.may_review(request.status, request.submitted_by_account_id, actor.account_id)
    if refused and request.status in rules.OPEN_TO_REVIEW:
        raise Forbidden(refused)
    if refused:
        by = f" {request.reviewed_by} decided." if request.reviewed_by else ""
        raise Conflict(f"{refused}{by}")
    refuse_other_version(request, version)
    return request


def _due_on(session: ScopedSession, request: PaymentRequest) -> date:
    terms = select(Engagement.terms_days).where(
        Engagement.organization_id == request.organization_id, Engagement.payee_id == request.payee_id
    )
    return due_on(request.invoice_on, session.scalars(terms).one())


def _require(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.REQUEST_REVIEW)
    actor.require_organization(organization_id)


def _reviewed(request: PaymentRequest, actor: Actor, reason: str | None) -> None:
    request.reviewed_at, request.reviewed_by = utc_now(), actor.label
    request.reviewed_by_account_id, request.review_reason = actor.account_id, reason


def _note(
    session: ScopedSession, actor: Actor, request: PaymentRequest, before: RequestStatus, note: str | None
) -> None:
    audit.timeline(
        session, actor, SUBJECT, request.id, request.status.value, from_state=before.value, note=note,
        organization_id=request.organization_id, payee_id=request.payee_id,
    )  # fmt: skip
    audit.record(
        session, actor, f"request.{request.status.value}", SUBJECT, request.id,
        organization_id=request.organization_id, reference=request.reference, amount_minor=request.amount_minor,
        approved_minor=request.approved_minor, currency=request.currency,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A request of a bulk decision that was left as it is, and why."""

    request_id: UUID
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Each request of a bulk decision is in exactly one of the two. `totals`: approved minor units by currency."""

    done: list[UUID]
    refused: list[Refused]
    totals: dict[str, int]


_LOCK = text(
    """SELECT id, reference, status, submitted_by_account_id FROM payment_requests
    WHERE organization_id = :organization_id AND id = ANY(:ids) AND status <> 'draft' ORDER BY id FOR UPDATE"""
)
_DECIDE = text(
    """WITH moved AS (
        UPDATE payment_requests r SET status = CAST(:to AS text),
            approved_minor = CASE WHEN CAST(:to AS text) = 'approved' THEN r.amount_minor END,
            due_on = CASE WHEN CAST(:to AS text) = 'approved'
                THEN coalesce(r.due_on, r.invoice_on + CAST(g.terms_days AS int)) ELSE r.due_on END,
            reviewed_at = :now, reviewed_by = :actor, reviewed_by_account_id = CAST(:account_id AS uuid),
            review_reason = CAST(:reason AS text), version = r.version + 1
        FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[])) AS old (id, status), engagements g
        WHERE r.id = old.id AND r.organization_id = :organization_id
            AND g.organization_id = r.organization_id AND g.payee_id = r.payee_id
        RETURNING r.id, r.organization_id, r.payee_id, r.amount_minor, r.currency, old.status AS from_state
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
        SELECT organization_id, payee_id, 'payment_request', id, :now, :actor, from_state, CAST(:to AS text),
            CAST(:reason AS text) FROM moved
    )
    SELECT id, payee_id, amount_minor, currency FROM moved ORDER BY id"""
)


def review_bulk(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    decision: Decision,
    *,
    ids: Sequence[UUID] | None = None,
    chosen: RequestFilter | None = None,
    reason: str = "",
) -> Decided:
    """Approve (in full) or reject many at once: those of `ids`, or everything open that `chosen` finds.

    A handful of statements whatever the number; who cannot be decided is refused singly with the reason. One mail for
    each payee. Raises Forbidden, Invalid for no or too many requests or a rejection without a reason.
    """
    _require(actor, organization_id)
    if decision is Decision.REJECT or reason.strip():
        reason = rules.clean_reason(reason)
    wanted = _wanted(session, organization_id, ids, chosen)
    with session.elevated("thousands at once; the ids were narrowed to the organization"):
        found = session.execute(_LOCK, {"organization_id": organization_id, "ids": wanted}).all()
    able: list[Any] = []
    refused: list[Refused] = []
    for row in found:
        why = rules.may_review(RequestStatus(row.status), row.submitted_by_account_id, actor.account_id)
        if why is None:
            able.append(row)
        else:
            refused.append(Refused(row.id, row.reference, why))
    known = {row.id for row in found}
    refused += [Refused(i, "", "There is no such payment request.") for i in wanted if i not in known]
    rows = _decide(session, actor, organization_id, able, decision, reason)
    done = [row.id for row in rows]
    totals: dict[str, int] = {}
    if decision is Decision.APPROVE:
        earnings.record_requests(session, actor, done)
        for row in rows:
            totals[row.currency] = totals.get(row.currency, 0) + row.amount_minor
    if rows:
        audit.record(
            session, actor, f"requests.{_TO[decision].value}", SUBJECT, None, organization_id=organization_id,
            count=len(done), refused=len(refused), totals=totals, reason=reason or None,
        )  # fmt: skip
        letters.decided_many(session, organization_id, rows, approved=decision is Decision.APPROVE, reason=reason)
    return Decided(done, refused, totals)


_TO = {Decision.APPROVE: RequestStatus.APPROVED, Decision.REJECT: RequestStatus.REJECTED}


def _wanted(
    session: ScopedSession, organization_id: UUID, ids: Sequence[UUID] | None, chosen: RequestFilter | None
) -> list[UUID]:
    if (ids is None) == (chosen is None):
        raise ValueError("either ids or a filter")
    if chosen is not None:
        wanted = queries.open_ids(session, organization_id, chosen, MOST_AT_ONCE + 1)
    else:
        wanted = list(dict.fromkeys(ids or ()))
    if not wanted:
        raise Invalid("Choose at least one request.")
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE:,} requests can be decided at once. Narrow the list down.")
    return wanted


def _decide(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    able: Sequence[Any],
    decision: Decision,
    reason: str,
) -> Sequence[Any]:
    if not able:
        return []
    with session.elevated("thousands at once; the statement names the organization"):
        rows = session.execute(_DECIDE, _decision(actor, organization_id, able, decision, reason)).all()
    session.expire_all()  # entities loaded before are older than their rows now
    return rows


def _decision(
    actor: Actor, organization_id: UUID, able: Sequence[Any], decision: Decision, reason: str
) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "ids": [row.id for row in able],
        "statuses": [row.status for row in able],
        "to": _TO[decision].value,
        "now": utc_now(),
        "actor": actor.label,
        "account_id": actor.account_id,
        "reason": reason or None,
    }
