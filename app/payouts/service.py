"""What people do with single payouts: ask, approve, hold, release, reject, cancel, retry, send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound, Refusal
from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox
from app.methods.queries import usable_method
from app.methods.rules import BLOCKED_TEXT
from app.organizations.models import FundsPolicy
from app.payouts import content, contradictions, early, engagements, funding, opening
from app.payouts.models import Approval, Batch, Payout
from app.payouts.moves import give_back, move, take_again
from app.payouts.rules import approvals_needed, may_approve, payout_number
from app.payouts.states import HoldCode, PayoutOrigin, PayoutStatus


def get(session: Session, payout_id: UUID, *, lock: bool = False) -> Payout:
    """Raises NotFound outside the scope."""
    query = select(Payout).where(Payout.id == payout_id)
    payout = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if payout is None:
        raise NotFound("There is no such payout.")
    return payout


def withdraw(
    session: Session, actor: Actor, *, organization_id: UUID, currency: str, amount: Money | None = None
) -> Payout:
    """Reserve ready money of the signed-in payee and open a payout for review; `amount` None takes all.

    Raises Forbidden, also for who waits for the run of the month; Invalid when the amount is not positive or more than
    is ready, or no method can be used.
    """
    actor.require(Permission.WITHDRAW)
    if actor.payee_id is None:
        raise Forbidden("Only a payee withdraws.")
    early.refuse(session, organization_id, actor.payee_id)
    ready = opening.ready(session, organization_id, actor.payee_id, currency)
    wanted = ready if amount is None else amount
    if wanted.currency != currency or wanted.minor <= 0 or wanted > ready:
        limit = ready if ready.minor > 0 else Money(0, currency)
        raise Invalid(
            f"You can withdraw up to {limit.plain()} {currency} now.",
            fields={"amount": f"Enter an amount up to {format_money(limit)}."},
        )
    return opening.reserve(
        session, actor, organization_id, actor.payee_id, wanted,
        origin=PayoutOrigin.WITHDRAWAL, note="You asked for it.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bulk action did with one payout: `refused` says why not; `forbidden`: to this person, others may."""

    payout_id: UUID
    refused: str | None = None
    note: str = ""
    forbidden: bool = False


def _each(session: Session, ids: Sequence[UUID]) -> list[Payout]:
    query = select(Payout).where(Payout.id.in_(ids)).order_by(Payout.id).with_for_update()
    return list(session.scalars(query))


def approve(session: Session, actor: Actor, payout_ids: Sequence[UUID]) -> list[Outcome]:
    """One person's yes to each payout; the last one needed approves it and draws on the funds.

    Payouts of a batch are approved with their batch. Returns one outcome per id that exists in the scope.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    payouts = _each(session, payout_ids)
    signed = _signatures(session, [p.id for p in payouts])
    policies = _second_approval(session, {p.organization_id for p in payouts})
    outcomes: list[Outcome] = []
    yes: list[UUID] = []
    complete: list[UUID] = []
    for payout in payouts:
        given = signed.get(payout.id, set())
        refused = _why_not_approve(session, payout)
        own = None if refused else may_approve(actor.account_id, payout.requested_by_account_id, given)
        if refused or own:
            outcomes.append(Outcome(payout.id, refused or own, forbidden=bool(own)))
            continue
        yes.append(payout.id)
        _audit(session, actor, "payout.approved", payout)
        limit = policies.get((payout.organization_id, payout.currency))
        if len(given) + 1 >= approvals_needed(payout.amount_minor, payout.currency, limit):
            complete.append(payout.id)
            outcomes.append(Outcome(payout.id, note="approved"))
        else:
            payout.first_approved_at = utc_now()
            outcomes.append(Outcome(payout.id, note="needs a second approval"))
            audit.timeline(
                session, actor, "payout", payout.id, "pending", from_state="pending",
                note="First approval; a second person has to approve it too.",
                organization_id=payout.organization_id, payee_id=payout.payee_id,
            )  # fmt: skip
    content.sign(session, yes, actor.account_id, actor.label)
    move(session, actor, complete, PayoutStatus.APPROVED, note="Approved.", only_from=PayoutStatus.PENDING)
    funding.fund(session, actor, complete)
    return outcomes


def _why_not_approve(session: Session, payout: Payout) -> str | None:
    if payout.status is not PayoutStatus.PENDING:
        return InvalidTransition("payout", payout.status, PayoutStatus.APPROVED).message
    if payout.batch_id is not None:
        batch = session.execute(select(Batch.number, Batch.approved_at).where(Batch.id == payout.batch_id)).one()
        if batch.approved_at is None:
            return f"It belongs to batch {batch.number}; approve the batch."
    return None


def _signatures(session: Session, ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """Payout → accounts whose approval fits the present content."""
    now = content.hashes(session, ids)
    rows = session.execute(
        select(Approval.payout_id, Approval.account_id, Approval.content_sha256).where(Approval.payout_id.in_(ids))
    )
    result: dict[UUID, set[UUID]] = {}
    for row in rows:
        if now.get(row.payout_id) == row.content_sha256:
            result.setdefault(row.payout_id, set()).add(row.account_id)
    return result


def _second_approval(session: Session, organization_ids: set[UUID]) -> dict[tuple[UUID, str], int | None]:
    query = select(FundsPolicy.organization_id, FundsPolicy.currency, FundsPolicy.second_approval_minor).where(
        FundsPolicy.organization_id.in_(organization_ids)
    )
    return {(row.organization_id, row.currency): row.second_approval_minor for row in session.execute(query)}


def hold(session: Session, actor: Actor, payout_id: UUID, reason: str) -> Payout:
    """Stop a pending or approved payout for review. Raises InvalidTransition."""
    _needs_reason(reason)
    return _move_one(
        session,
        actor,
        payout_id,
        PayoutStatus.ON_HOLD,
        "held",
        note=f"On hold: {reason}",
        hold=(HoldCode.REVIEW, reason),
    )


def release(session: Session, actor: Actor, payout_id: UUID) -> Payout:
    """End a hold: the payout needs its approval again. Raises Conflict while funds are missing."""
    payout = get(session, payout_id, lock=True)
    if payout.hold_code is HoldCode.AWAITING_FUNDS:
        raise Conflict("It waits for funds and goes on by itself when they arrive.")
    if payout.hold_code is HoldCode.SUSPENDED:
        raise Conflict("The engagement is suspended. The payout comes back to be approved once that ends.")
    return _move_one(
        session, actor, payout_id, PayoutStatus.PENDING, "released", note="The hold ended; approve it again.",
        only_from=PayoutStatus.ON_HOLD,
    )  # fmt: skip


def reject(session: Session, actor: Actor, payout_id: UUID, reason: str) -> Payout:
    """Say no with a reason the payee reads; the money is back in the balance. Raises InvalidTransition."""
    _needs_reason(reason)
    payout = _move_one(session, actor, payout_id, PayoutStatus.REJECTED, "rejected", note=f"Rejected: {reason}")
    give_back(session, [payout_id])
    outbox.emit(session, Topic.PAYOUTS_SETTLED, payout_ids=[payout_id], outcome="rejected")
    return payout


def cancel(session: Session, actor: Actor, payout_id: UUID, reason: str) -> Payout:
    """Take back a payout that no rail has seen. Raises InvalidTransition."""
    _needs_reason(reason)
    payout = _move_one(session, actor, payout_id, PayoutStatus.CANCELLED, "cancelled", note=f"Cancelled: {reason}")
    give_back(session, [payout_id])
    return payout


def retry(session: Session, actor: Actor, payout_id: UUID) -> Payout:
    """Try a failed or returned payout again with the same items; it needs approval again.

    Raises Conflict when part of its money is in another payout by now, Invalid when the payee has no usable method.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    payout = get(session, payout_id, lock=True)
    if payout.status not in (PayoutStatus.FAILED, PayoutStatus.RETURNED):
        raise InvalidTransition("payout", payout.status, "retried")
    if contradictions.open_of(session, payout_id) is not None:
        raise Conflict("The rail says that it was paid after all. Say what happened before it is tried again.")
    locks.hold(session, "claims", payout.organization_id, shared=True)
    engagements.refuse_suspended(session, payout.organization_id, payout.payee_id)
    opening.require_tax_form(session, payout.organization_id, payout.payee_id, payout.currency)
    method = usable_method(session, payout.payee_id, payout.currency)
    if method.blocked:
        raise Invalid(f"It cannot be sent again yet. {BLOCKED_TEXT[method.blocked]}")
    if not take_again(session, payout_id):
        raise Conflict("Part of this money is in another payout by now. It will be paid with that one.")
    session.execute(
        text("UPDATE payouts SET method_id = :method_id, rail = :rail WHERE id = :id"),
        {"method_id": method.method_id, "rail": method.rail, "id": payout_id},
    )
    return _move_one(
        session, actor, payout_id, PayoutStatus.PENDING, "retried", note="It will be tried again after approval."
    )


def send(session: Session, actor: Actor, payout_ids: Sequence[UUID]) -> list[Outcome]:
    """Hand approved, funded payouts outside batches to their rails (a job does). One outcome per payout."""
    actor.require(Permission.PAYOUT_APPROVE)
    outcomes: list[Outcome] = []
    chosen: dict[UUID, list[UUID]] = {}
    for payout in _each(session, payout_ids):
        if payout.status is not PayoutStatus.APPROVED or not payout.funded:
            refused = InvalidTransition("payout", payout.status, PayoutStatus.PROCESSING).message
            outcomes.append(Outcome(payout.id, refused))
        elif payout.batch_id is not None and _batch_waits(session, payout.batch_id):
            outcomes.append(Outcome(payout.id, "It goes out with its batch; run the batch."))
        else:
            chosen.setdefault(payout.organization_id, []).append(payout.id)
            outcomes.append(Outcome(payout.id, note="on its way"))
            _audit(session, actor, "payout.sent", payout)
    for organization_id, ids in chosen.items():
        outbox.emit(
            session, Topic.PAYOUTS_TRIGGERED, payout_ids=ids, organization_id=organization_id,
            actor_label=actor.label, account_id=actor.account_id,
        )  # fmt: skip
    return outcomes


def _batch_waits(session: Session, batch_id: UUID) -> bool:
    return session.scalar(select(Batch.started_at).where(Batch.id == batch_id)) is None


def _needs_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Give a reason; the payee reads it.", fields={"reason": "Needed."})


def _move_one(
    session: Session,
    actor: Actor,
    payout_id: UUID,
    to: PayoutStatus,
    verb: str,
    *,
    note: str,
    hold: tuple[HoldCode, str] | None = None,
    only_from: PayoutStatus | None = None,
) -> Payout:
    actor.require(Permission.PAYOUT_APPROVE)
    payout = get(session, payout_id, lock=True)
    moved = move(
        session, actor, [payout_id], to, note=note, only_from=only_from,
        hold_code=hold[0] if hold else None, hold_note=hold[1] if hold else None,
    )  # fmt: skip
    if not moved:
        raise InvalidTransition("payout", payout.status, to)
    _audit(session, actor, f"payout.{verb}", payout, note=note)
    return get(session, payout_id)


def _audit(session: Session, actor: Actor, action: str, payout: Payout, **detail: str) -> None:
    audit.record(
        session, actor, action, "payout", payout.id, organization_id=payout.organization_id,
        number=payout_number(payout.id), **detail,
    )  # fmt: skip


def bulk(session: Session, actor: Actor, payout_ids: Sequence[UUID], action: str, reason: str = "") -> list[Outcome]:
    """approve, send, hold, release, reject, cancel or retry many: one outcome per id, done or refused and why."""
    if action == "approve":
        return approve(session, actor, payout_ids)
    if action == "send":
        return send(session, actor, payout_ids)
    single = {
        "hold": lambda i: hold(session, actor, i, reason),
        "release": lambda i: release(session, actor, i),
        "reject": lambda i: reject(session, actor, i, reason),
        "cancel": lambda i: cancel(session, actor, i, reason),
        "retry": lambda i: retry(session, actor, i),
    }.get(action)
    if single is None:
        raise Invalid("Choose what to do with the payouts.")
    outcomes = []
    for payout_id in payout_ids:
        try:
            with session.begin_nested():
                single(payout_id)
            outcomes.append(Outcome(payout_id, note=action))
        except Refusal as refusal:
            outcomes.append(Outcome(payout_id, refusal.message))
    return outcomes
