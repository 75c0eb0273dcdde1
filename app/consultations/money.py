"""The money of a consultation: charged, earned, given back. Charge, earnings and other parts always add up.

`organization_id` of the consultation gets the whole charge in its funds; the platform's part is taken from there and
what is promised to consultants and to itself is drawn from there when it is paid (docs/decisions/0014, 0019).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text

from app.audit import service as audit
from app.audit.models import Audience
from app.billing import accrual, credits, notes
from app.charges import client_service as client
from app.charges import cover
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind, ReturnStatus
from app.consultations import organization_part
from app.consultations.models import Consultation, ConsultationReturn, ConsultationShare
from app.consultations.privacy import payee_facing
from app.consultations.standing import earning_ids, undecided, unpaid_by_buyer, withhold_disputed
from app.consultations.states import ConsultationStatus, PaidBy
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.earnings import recording, splits
from app.earnings import service as earnings
from app.earnings.models import EarningKind, HoldReason
from app.earnings.recording import NewEarning
from app.identity.models import Account
from app.organizations.models import Organization

SUBJECT = "consultation"
SHARE_SOURCE, RETURN_SOURCE, UNDONE_SOURCE = (
    "consultation_share",
    "consultation_return",
    "consultation_return_undone",
)
WHAT = {ReturnKind.REFUND: "Refund", ReturnKind.DISPUTE: "Chargeback"}
# Who pays without a provider to ask.
BY_BUYER = {PaidBy.INVOICE: ChargeProvider.FUNDS, PaidBy.CREDIT: ChargeProvider.CREDIT}
# What was earned stands once one of these is reached (a cancellation that gives money back reverses it itself).
OVER = frozenset({ConsultationStatus.COMPLETED, ConsultationStatus.NO_SHOW_CLIENT, ConsultationStatus.CANCELLED})


def charge(session: ScopedSession, actor: Actor, consultation: Consultation, provider: ChargeProvider) -> Charge:
    """Write down what the client pays for a consultation, once; its first call or its tenth give the same row.

    A price of nothing, a buyer's funds and a buyer's credit (`ChargeProvider.FUNDS`, `CREDIT`) are paid with it. The
    caller has checked that the actor may book. Raises Conflict when it was given up, or when the buyer's funds do not
    cover it.
    """
    if BY_BUYER.get(consultation.paid_by) is not (provider if provider in BY_BUYER.values() else None):
        raise ValueError("an organization pays from its funds or by credit, a client by card")
    with session.elevated("the charge of a consultation that its client books"):
        new = new_id()
        made = client.make(
            session,
            actor,
            Charge(
                id=new,
                organization_id=consultation.organization_id,
                client_account_id=consultation.client_account_id,
                buyer_organization_id=consultation.buyer_organization_id,
                subject_kind=SUBJECT,
                subject_id=consultation.id,
                description=consultation.title,
                amount_minor=consultation.price_minor,
                promotion_minor=consultation.list_minor - consultation.price_minor,
                fee_minor=consultation.platform_minor,
                refunded_minor=0,
                currency=consultation.currency,
                provider=provider,
                key=str(new),
                simulated=provider is ChargeProvider.SIMULATED,
            ),
        )
        if made.status in client.OPEN and (not made.amount_minor or provider in BY_BUYER.values()):
            if made.amount_minor and made.buyer_organization_id and provider is ChargeProvider.FUNDS:
                cover.check(session, made.buyer_organization_id, made.amount)
            paid(session, actor, made.id)
    return made


def paid(session: ScopedSession, actor: Actor, charge_id: UUID) -> None:
    """The provider says the client paid: postings, and earnings that wait for the session. Twice changes nothing."""
    with session.elevated("the books of a paid charge"):
        of = client.locked(session, charge_id)
        if not client.succeed(session, actor, of):
            return
        consultation = consultation_of(session, of)
        if of.provider is ChargeProvider.FUNDS:
            accrual.accrue(session, of)
        recording.record_many(session, actor, _earnings(session, consultation))
        outbox.emit(session, Topic.CONSULTATION_PAID, consultation_id=consultation.id)


def consultation_of(session: ScopedSession, of: Charge) -> Consultation:
    if of.subject_kind != SUBJECT:
        raise ValueError("this charge is not of a consultation")
    return session.get_one(Consultation, of.subject_id)


def _earnings(session: ScopedSession, held: Consultation) -> list[NewEarning]:
    zone = session.scalar(select(Organization.time_zone).where(Organization.id == held.organization_id)) or "UTC"
    rule = {name: value for name, value in held.pricing.items() if name != "shares"}
    shares = _shares(session, held.id)
    whole = sum(share.weight for share in shares)
    day = held.starts_at.astimezone(ZoneInfo(zone)).date()
    return [
        *organization_part.earned(session, held, day),
        *(
            NewEarning(
                organization_id=share.organization_id,
                payee_id=share.payee_id,
                amount=Money(share.amount_minor, held.currency),
                kind=EarningKind.BOOKING,
                rule=f"booking_{held.pricing['rule']}",
                rule_version=max(1, held.pricing["rule_version"]),
                rule_detail={
                    **rule,
                    "consultation_id": str(held.id),
                    "share": {"weight": share.weight, "amount_minor": share.amount_minor},
                    "weights": whole,
                },
                source_kind=SHARE_SOURCE,
                source_id=share.id,
                earned_on=day,
                description=f"{held.title} with {held.client_first_name}",
                available_at=None,
                hold_reason=HoldReason.SESSION,
                basis_minor=held.list_minor,
                share_bps=held.pricing["consultant_bps"],
            )
            for share in shares
            if share.amount_minor
        ),
    ]


def _shares(session: ScopedSession, consultation_id: UUID) -> Sequence[ConsultationShare]:
    return session.scalars(
        select(ConsultationShare)
        .where(ConsultationShare.consultation_id == consultation_id)
        .order_by(ConsultationShare.id)
    ).all()


def failed(session: ScopedSession, actor: Actor, charge_id: UUID, message: str) -> None:
    """The card was refused; the client may try another one while the time is kept. `message` is for the client."""
    with session.elevated("the books of a charge that failed"):
        client.fail(session, actor, client.locked(session, charge_id), message)


def give_back(
    session: ScopedSession,
    actor: Actor,
    consultation_id: UUID,
    *,
    amount: Money | None,
    kind: ReturnKind,
    reason: str,
    note: str | None = None,
    reference: str | None = None,
    key: str | None = None,
) -> ChargeReturn:
    """Ask for money to go back to the client (None: all that is left). It counts once the provider says so.

    `reason` is what the consultant reads, so a person may not name the client in it; `note` is for the platform alone.
    A dispute (with the provider's `reference`) is not asked for: it waits for the bank's decision, and what is on hold
    waits with it. The caller has checked the permission. Raises NotFound, Invalid, Conflict as
    `client_service.ask_return` and `privacy.payee_facing`.
    """
    with session.elevated("money of a consultation goes back"):
        of = charge_of(session, consultation_id)
        if of is None:
            raise NotFound("Nothing was charged for this consultation.")
        if actor.role != SYSTEM.role and key is None:  # of one that is tried again the reason was told before
            reason = _payee_facing(session, of, reason)
        back = client.ask_return(session, actor, client.locked(session, of.id), amount, kind, reason, reference, key)
        if note and note.strip():
            _write_note(session, actor, consultation_id, back, note.strip())
        if back.status is not ReturnStatus.PENDING:
            return back
        if kind is ReturnKind.DISPUTE:
            withhold_disputed(session, actor, consultation_id)
        elif of.provider in BY_BUYER.values() or not back.amount_minor:
            returned(session, actor, back.id)
        else:
            outbox.emit(session, Topic.CHARGE_RETURN_ASKED, return_id=back.id)
    return back


def _payee_facing(session: ScopedSession, of: Charge, reason: str) -> str:
    account = session.get_one(Account, of.client_account_id)
    return payee_facing(reason, account.name, account.email)


def _write_note(session: ScopedSession, actor: Actor, consultation_id: UUID, back: ChargeReturn, note: str) -> None:
    """For the platform alone: in the audit trail and in the consultation's timeline, without organization or payee."""
    audit.record(session, actor, "charge.return_noted", SUBJECT, consultation_id, return_id=back.id, note=note)
    audit.timeline(session, actor, SUBJECT, consultation_id, back.status.value, note=note, audience=Audience.PLATFORM)


def charge_of(session: ScopedSession, consultation_id: UUID) -> Charge | None:
    """What the client pays for a consultation, as far as the scope sees it."""
    return session.scalar(select(Charge).where(Charge.subject_kind == SUBJECT, Charge.subject_id == consultation_id))


def returned(session: ScopedSession, actor: Actor, return_id: UUID) -> None:
    """The money is with the client again: each party gives its part back, consultants by reversal earnings. Idempotent.

    A reversal waits as long as what it reverses; once nothing of the charge is left, both become ready together.
    """
    with session.elevated("the books of money that went back"):
        of, back = client.locked_return(session, return_id)
        if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):
            return
        if back.amount_minor > of.refundable.minor:  # something else went back meanwhile: never more than was paid
            back.amount_minor = of.refundable.minor
        if not back.amount_minor and of.amount_minor:
            client.fail_return(session, actor, back, "All of it had gone back before.")
        else:
            consultation = consultation_of(session, of)
            rows = _divide(session, consultation, of, back)
            client.post_return(session, actor, of, back)
            if of.provider is ChargeProvider.CREDIT:
                credits.give_back(session, consultation.id)
            elif of.provider is ChargeProvider.FUNDS and not accrual.reduce(session, of.id, back.amount):
                notes.credit_return(session, actor, back.id)
            recording.record_many(session, actor, _reversals(session, consultation, back, rows))
        go_on(session, actor, of)


def _divide(
    session: ScopedSession, consultation: Consultation, of: Charge, back: ChargeReturn
) -> list[ConsultationReturn]:
    """Set the parts of a return and write down what each collaborator gives back."""
    before = session.execute(
        select(
            func.coalesce(func.sum(ChargeReturn.promotion_minor), 0),
            func.coalesce(func.sum(ChargeReturn.fee_minor), 0),
            func.coalesce(func.sum(ChargeReturn.organization_minor), 0),
        ).where(ChargeReturn.charge_id == of.id, ChargeReturn._status == ReturnStatus.SUCCEEDED)
    ).one()
    promotion, fee, organization = (int(minor) for minor in before)
    given: dict[UUID, int] = {
        share_id: int(minor)
        for share_id, minor in session.execute(
            select(ConsultationReturn.share_id, func.sum(ConsultationReturn.amount_minor))
            .join(ChargeReturn, ChargeReturn.id == ConsultationReturn.return_id)
            .where(
                ConsultationReturn.consultation_id == consultation.id, ChargeReturn._status == ReturnStatus.SUCCEEDED
            )
            .group_by(ConsultationReturn.share_id)
        )
    }
    shares = _shares(session, consultation.id)
    back.promotion_minor, parts = splits.taken_back(
        back.amount_minor,
        paid_left=of.refundable.minor,
        promotion_left=of.promotion_minor - promotion,
        parts_left=[
            of.fee_minor - fee,
            consultation.organization_minor - organization,
            *(share.amount_minor - given.get(share.id, 0) for share in shares),
        ],
    )
    back.fee_minor, back.organization_minor = parts[0], parts[1]
    rows = [
        ConsultationReturn(
            id=new_id(), organization_id=share.organization_id, payee_id=share.payee_id,
            consultation_id=consultation.id, share_id=share.id, return_id=back.id, amount_minor=minor,
            reason=back.reason,
        )
        for share, minor in zip(shares, parts[2:], strict=True)
        if minor
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


_HELD_SHARES = text(
    """SELECT s.id, h.reason FROM consultation_shares s
    JOIN earnings e ON e.organization_id = s.organization_id AND e.source_kind = 'consultation_share'
        AND e.source_id = s.id
    JOIN held_earnings h ON h.earning_id = e.id WHERE s.consultation_id = :id FOR UPDATE OF h"""
)


def _reversals(
    session: ScopedSession, held: Consultation, back: ChargeReturn, rows: Sequence[ConsultationReturn]
) -> list[NewEarning]:
    zone = session.scalar(select(Organization.time_zone).where(Organization.id == held.organization_id)) or "UTC"
    waiting = {row.id: HoldReason(row.reason) for row in session.execute(_HELD_SHARES, {"id": held.id})}
    now = utc_now()
    day, what = now.astimezone(ZoneInfo(zone)).date(), WHAT[back.kind]
    mine = organization_part.given_back(session, held, back, day, what)
    return mine + [
        NewEarning(
            organization_id=row.organization_id,
            payee_id=row.payee_id,
            amount=Money(-row.amount_minor, held.currency),
            kind=EarningKind.REVERSAL,
            rule="booking_reversal",
            rule_detail={"consultation_id": str(held.id), "reason": back.reason, "returned_minor": back.amount_minor},
            source_kind=RETURN_SOURCE,
            source_id=row.id,
            earned_on=day,
            description=f"{what} of {held.title} with {held.client_first_name}: {back.reason}",
            available_at=None if row.share_id in waiting else now,
            hold_reason=waiting.get(row.share_id, HoldReason.SESSION),
        )
        for row in rows
    ]


def release(session: ScopedSession, actor: Actor, consultation_ids: Sequence[UUID], note: str | None = None) -> int:
    """What was earned stands: make it ready, with what was taken back of it. Returns how many earnings.

    For sessions that were held, clients who did not come and cancellations too late. What a bank has questioned, a
    person has to settle or an organization pays by invoice waits for that. The caller has checked the permission.
    """
    if not consultation_ids:
        return 0
    with session.elevated("earnings of consultations that are over"):
        open_ones = undecided(session, consultation_ids)
        decided = [one for one in consultation_ids if one not in open_ones]
        unpaid = unpaid_by_buyer(session, decided)
        earnings.wait_for(session, actor, earning_ids(session, list(unpaid)), HoldReason.INVOICE)
        ids = earning_ids(session, [one for one in decided if one not in unpaid])
        return earnings.release_these(session, actor, ids, note)


def not_returned(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """The money did not go back after all: a refund was refused, or a dispute won. What was earned goes on. Idempotent.

    Where a refund for a cancellation was refused it goes on waiting: the client is owed it, and somebody has to act.
    Raises Conflict when it went back already.
    """
    with session.elevated("the books of money that did not go back"):
        of, back = client.locked_return(session, return_id)
        if back.status in (ReturnStatus.SUCCEEDED, ReturnStatus.CAME_BACK):
            raise Conflict("This went back already.")
        client.fail_return(session, actor, back, message)
        owed = back.kind is ReturnKind.REFUND and consultation_of(session, of).status is ConsultationStatus.CANCELLED
        if not owed:
            go_on(session, actor, of)


def go_on(session: ScopedSession, actor: Actor, of: Charge) -> None:
    """What is on hold waits for what it has to wait for now: nothing, the session, or the bank."""
    consultation = consultation_of(session, of)
    if undecided(session, [consultation.id]):
        return
    gone = of.refunded_minor == of.amount_minor and _returned_once(session, of)
    if gone or (consultation.status in OVER and not client.promised_back(session, of)):
        release(session, actor, [consultation.id], "All of it went back." if gone else None)
    else:
        earnings.wait_for(session, actor, earning_ids(session, [consultation.id]), HoldReason.SESSION)


def _returned_once(session: ScopedSession, of: Charge) -> bool:
    query = select(ChargeReturn.id).where(
        ChargeReturn.charge_id == of.id, ChargeReturn._status == ReturnStatus.SUCCEEDED
    )
    return session.scalar(query.limit(1)) is not None
