"""Money in: an organization (or an admin for it) announces a bank deposit, a second person confirms that it came."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.charges import rules
from app.charges.models import Deposit
from app.charges.states import DepositStatus
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.notify import service as notify
from app.organizations import queries as organizations
from app.organizations.models import Organization

BANK = "bank"  # the rail whose cash account deposits arrive on


def announce(
    session: Session, actor: Actor, organization_id: UUID, *, amount: Money, reference: str, sent_on: date
) -> Deposit:
    """Say that money is on its way to the funds account. It counts once confirmed.

    An admin who sees an unannounced transfer on the statement announces it too; somebody else confirms it then.
    Raises Forbidden, Invalid, or Conflict for a deposit announced twice.
    """
    actor.require(Permission.FUNDS_ANNOUNCE)
    actor.require_organization(organization_id)
    rules.check_deposit(amount, reference, sent_on, today())
    again = session.scalar(
        select(Deposit.id).where(
            Deposit.organization_id == organization_id,
            Deposit.reference == reference.strip(),
            Deposit.amount_minor == amount.minor,
            Deposit.currency == amount.currency,
            Deposit.sent_on == sent_on,
            Deposit.status == DepositStatus.ANNOUNCED,
        )
    )
    if again is not None:
        raise Conflict("This deposit is announced already.", fields={"reference": "Announced already."})
    made = Deposit(
        id=new_id(),
        organization_id=organization_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        reference=reference.strip(),
        sent_on=sent_on,
        announced_by=actor.label,
        announced_by_account_id=actor.account_id,
        status=DepositStatus.ANNOUNCED,
    )
    session.add(made)
    session.flush()
    _note(session, actor, made, "deposit.announced", None)
    return made


def confirm(session: ScopedSession, actor: Actor, deposit_id: UUID) -> Deposit:
    """The money is on our bank statement: post it to the organization's funds. Needs a platform scope.

    Raises Forbidden (also for who announced it), NotFound, InvalidTransition.
    """
    deposit = _to_decide(session, actor, deposit_id)
    before = deposit.status
    deposit.advance(DepositStatus.CONFIRMED)
    _decided(deposit, actor)
    ledger.post(
        session,
        recipes.DEPOSIT_CONFIRMED,
        ref=str(deposit.id),
        organization_id=deposit.organization_id,
        amount=deposit.amount,
        rail=BANK,
        memo=deposit.reference,
    )
    _note(session, actor, deposit, "deposit.confirmed", before)
    outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=deposit.organization_id)
    _tell_arrived(session, deposit)
    return deposit


def _tell_arrived(session: ScopedSession, deposit: Deposit) -> None:
    organization = session.get_one(Organization, deposit.organization_id)
    balance = ledger.funds(session, organization.id, deposit.currency)
    for name, email in organizations.members_who(session, organization.id, Permission.FUNDS_ANNOUNCE):
        notify.queue(
            session,
            email,
            "deposit_confirmed",
            subject=f"{format_money(deposit.amount)} arrived",
            context={
                "name": name,
                "organization": organization.name,
                "amount": {"minor": deposit.amount_minor, "currency": deposit.currency},
                "reference": deposit.reference,
                "balance": {"minor": balance.minor, "currency": balance.currency},
                "url": f"{settings().base_url}/org/{organization.slug}/funds",
            },
            organization_id=organization.id,
        )


def reject(session: Session, actor: Actor, deposit_id: UUID, reason: str) -> Deposit:
    """The money never came. Needs a platform scope. Raises Forbidden, NotFound, Invalid, InvalidTransition."""
    if not reason.strip():
        raise Invalid("Say why: the organization reads it.", fields={"reason": "Give a reason."})
    deposit = _to_decide(session, actor, deposit_id)
    before = deposit.status
    deposit.advance(DepositStatus.REJECTED)
    _decided(deposit, actor)
    deposit.decision_reason = reason.strip()
    _note(session, actor, deposit, "deposit.rejected", before)
    return deposit


def _to_decide(session: Session, actor: Actor, deposit_id: UUID) -> Deposit:
    actor.require(Permission.FUNDS_CONFIRM)
    deposit = session.scalar(select(Deposit).where(Deposit.id == deposit_id).with_for_update())
    if deposit is None:
        raise NotFound("There is no such deposit.")
    refused = rules.may_decide(
        announced_by=deposit.announced_by,
        announced_by_account_id=deposit.announced_by_account_id,
        label=actor.label,
        account_id=actor.account_id,
    )
    if refused:
        raise Forbidden(refused)
    return deposit


def _decided(deposit: Deposit, actor: Actor) -> None:
    deposit.decided_by, deposit.decided_by_account_id, deposit.decided_at = actor.label, actor.account_id, utc_now()


def _note(session: Session, actor: Actor, deposit: Deposit, action: str, before: DepositStatus | None) -> None:
    audit.record(
        session, actor, action, "deposit", deposit.id, organization_id=deposit.organization_id,
        amount_minor=deposit.amount_minor, currency=deposit.currency, reference=deposit.reference,
    )  # fmt: skip
    audit.timeline(
        session, actor, "deposit", deposit.id, deposit.status.value, from_state=before.value if before else None,
        note=deposit.decision_reason, organization_id=deposit.organization_id,
    )  # fmt: skip
