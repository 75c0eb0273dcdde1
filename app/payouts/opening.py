"""Taking ready money of one payee into a new payout that waits for review: a withdrawal, or one made by hand."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Actor
from app.core.settings import settings
from app.db import locks
from app.methods.queries import usable_method
from app.methods.rules import BLOCKED_TEXT
from app.payouts import engagements
from app.payouts.models import Payout
from app.payouts.moves import post_reserved
from app.payouts.states import PayoutOrigin
from app.rails import limits, registry
from app.tax import queries as tax
from app.tax.rules import FORM_MISSING, FORM_MISSING_CURE

_READY = text(
    """SELECT CAST(coalesce(sum(amount_minor), 0) AS bigint) FROM (
        SELECT amount_minor FROM ready_earnings WHERE organization_id = :organization_id AND payee_id = :payee_id
        AND currency = :currency ORDER BY earning_id FOR UPDATE) r"""
)
# Credits first, then the oldest earnings; the last one taken in part.
_TAKE = text(
    """WITH ordered AS (
        SELECT earning_id, amount_minor, CAST(sum(amount_minor) OVER (
            ORDER BY (amount_minor > 0), ready_at, earning_id) AS bigint) AS upto
        FROM ready_earnings WHERE organization_id = :organization_id AND payee_id = :payee_id AND currency = :currency
    ), taken AS (
        SELECT earning_id, amount_minor, CASE WHEN upto <= :amount_minor THEN amount_minor
            ELSE amount_minor - (upto - :amount_minor) END AS part
        FROM ordered WHERE upto - amount_minor < :amount_minor
    ), item AS (
        INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
        SELECT :payout_id, earning_id, :organization_id, :payee_id, part FROM taken
    ), whole AS (
        DELETE FROM ready_earnings r USING taken t WHERE r.earning_id = t.earning_id AND t.part = t.amount_minor
    )
    UPDATE ready_earnings r SET amount_minor = r.amount_minor - t.part
    FROM taken t WHERE r.earning_id = t.earning_id AND t.part <> t.amount_minor"""
)


def ready(session: Session, organization_id: UUID, payee_id: UUID, currency: str) -> Money:
    """What could be paid out now; locked until the transaction ends. May be below zero."""
    locks.hold(session, "claims", organization_id, shared=True)
    key = {"organization_id": organization_id, "payee_id": payee_id, "currency": currency}
    return Money(int(session.execute(_READY, key).scalar_one()), currency)


def reserve(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    amount: Money,
    *,
    origin: PayoutOrigin,
    note: str,
    reason: str | None = None,
) -> Payout:
    """Open a payout over `amount`, which `ready` said is there. `note` is its first step, which the payee reads.

    Raises Invalid when the payee cannot be paid it now: suspended, no tax form, no usable method, its limits.
    """
    engagements.refuse_suspended(session, organization_id, payee_id)
    require_tax_form(session, organization_id, payee_id, amount.currency)
    method = usable_method(session, payee_id, amount.currency)
    if method.blocked:
        raise Invalid(BLOCKED_TEXT[method.blocked])
    _require_amount(method.rail, amount)
    payout = Payout(
        organization_id=organization_id,
        payee_id=payee_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        rail=method.rail,
        method_id=method.method_id,
        origin=origin,
        reason=reason,
        requested_by=actor.label,
        requested_by_account_id=actor.account_id,
        simulated=settings().sandbox,
        created_at=utc_now(),
        status_at=utc_now(),
    )
    session.add(payout)
    session.flush()
    taken = {"organization_id": organization_id, "payee_id": payee_id, "currency": amount.currency}
    session.execute(_TAKE, {**taken, "payout_id": payout.id, "amount_minor": amount.minor})
    post_reserved(session, [payout.id])
    audit.timeline(
        session, actor, "payout", payout.id, "pending", note=note, organization_id=organization_id, payee_id=payee_id
    )
    audit.record(
        session, actor, "payout.requested", "payout", payout.id, organization_id=organization_id,
        amount_minor=amount.minor, currency=amount.currency, origin=origin.value,
    )  # fmt: skip
    return payout


def require_tax_form(session: Session, organization_id: UUID, payee_id: UUID, currency: str) -> None:
    """Raises Invalid while the payee owes the form without which nobody is paid."""
    if tax.is_missing(session, organization_id, payee_id, currency):
        raise Invalid(f"{FORM_MISSING} {FORM_MISSING_CURE}")


def _require_amount(rail: str | None, amount: Money) -> None:
    why = limits.refusal(registry.rail(rail), amount) if rail else ""
    if why:
        raise Invalid(why, fields={"amount": why})
