"""Payouts that an admin asks for by hand: of money that is owed and ready, and approved by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.paging import AnyRow
from app.payees.models import Payee
from app.payouts import opening
from app.payouts.models import Payout
from app.payouts.states import PayoutOrigin

LONGEST = 500
_OWING = text(
    """SELECT r.organization_id, o.name, r.currency, CAST(sum(r.amount_minor) AS bigint) AS amount_minor
    FROM ready_earnings r JOIN organizations o ON o.id = r.organization_id WHERE r.payee_id = :payee_id
    GROUP BY r.organization_id, o.name, r.currency HAVING sum(r.amount_minor) > 0
    ORDER BY o.name, r.organization_id, r.currency LIMIT 100"""
)


def owing(session: Session, payee_id: UUID) -> Sequence[AnyRow]:
    """organization_id, name, currency, amount_minor: who owes a payee what, ready to be paid out now."""
    return session.execute(_OWING, {"payee_id": payee_id}).all()


def make(
    session: Session, actor: Actor, *, payee_id: UUID, amount: Money, reason: str, organization_id: UUID | None = None
) -> Payout:
    """Reserve `amount` of what is ready for a payee and open a payout for review; the payee reads `reason`.

    Without an organization it is the one that owes them in this currency. Whoever asks cannot approve it. Raises
    NotFound, Conflict for what an organization earned itself, Invalid for an amount that is not ready (`amount`),
    several organizations that owe (`organization_id`), and what keeps the payee from being paid.
    """
    actor.require(Permission.BATCH_MANAGE)
    _check(reason)
    payee = session.execute(select(Payee.id, Payee.own_organization_id).where(Payee.id == payee_id)).one_or_none()
    if payee is None:
        raise NotFound("There is no such payee.")
    if payee.own_organization_id is not None:
        raise Conflict("An organization asks for what it earned itself.")
    payer_id = organization_id or _payer(session, payee_id, amount.currency)
    there = opening.ready(session, payer_id, payee_id, amount.currency)
    if not 0 < amount.minor <= there.minor:
        most = format_money(there if there.minor > 0 else Money(0, amount.currency))
        raise Invalid(
            f"{most} of theirs can be paid out now. What is owed beyond that has to be recorded first.",
            fields={"amount": f"An amount up to {most}."},
        )
    return opening.reserve(
        session, actor, payer_id, payee_id, amount,
        origin=PayoutOrigin.MANUAL, note=f"Made by hand: {reason.strip()}", reason=reason.strip(),
    )  # fmt: skip


def _check(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Give a reason; the payee reads it.", fields={"reason": "Say why; the payee reads it."})
    if len(reason) > LONGEST:
        raise Invalid("The reason is too long.", fields={"reason": f"At most {LONGEST} letters."})


def _payer(session: Session, payee_id: UUID, currency: str) -> UUID:
    found = [row for row in owing(session, payee_id) if row.currency == currency]
    if not found:
        said = f"Nothing in {currency} is ready to be paid to them. What is owed has to be recorded first."
        raise Invalid(said, fields={"amount": said})
    if len(found) > 1:
        names = ", ".join(row.name for row in found)
        raise Invalid(
            f"Several organizations owe them {currency}: {names}. Say which one pays.",
            fields={"organization_id": "Say which one pays."},
        )
    payer_id: UUID = found[0].organization_id
    return payer_id
