"""Settling by hand what a rail never gave a final word about, or took back its word about: said by one person,
confirmed by another.

Until the second person has confirmed it, the rail is asked on, and what it says counts. Payouts by file or check have
a way of their own (`exports.mark`): there a person is all there is.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.models import Audience
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.types import new_id
from app.payouts import adoption, contradictions, settling
from app.payouts.models import Attempt, Verdict
from app.payouts.rules import arrival, may_confirm
from app.payouts.settling import News
from app.payouts.states import AttemptStatus, PayoutStatus, VerdictStatus
from app.rails import registry
from app.rails.base import Blame, Outcome, Result

NOTE_MOST = 500
# Business days beyond the usual time of a rail; by name, as rails come and go.
GRACE_DAYS = {"check": 15, "bank_file": 3, "simulated": 1}
DEFAULT_GRACE_DAYS = 2
_OPEN = (AttemptStatus.SUBMITTED, AttemptStatus.UNKNOWN, AttemptStatus.ACCEPTED)


def due_on(rail: str, sent_on: date) -> date:
    """The last day on which a payout of this rail is not late: its usual time and some grace."""
    usual = registry.RAILS[rail].settles_days if rail in registry.RAILS else 0
    return arrival(sent_on, usual + GRACE_DAYS.get(rail, DEFAULT_GRACE_DAYS))


def possible(rail: str, status: PayoutStatus, sent_on: date) -> bool:
    """Whether people may say what became of it: it is late, and its rail is one that should have said so itself."""
    exports = rail in registry.RAILS and registry.RAILS[rail].exports
    return status is PayoutStatus.PROCESSING and not exports and due_on(rail, sent_on) < today()


_LOCKED = text(
    """SELECT p.rail, p.status, p.status_at, p.organization_id, p.payee_id, a.key
    FROM payouts p JOIN payout_attempts a ON a.payout_id = p.id AND a.number = p.attempt_number WHERE p.id = :id
    FOR UPDATE OF p"""
)
_SAYS = {Outcome.PAID: "Said to be paid:", Outcome.FAILED: "Said to be never paid:"}


def propose(session: Session, actor: Actor, payout_id: UUID, outcome: Outcome, note: str) -> Verdict:
    """The first person's word: paid, or never paid. Moves nothing yet.

    Raises Forbidden, NotFound, Invalid without a note, Conflict when it is not late or a word waits already.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    said = _note(note, "Say how you know, for example what the provider's support or its dashboard says.")
    if outcome not in (Outcome.PAID, Outcome.FAILED):
        raise Invalid("Say what happened.", fields={"outcome": "Paid, or never paid."})
    row = session.execute(_LOCKED, {"id": payout_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such payout.")
    late = possible(row.rail, PayoutStatus(row.status), row.status_at.date())
    contradicted = contradictions.open_of(session, payout_id)
    if not late and contradicted is None:
        raise Conflict("Its rail still has time to say itself what became of it, or has said so.")
    if waiting(session, payout_id) is not None:
        raise Conflict("Somebody said what happened already; a second person decides about that first.")
    made = Verdict(
        id=new_id(), payout_id=payout_id, key=contradicted or row.key, outcome=outcome.value, note=said,
        proposed_by=actor.label, proposed_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "payout.verdict_proposed", "payout", payout_id, organization_id=row.organization_id,
        outcome=outcome.value, note=said,
    )  # fmt: skip
    audit.timeline(
        session, actor, "payout", payout_id, row.status, from_state=row.status,
        note=f"{_SAYS[outcome]} {said} Waits for a second person.", organization_id=row.organization_id,
        payee_id=row.payee_id, audience=Audience.STAFF,
    )  # fmt: skip
    return made


def confirm(session: Session, actor: Actor, payout_id: UUID) -> Verdict:
    """The second person's yes: state and books follow, as if the rail had said it.

    Raises Forbidden (also for who proposed it), NotFound, Conflict when the rail was faster.
    """
    found = _to_decide(session, actor, payout_id)
    refused = may_confirm(found.proposed_by_account_id, found.proposed_by, actor.account_id, actor.label)
    if refused:
        raise Forbidden(refused)
    found.advance(VerdictStatus.CONFIRMED)
    _decided(found, actor)
    by = f"{found.proposed_by}, {actor.label}"
    if contradictions.open_of(session, payout_id) == found.key:
        contradictions.decide(session, found.key, by)
        if Outcome(found.outcome) is Outcome.PAID:
            adoption.paid_after_all(session, actor, found.key, {"note": found.note, "by": by})
    else:
        _settle(session, actor, found, by)
    audit.record(session, actor, "payout.verdict_confirmed", "payout", payout_id, outcome=found.outcome)
    return found


def _settle(session: Session, actor: Actor, found: Verdict, by: str) -> None:
    outcome = Outcome(found.outcome)
    blame = Blame.PERMANENT if outcome is Outcome.FAILED else None
    result = Result(found.key, outcome, "", "by_hand", found.note, "", blame)
    moved = settling.apply(session, actor, [News(result, "person", {"note": found.note, "by": by})])
    if not any(moved.values()):
        raise Conflict("The rail has said meanwhile what became of it.")


def reject(session: Session, actor: Actor, payout_id: UUID) -> Verdict:
    """The word is taken back, by whoever gave it or by another. Raises Forbidden, NotFound."""
    found = _to_decide(session, actor, payout_id)
    found.advance(VerdictStatus.REJECTED)
    _decided(found, actor)
    session.flush()
    audit.record(session, actor, "payout.verdict_rejected", "payout", payout_id, outcome=found.outcome)
    return found


def waiting(session: Session, payout_id: UUID, *, lock: bool = False) -> Verdict | None:
    """The word that waits for a second person. One about an attempt that ended meanwhile waits for nobody."""
    query = (
        select(Verdict)
        .join(Attempt, Attempt.key == Verdict.key)
        .where(Verdict.payout_id == payout_id, Verdict.status == VerdictStatus.PROPOSED)
        .where(Attempt.status.in_(_OPEN) | (Attempt.key == contradictions.open_of(session, payout_id)))
    )
    if lock:
        query = query.with_for_update(of=Verdict).execution_options(populate_existing=True)
    return session.scalar(query)


def _to_decide(session: Session, actor: Actor, payout_id: UUID) -> Verdict:
    actor.require(Permission.PAYOUT_APPROVE)
    found = waiting(session, payout_id, lock=True)
    if found is None:
        raise NotFound("Nobody said what happened, or that was decided already.")
    return found


def _decided(found: Verdict, actor: Actor) -> None:
    found.decided_by, found.decided_by_account_id, found.decided_at = actor.label, actor.account_id, utc_now()


def _note(note: str, missing: str) -> str:
    said = note.strip()
    if not said or len(said) > NOTE_MOST:
        raise Invalid(missing, fields={"note": f"In at most {NOTE_MOST} letters."} if said else {"note": missing})
    return said
