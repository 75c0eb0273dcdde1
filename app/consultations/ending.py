"""How a consultation ends: held, cancelled, or somebody did not appear; and what follows for the money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from app.charges import client_service
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeStatus, ReturnKind
from app.consultations import cancellation, letters, money
from app.consultations.cancellation import Decision, Why
from app.consultations.models import Consultation
from app.consultations.privacy import LONGEST_REASON, payee_facing, without_identity
from app.consultations.records import SUBJECT, client_of, locked, note, side_of
from app.consultations.states import CancelledBy, ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import SYSTEM, Actor, Permission
from app.db.session import ScopedSession

S = ConsultationStatus


@dataclass(frozen=True, slots=True)
class Ended:
    """What was ended, and what the rules say of its money."""

    consultation: Consultation
    decision: Decision


def cancel(session: ScopedSession, actor: Actor, consultation_id: UUID, by: CancelledBy, reason: str = "") -> Ended:
    """Call a consultation off; both sides are told what goes back and why. Cancelled twice is cancelled once.

    `by`: on whose side; people speak for their own, the platform and the system for any. The reason is read by both
    sides, so what tells who a client is, is taken out. Raises Forbidden, NotFound, Invalid, Conflict once it has begun.
    """
    found = locked(session, consultation_id)
    side = side_of(actor, found)
    if side not in (by, CancelledBy.PLATFORM):
        raise Forbidden("Only they can cancel for themselves.")
    if found.status is S.CANCELLED:
        return Ended(
            found, cancellation.on_cancel(found.cancelled_by or by, found.cancelled_at or utc_now(), found.clock_at)
        )
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid("This is too long.", fields={"reason": f"At most {LONGEST_REASON} letters."})
    now = utc_now()
    if found.status not in (S.PENDING, S.BOOKED):
        raise Conflict(f"This consultation is {found.status.value.replace('_', ' ')} and cannot be cancelled.")
    if found.status is S.BOOKED and found.starts_at <= now and by is CancelledBy.CLIENT:
        raise Conflict("It has begun, so it cannot be cancelled any more.")
    before = found.status
    decision = cancellation.on_cancel(by, now, found.clock_at)
    if before is S.PENDING:
        decision = Decision(False, Why.UNPAID)
    with session.elevated("call a consultation off"):
        reason = _readable(session, actor, found, reason)
        write_cancelled(found, by, reason or None)
        note(session, actor, found, before, decision.why.told, action="cancelled")
        if before is S.BOOKED:
            _settle(session, found, decision)
            letters.cancelled(session, found, decision)
    return Ended(found, decision)


def no_show(session: ScopedSession, actor: Actor, consultation_id: UUID, who: CancelledBy, reason: str = "") -> Ended:
    """`who` did not appear: the consultant, then everything goes back, or the client, then the earning stands.

    Said by the platform, the consultant's organization, or a calendar. The same once more changes nothing.
    Raises Forbidden, NotFound, Invalid, Conflict before the start.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    found = locked(session, consultation_id)
    actor.require_organization(found.organization_id)
    decision = cancellation.on_no_show(who)
    to = S.NO_SHOW_CONSULTANT if decision.refund else S.NO_SHOW_CLIENT
    if found.status is to:
        return Ended(found, decision)
    if found.starts_at > utc_now():
        raise Conflict("It has not begun yet.")
    before = found.status
    with session.elevated("somebody did not appear"):
        found.advance(to)
        text = f"{decision.why.told} {_readable(session, actor, found, reason.strip())}".strip()
        note(session, actor, found, before, text, action="no_show")
        _settle(session, found, decision)
        letters.not_met(session, found, decision)
    return Ended(found, decision)


def complete(session: ScopedSession, actor: Actor, consultation_ids: Sequence[UUID]) -> int:
    """These were held: earnings become ready, clients are asked for a review. What is not booked (any more) is passed
    over, except who was said not to appear and did. Returns how many. Raises Forbidden.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    now = utc_now()
    with session.elevated("consultations that were held"):
        held = session.scalars(
            select(Consultation)
            .where(
                Consultation.id.in_(consultation_ids),
                Consultation._status.in_((S.BOOKED, S.NO_SHOW_CLIENT)),
                Consultation.starts_at <= now,
            )
            .order_by(Consultation.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        if actor.organization_id is not None:
            held = [one for one in held if one.organization_id == actor.organization_id]
        for one in held:
            before = one.status
            one.advance(S.COMPLETED)
            one.completed_at = now
            note(session, actor, one, before, "It was held.", action="completed")
        money.release(session, actor, [one.id for one in held])
        letters.ask_for_reviews(session, held)
        session.execute(
            update(Consultation)
            .where(Consultation.id.in_([one.id for one in held]))
            .values(review_asked_at=now)
            .execution_options(synchronize_session=False)
        )
    return len(held)


def _readable(session: ScopedSession, actor: Actor, found: Consultation, reason: str) -> str:
    """What both sides may read: staff has to write it so, from the two sides what tells who the client is is left out.

    Raises Invalid.
    """
    if not reason:
        return reason
    account = client_of(session, found)
    if actor.role not in (SYSTEM.role, "client") and actor.payee_id is None:
        return payee_facing(reason, account.name, account.email)
    return without_identity(reason[:LONGEST_REASON], account.name, account.email)


def write_cancelled(found: Consultation, by: CancelledBy, reason: str | None) -> None:
    """The row alone; the caller sees to money and mails."""
    found.cancelled_at, found.cancelled_by, found.cancel_reason = utc_now(), by, reason
    found.advance(S.CANCELLED)


def give_back(session: ScopedSession, found: Consultation, decision: Decision) -> None:
    """Everything the client paid that did not go back yet, and the earnings of it with it."""
    paid = money.charge_of(session, found.id)
    if paid is None or paid.status is not ChargeStatus.SUCCEEDED:
        return
    if not paid.refundable - client_service.promised_back(session, paid):
        return
    money.give_back(session, SYSTEM, found.id, amount=None, kind=ReturnKind.REFUND, reason=decision.why.told)


def is_paid_too_late(session: ScopedSession, found: Consultation) -> bool:
    """Cancelled first and paid then, and nothing of it went back yet. What was paid before was settled by then."""
    paid = session.scalar(
        select(Charge).where(
            Charge.subject_kind == SUBJECT, Charge.subject_id == found.id, Charge._status == ChargeStatus.SUCCEEDED
        )
    )
    if paid is None or found.cancelled_at is None or (paid.succeeded_at or found.cancelled_at) < found.cancelled_at:
        return False
    return session.scalar(select(ChargeReturn.id).where(ChargeReturn.charge_id == paid.id).limit(1)) is None


def _settle(session: ScopedSession, found: Consultation, decision: Decision) -> None:
    if decision.refund:
        give_back(session, found, decision)
    else:
        money.release(session, SYSTEM, [found.id])
