"""Reads about money in: deposits, and the statement of an organization's funds."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.charges.models import Deposit
from app.charges.states import DepositStatus
from app.core.errors import NotFound
from app.db import paging
from app.ledger import account_lines
from app.ledger.recipes import Account
from app.organizations.models import Organization

_COLUMNS = (
    Deposit.id, Deposit.organization_id, Deposit.amount_minor, Deposit.currency, Deposit.reference, Deposit.sent_on,
    Deposit.announced_by, Deposit.announced_by_account_id, Deposit.status, Deposit.decided_by, Deposit.decided_at,
    Deposit.decision_reason, Deposit.created_at,
)  # fmt: skip
_KEY = paging.Key((Deposit.created_at, Deposit.id), ("created_at", "id"))


def deposits(
    session: Session,
    organization_id: UUID,
    *,
    status: DepositStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """The columns of a deposit, newest first."""
    query: paging.AnySelect = select(*_COLUMNS).where(Deposit.organization_id == organization_id)
    if status is not None:
        query = query.where(Deposit.status == status)
    return paging.fetch(session, query, _KEY, cursor, limit)


def review_queue(
    session: Session,
    *,
    status: DepositStatus | None = DepositStatus.ANNOUNCED,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """For the platform: deposits of every organization, with `organization` (name) and `slug`, newest first."""
    query: paging.AnySelect = select(*_COLUMNS, Organization.name.label("organization"), Organization.slug).join(
        Organization, Organization.id == Deposit.organization_id
    )
    if status is not None:
        query = query.where(Deposit.status == status)
    return paging.fetch(session, query, _KEY, cursor, limit)


def deposit(session: Session, deposit_id: UUID) -> paging.AnyRow:
    """One deposit as in the review queue. Raises NotFound."""
    found = session.execute(
        select(*_COLUMNS, Organization.name.label("organization"), Organization.slug)
        .join(Organization, Organization.id == Deposit.organization_id)
        .where(Deposit.id == deposit_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such deposit.")
    return found


def count_announced(session: Session, organization_id: UUID | None = None) -> int:
    """Deposits waiting for the platform; capped."""
    query: paging.AnySelect = select(Deposit.id).where(Deposit.status == DepositStatus.ANNOUNCED)
    if organization_id is not None:
        query = query.where(Deposit.organization_id == organization_id)
    return paging.capped_count(session, query)


def funds_statement(
    session: Session,
    organization_id: UUID,
    currency: str,
    *,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """Lines of the funds account, newest first, each with the balance after it (`account_lines.AccountLine`)."""
    return account_lines.lines(
        session, Account.FUNDS, currency, organization_id=organization_id, cursor=cursor, limit=limit
    )
