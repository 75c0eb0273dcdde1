"""Reads about clients' money: what they were charged, and what went back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeStatus, ReturnKind, ReturnStatus
from app.core.errors import NotFound
from app.db import paging
from app.organizations.models import Organization

_COLUMNS = (
    Charge.id, Charge.organization_id, Charge.buyer_organization_id, Charge.subject_kind, Charge.subject_id,
    Charge.description, Charge.amount_minor, Charge.promotion_minor, Charge.fee_minor, Charge.refunded_minor,
    Charge.currency, Charge.provider, Charge._status.label("status"), Charge.failure_message, Charge.simulated,
    Charge.succeeded_at, Charge.created_at,
)  # fmt: skip
_KEY = paging.Key((Charge.created_at, Charge.id), ("created_at", "id"))
_RETURN_KEY = paging.Key((ChargeReturn.created_at, ChargeReturn.id), ("created_at", "id"))
_RETURNS = (
    ChargeReturn.id, ChargeReturn.charge_id, ChargeReturn.kind, ChargeReturn._status.label("status"),
    ChargeReturn.amount_minor, ChargeReturn.promotion_minor, ChargeReturn.fee_minor, ChargeReturn.organization_minor,
    ChargeReturn.currency, ChargeReturn.reason, ChargeReturn.asked_by, ChargeReturn.decided_at,
    ChargeReturn.failure_message, ChargeReturn.settled_at, ChargeReturn.created_at,
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


def returns(session: Session, charge_id: UUID) -> Sequence[paging.AnyRow]:
    """The columns of what went back of a charge, or was asked to, newest first."""
    query = select(*_RETURNS).where(ChargeReturn.charge_id == charge_id)
    return session.execute(query.order_by(ChargeReturn.created_at.desc(), ChargeReturn.id.desc()).limit(200)).all()


def open_returns(
    session: Session,
    kind: ReturnKind,
    status: ReturnStatus | None = ReturnStatus.PENDING,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """For the platform: returns of a kind, with `description` and subject of their charge and `organization` (name)."""
    query = _with_charge().where(ChargeReturn.kind == kind)
    if status is not None:
        query = query.where(ChargeReturn._status == status)
    return paging.fetch(session, query, _RETURN_KEY, cursor, limit)


def _with_charge() -> paging.AnySelect:
    return (
        select(
            *_RETURNS, Charge.description, Charge.subject_kind, Charge.subject_id,
            Organization.name.label("organization"),
        )
        .join(Charge, Charge.id == ChargeReturn.charge_id)
        .join(Organization, Organization.id == ChargeReturn.organization_id)
    )  # fmt: skip


def came_back(session: Session, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT) -> paging.Page:
    """For the platform: refunds that came back and that nobody has seen to, newest first; columns of `open_returns`."""
    query = _with_charge().where(ChargeReturn._status == ReturnStatus.CAME_BACK, ChargeReturn.settled_at.is_(None))
    return paging.fetch(session, query, _RETURN_KEY, cursor, limit)


def came_back_count(session: Session) -> int:
    return paging.capped_count(
        session,
        select(ChargeReturn.id).where(
            ChargeReturn._status == ReturnStatus.CAME_BACK, ChargeReturn.settled_at.is_(None)
        ),
    )
