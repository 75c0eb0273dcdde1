"""Recording what payees gained and moving it from held to ready. Set-based: one bill or a hundred thousand.

The ledger reference of an earning is its id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Permission
from app.db.session import ScopedSession
from app.earnings.models import HoldReason
from app.earnings.rules import ACCEPTANCE, HOLD_TEXT, RELEASE_TEXT
from app.ledger import recipes
from app.ledger import service as ledger

# The day an approved bill falls due, at its start where the organization is. `rules.terms_end` says the same.
_TERMS_AT = (
    """CAST(coalesce(r.due_on, r.invoice_on + CAST(g.terms_days AS int)) AS timestamp) AT TIME ZONE o.time_zone"""
)
# No CTE is joined to another one: the planner knows nothing of their sizes and would compare every pair of rows.
_RECORD = text(
    f"""WITH source AS MATERIALIZED (
        SELECT uuidv7() AS earning_id, r.id AS request_id, r.organization_id, r.payee_id, r.approved_minor,
            r.amount_minor, r.currency, r.round, r.invoice_on, r.description, r.reference, {_TERMS_AT} AS terms_at
        FROM payment_requests r
        JOIN engagements g ON g.organization_id = r.organization_id AND g.payee_id = r.payee_id
        JOIN organizations o ON o.id = r.organization_id
        WHERE r.id = ANY(:ids) AND r.status = 'approved' AND NOT EXISTS (
            SELECT FROM earnings e WHERE e.organization_id = r.organization_id AND e.source_kind = 'payment_request'
                AND e.source_id = r.id AND e.source_round = r.round)
    ), made AS (
        INSERT INTO earnings (id, organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule,
            source_kind, source_id, source_round, earned_on, description, reference, created_at)
        SELECT earning_id, organization_id, payee_id, CASE WHEN approved_minor < 0 THEN 'credit' ELSE 'bill' END,
            approved_minor, currency, amount_minor, 'approved_bill', 'payment_request', request_id, round, invoice_on,
            description, reference, :now
        FROM source
    ), placed AS MATERIALIZED (
        SELECT s.earning_id, s.organization_id, s.payee_id, s.currency, s.approved_minor AS amount_minor,
            CASE WHEN s.approved_minor < 0 THEN CAST(:now AS timestamptz)
                 WHEN s.approved_minor < s.amount_minor THEN greatest(s.terms_at, CAST(:acceptance_end AS timestamptz))
                 ELSE s.terms_at END AS available_at,
            CASE WHEN s.approved_minor > 0 AND s.approved_minor < s.amount_minor
                 THEN '{HoldReason.ACCEPTANCE.value}' ELSE '{HoldReason.TERMS.value}' END AS reason
        FROM source s
    ), held AS (
        INSERT INTO held_earnings (earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at
        FROM placed WHERE available_at > :now
    ), ready AS (
        INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor, ready_at)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, :now
        FROM placed WHERE available_at <= :now
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, to_state, note, evidence)
        SELECT organization_id, payee_id, 'earning', earning_id, :now, :actor,
            CASE WHEN available_at > :now THEN 'held' ELSE 'ready' END,
            CASE WHEN available_at <= :now THEN 'Ready to be paid.'
                 WHEN reason = '{HoldReason.ACCEPTANCE.value}' THEN :acceptance_text ELSE :terms_text END,
            CASE WHEN available_at > :now THEN jsonb_build_object('available_at', available_at) END
        FROM placed
    )
    SELECT coalesce(array_agg(earning_id) FILTER (WHERE available_at > :now), '{{}}') AS held,
           coalesce(array_agg(earning_id) FILTER (WHERE available_at <= :now), '{{}}') AS ready
    FROM placed"""
)
OF_EARNINGS = """SELECT CAST(e.id AS text) AS ref, e.organization_id, e.payee_id, CAST(NULL AS text) AS rail,
    e.currency, e.amount_minor, e.reference AS memo FROM earnings e WHERE e.id = ANY(:ids)"""

# Of what was ready before and waits again: the amount is what is left of it, the reference the row's own.
OF_WITHHELD = """SELECT m.ref, e.organization_id, e.payee_id, CAST(NULL AS text) AS rail, e.currency, m.amount_minor,
        e.reference AS memo
    FROM unnest(CAST(:refs AS text[]), CAST(:ids AS uuid[]), CAST(:minors AS bigint[])) AS m (ref, id, amount_minor)
    JOIN earnings e ON e.id = m.id"""


def withheld_parts(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """What `OF_WITHHELD` is asked with, of rows with `withheld_id`, `earning_id` and `amount_minor`."""
    return {
        "refs": [str(row.withheld_id) for row in rows],
        "ids": [row.earning_id for row in rows],
        "minors": [int(row.amount_minor) for row in rows],
    }


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many earnings were written, and where they stand."""

    held: int
    ready: int

    @property
    def total(self) -> int:
        return self.held + self.ready


def record_requests(session: ScopedSession, actor: Actor, request_ids: Sequence[UUID]) -> Recorded:
    """Earnings of approved payment requests, once for each round of agreement: repeating it adds nothing.

    Due already, or a credit: ready at once. Otherwise held for the terms, or for the payee's yes to a reduced amount.
    The caller has checked the permission to approve these very requests.
    """
    if not request_ids:
        return Recorded(0, 0)
    now = utc_now()
    with session.elevated("earnings of requests whose approval was checked"):
        placed = session.execute(
            _RECORD,
            {
                "ids": list(request_ids),
                "now": now,
                "acceptance_end": now + ACCEPTANCE,
                "actor": actor.label,
                "acceptance_text": HOLD_TEXT[HoldReason.ACCEPTANCE],
                "terms_text": HOLD_TEXT[HoldReason.TERMS],
            },
        ).one()
        if placed.held:
            ledger.post_from(session, recipes.EARNING_HELD, OF_EARNINGS, {"ids": placed.held})
        if placed.ready:
            ledger.post_from(session, recipes.EARNING_READY, OF_EARNINGS, {"ids": placed.ready})
    return Recorded(len(placed.held), len(placed.ready))


_RELEASE = """WITH due AS ({due}),
    gone AS (
        DELETE FROM held_earnings h USING due WHERE h.earning_id = due.earning_id
        RETURNING h.earning_id, h.organization_id, h.payee_id, h.currency, h.amount_minor, h.reason, h.withheld_id
    ), ready AS (
        INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor, ready_at)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, :now FROM gone
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
        SELECT organization_id, payee_id, 'earning', earning_id, :now, :actor, 'held', 'ready',
            coalesce(CAST(:note AS text), CAST(:notes AS jsonb) ->> gone.reason)
        FROM gone
    )
    SELECT earning_id, withheld_id, amount_minor FROM gone"""
_DUE = """SELECT earning_id FROM held_earnings WHERE available_at <= :now
    ORDER BY available_at, earning_id LIMIT :limit FOR UPDATE SKIP LOCKED"""
# What took a part of it back goes with it: nobody is paid the whole while the reversal still waits.
_WITH_REVERSALS = """SELECT h.earning_id FROM held_earnings h JOIN earnings e ON e.id = h.earning_id
    JOIN earnings first ON first.id = :earning_id
    WHERE e.id = first.id OR (e.kind = 'reversal' AND first.kind = 'commission' AND e.amount_minor < 0
        AND e.organization_id = first.organization_id AND e.payee_id = first.payee_id
        AND e.currency = first.currency AND e.reference = first.reference)
    ORDER BY h.earning_id FOR UPDATE OF h"""
_THESE = "SELECT earning_id FROM held_earnings WHERE earning_id = ANY(:ids) ORDER BY earning_id FOR UPDATE"
_ONE = "SELECT earning_id FROM held_earnings WHERE earning_id = :earning_id FOR UPDATE"


def release_due(session: Session, now: datetime | None = None, limit: int = 5_000) -> int:
    """Move what has waited long enough to ready; returns how many. Call until it returns less than `limit`.

    Concurrent calls share the work: locked rows are skipped. Needs a platform scope.
    """
    return _release(session, SYSTEM, _DUE, now=now or utc_now(), limit=limit)


def _release(
    session: Session,
    actor: Actor,
    due: str,
    *,
    now: datetime,
    note: str | None = None,
    **parameters: object,
) -> int:
    session.flush()
    notes = json.dumps({reason.value: sentence for reason, sentence in RELEASE_TEXT.items()})
    gone = session.execute(
        text(_RELEASE.format(due=due)),
        {"now": now, "actor": actor.label, "note": note, "notes": notes, **parameters},
    ).all()
    if ids := [row.earning_id for row in gone if row.withheld_id is None]:
        ledger.post_from(session, recipes.EARNING_RELEASED, OF_EARNINGS, {"ids": ids})
    if again := [row for row in gone if row.withheld_id is not None]:
        ledger.post_from(session, recipes.EARNING_RELEASED, OF_WITHHELD, withheld_parts(again))
    return len(gone)


def release_early(session: Session, actor: Actor, organization_id: UUID, earning_id: UUID, reason: str) -> None:
    """Pay before the terms have passed: an act of the organization, with a reason, on the audit trail.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict while the payee may still dispute the amount.
    """
    actor.require(Permission.EARNING_RELEASE)
    actor.require_organization(organization_id)
    if not reason.strip():
        raise Invalid("Say why it is released early.", fields={"reason": "Give a reason."})
    held = _held(session, earning_id)
    if held.organization_id != organization_id:
        raise NotFound("There is no such earning on hold.")
    if held.reason is HoldReason.ACCEPTANCE:
        raise Conflict("The amount was reduced, and the payee may still dispute it.")
    note = f"Released early: {reason.strip()}"
    _release(session, actor, _WITH_REVERSALS, now=utc_now(), note=note, earning_id=earning_id)
    audit.record(
        session, actor, "earning.released_early", "earning", earning_id,
        organization_id=organization_id, reason=reason.strip(), amount_minor=held.amount.minor,
        currency=held.amount.currency,
    )  # fmt: skip


def release_these(session: ScopedSession, actor: Actor, earning_ids: Sequence[UUID], note: str | None = None) -> int:
    """Make held earnings ready now; those that are not on hold (any more) are passed over. Returns how many.

    The caller has checked the permission, and releases what takes back together with what it takes back from.
    """
    if not earning_ids:
        return 0
    with session.elevated("earnings whose release was checked"):
        return _release(session, actor, _THESE, now=utc_now(), note=note, ids=list(earning_ids))


_WAIT = text(
    """WITH changed AS (
        UPDATE held_earnings SET reason = :reason, available_at = NULL
        WHERE earning_id = ANY(:ids) AND reason <> :reason
        RETURNING earning_id, organization_id, payee_id
    )
    INSERT INTO timeline_events
        (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
    SELECT organization_id, payee_id, 'earning', earning_id, :now, :actor, 'held', 'held', :note FROM changed"""
)


def wait_for(session: ScopedSession, actor: Actor, earning_ids: Sequence[UUID], reason: HoldReason) -> None:
    """Held earnings go on waiting, for another reason, until somebody acts. The caller checked the permission."""
    if not earning_ids:
        return
    with session.elevated("earnings on hold whose reason changes"):
        session.execute(
            _WAIT,
            {
                "ids": list(earning_ids),
                "reason": reason.value,
                "now": utc_now(),
                "actor": actor.label,
                "note": HOLD_TEXT[reason],
            },
        )


@dataclass(frozen=True, slots=True)
class _Held:
    earning_id: UUID
    organization_id: UUID
    payee_id: UUID
    amount: Money
    reason: HoldReason
    available_at: datetime | None


_HELD = text(
    """SELECT earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at
    FROM held_earnings WHERE earning_id = :earning_id FOR UPDATE"""
)


def _held(session: Session, earning_id: UUID) -> _Held:
    """The row, locked. Raises NotFound when the earning is not on hold (any more)."""
    session.flush()
    row = session.execute(_HELD, {"earning_id": earning_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such earning on hold.")
    return _Held(
        row.earning_id, row.organization_id, row.payee_id, Money(row.amount_minor, row.currency),
        HoldReason(row.reason), row.available_at,
    )  # fmt: skip


_TERMS_OF = text(
    f"""SELECT {_TERMS_AT} FROM earnings e JOIN payment_requests r ON r.id = e.source_id
    JOIN engagements g ON g.organization_id = r.organization_id AND g.payee_id = r.payee_id
    JOIN organizations o ON o.id = r.organization_id
    WHERE e.id = :earning_id AND e.source_kind = 'payment_request'"""
)
_BACK_TO_TERMS = text(
    "UPDATE held_earnings SET reason = :reason, available_at = :available_at WHERE earning_id = :earning_id"
)


_ANSWER_UNTIL = text(
    """SELECT h.available_at FROM earnings e JOIN held_earnings h ON h.earning_id = e.id
    WHERE e.source_kind = 'payment_request' AND e.source_id = :request_id AND h.reason = 'acceptance'"""
)


def answer_until(session: Session, request_id: UUID) -> datetime | None:
    """How long the payee may dispute the reduced amount of a request; None when nothing waits for an answer."""
    found: datetime | None = session.execute(_ANSWER_UNTIL, {"request_id": request_id}).scalar()
    return found


def accept_reduced(session: Session, actor: Actor, earning_id: UUID) -> None:
    """The payee agrees to the reduced amount: only the terms are left to wait for, if they have not passed.

    The caller has checked that it is the payee. Raises NotFound, or Conflict when nothing waits for a yes.
    """
    held = _held(session, earning_id)
    if held.reason is not HoldReason.ACCEPTANCE:
        raise Conflict("This amount needs no acceptance any more.")
    now = utc_now()
    terms_at = session.execute(_TERMS_OF, {"earning_id": earning_id}).scalar()
    if terms_at is None or terms_at <= now:
        _release(session, actor, _ONE, now=now, note="The payee accepted the amount.", earning_id=earning_id)
        return
    session.execute(
        _BACK_TO_TERMS,
        {"earning_id": earning_id, "reason": HoldReason.TERMS.value, "available_at": terms_at},
    )
    audit.timeline(
        session, actor, "earning", earning_id, "held", from_state="held", note=HOLD_TEXT[HoldReason.TERMS],
        organization_id=held.organization_id, payee_id=held.payee_id,
        evidence={"available_at": terms_at.isoformat()},
    )  # fmt: skip


def cancel_held(session: ScopedSession, actor: Actor, earning_id: UUID, note: str) -> Money:
    """Take an earning back before it was ready (a dispute); returns the amount. The row stays, reversed.

    The caller has checked the permission. Raises NotFound when it is not on hold any more.
    """
    held = _held(session, earning_id)
    with session.elevated("the promise leaves the organization's receivable, which a payee does not see"):
        session.execute(text("DELETE FROM held_earnings WHERE earning_id = :id"), {"id": earning_id})
        ledger.post(
            session,
            recipes.EARNING_CANCELLED,
            ref=str(earning_id),
            organization_id=held.organization_id,
            payee_id=held.payee_id,
            amount=held.amount,
            memo=note,
        )
    audit.timeline(
        session, actor, "earning", earning_id, "reversed", from_state="held", note=note,
        organization_id=held.organization_id, payee_id=held.payee_id,
    )  # fmt: skip
    return held.amount
