"""Reads about clients' money: what they were charged, and what went back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session, aliased

from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeStatus, ReturnKind, ReturnStatus
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.organizations.models import Organization

_COLUMNS = (
    Charge.id, Charge.organization_id, Charge.buyer_organization_id, Charge.subject_kind, Charge.subject_id,
    Charge.description, Charge.amount_minor, Charge.promotion_minor, Charge.fee_minor, Charge.refunded_minor,
    Charge.currency, Charge.provider, Charge._status.label("status"), Charge.failure_message, Charge.simulated,
    Charge.succeeded_at, Charge.created_at, Charge.processor_fee_minor, Charge.processor_fee_currency,
)  # fmt: skip
_KEY = paging.Key((Charge.created_at, Charge.id), ("created_at", "id"))
_NEXT_TRY = aliased(ChargeReturn)
# As `client_service.next_key` makes it.
_NEXT_KEY = func.concat(
    func.split_part(ChargeReturn.key, ".", 1),
    ".",
    cast(func.coalesce(func.nullif(func.split_part(ChargeReturn.key, ".", 2), ""), "1"), Integer) + 1,
)
_RETRIED = select(_NEXT_TRY.id).where(_NEXT_TRY.key == _NEXT_KEY).exists()
_RETURNS = (
    ChargeReturn.id, ChargeReturn.charge_id, ChargeReturn.kind, ChargeReturn._status.label("status"),
    ChargeReturn.amount_minor, ChargeReturn.promotion_minor, ChargeReturn.fee_minor, ChargeReturn.organization_minor,
    ChargeReturn.currency, ChargeReturn.reason, ChargeReturn.asked_by, ChargeReturn.decided_at,
    ChargeReturn.failure_message, ChargeReturn.settled_at, ChargeReturn.created_at,
    _RETRIED.label("retried"),
)  # fmt: skip


def charges(
    session: Session,
    *,
    organization_id: UUID | None = None,
    status: ChargeStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """The columns of a charge with `organization` (name) and `slug`, newest first, as far as the scope sees them."""
    query: paging.AnySelect = select(*_COLUMNS, Organization.name.label("organization"), Organization.slug).join(
        Organization, Organization.id == Charge.organization_id
    )
    if organization_id is not None:
        query = query.where(Charge.organization_id == organization_id)
    if status is not None:
        query = query.where(Charge._status == status)
    return paging.fetch(session, query, _KEY, cursor, limit)


def charge(session: Session, subject_kind: str, subject_id: UUID) -> paging.AnyRow:
    """The columns of what was charged for one thing. Raises NotFound."""
    found = session.execute(
        select(*_COLUMNS).where(Charge.subject_kind == subject_kind, Charge.subject_id == subject_id)
    ).one_or_none()
    if found is None:
        raise NotFound("Nothing was charged for this.")
    return found


def one_charge(session: Session, charge_id: UUID) -> paging.AnyRow:
    """The columns of a charge. Raises NotFound."""
    found = session.execute(select(*_COLUMNS).where(Charge.id == charge_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such payment.")
    return found


def left_of(charge: Any, returns: Sequence[Any]) -> Money | None:
    """What can still be asked back of a charge, less what is on its way; None for one that was not paid."""
    if charge.status is not ChargeStatus.SUCCEEDED:
        return None
    promised = sum(one.amount_minor for one in returns if one.status in _OPEN)
    return Money(charge.amount_minor - charge.refunded_minor - promised, charge.currency)


def returns(session: Session, charge_id: UUID) -> Sequence[paging.AnyRow]:
    """The columns of what went back of a charge, or was asked to, newest first. `retried`: it was refused, and another
    one was asked for in its place."""
    query = select(*_RETURNS).where(ChargeReturn.charge_id == charge_id)
    return session.execute(query.order_by(ChargeReturn.created_at.desc(), ChargeReturn.id.desc()).limit(200)).all()


class ReturnView(StrEnum):
    """Returns by what they need. REFUSED: refunds that did not go back, or came back; a person has to act. WAITING:
    refunds whose provider has not answered yet. DISPUTES: a bank decides. DONE: everything that went back."""

    REFUSED = "refused"
    WAITING = "waiting"
    DISPUTES = "disputes"
    DONE = "done"


_OPEN = (ReturnStatus.PENDING, ReturnStatus.UNKNOWN)
_NEWEST = paging.Key((ChargeReturn.created_at, ChargeReturn.id), ("created_at", "id"))


def refused() -> paging.AnySelect:
    """Ids of refunds that somebody has to see to: refused, or gone back and sent back to us by the client's bank; not
    tried again, not settled, and something of the charge is left."""
    return (
        select(ChargeReturn.id)
        .join(Charge, Charge.id == ChargeReturn.charge_id)
        .where(
            ChargeReturn.kind == ReturnKind.REFUND,
            ChargeReturn._status.in_((ReturnStatus.FAILED, ReturnStatus.CAME_BACK)),
            ChargeReturn.settled_at.is_(None),
            Charge.refunded_minor < Charge.amount_minor,
            ~_RETRIED,
        )
    )


def returns_across(
    session: Session, view: ReturnView, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """For the platform: returns with `description` and subject of their charge, its `provider`, and `organization`
    (name); newest first."""
    query: paging.AnySelect = (
        select(
            *_RETURNS, Charge.description, Charge.subject_kind, Charge.subject_id, Charge.provider,
            Organization.name.label("organization"),
        )
        .join(Charge, Charge.id == ChargeReturn.charge_id)
        .join(Organization, Organization.id == ChargeReturn.organization_id)
    )  # fmt: skip
    if view is ReturnView.REFUSED:
        query = query.where(ChargeReturn.id.in_(refused()))
    elif view is ReturnView.DONE:
        query = query.where(ChargeReturn._status == ReturnStatus.SUCCEEDED)
    else:
        kind = ReturnKind.DISPUTE if view is ReturnView.DISPUTES else ReturnKind.REFUND
        query = query.where(ChargeReturn.kind == kind, ChargeReturn._status.in_(_OPEN))
    return paging.fetch(session, query, _NEWEST, cursor, limit)


def one_return(session: Session, return_id: UUID) -> paging.AnyRow:
    """The columns of a return with subject of its charge. Raises NotFound."""
    found = session.execute(
        select(*_RETURNS, Charge.subject_kind, Charge.subject_id, Charge.description)
        .join(Charge, Charge.id == ChargeReturn.charge_id)
        .where(ChargeReturn.id == return_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such refund.")
    return found
