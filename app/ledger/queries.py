"""Reads of the books: entries with their lines, and balances by organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from app.core.money import Money
from app.db import paging
from app.ledger.models import Balance, Entry, Line
from app.ledger.recipes import PER_PAYEE, Account


@dataclass(frozen=True, slots=True)
class EntryLine:
    """Debit positive, credit negative."""

    account: Account
    payee_id: UUID | None
    rail: str | None
    amount: Money


def entries(
    session: Session,
    organization_id: UUID,
    *,
    kind: str = "",
    payee_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page of postings of an organization, newest first: id, created_at, kind, ref, memo, payee_id."""
    query: paging.AnySelect = select(
        Entry.id, Entry.created_at, Entry.kind, Entry.ref, Entry.memo, Entry.payee_id
    ).where(Entry.organization_id == organization_id)
    if kind:
        query = query.where(Entry.kind == kind)
    if payee_id:
        query = query.where(Entry.payee_id == payee_id)
    key = paging.Key((Entry.created_at, Entry.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def lines(session: Session, entry_ids: Sequence[UUID]) -> dict[UUID, list[EntryLine]]:
    """Entry → its lines, debits first."""
    rows = session.execute(
        select(Line.entry_id, Line.account, Line.payee_id, Line.rail, Line.currency, Line.amount_minor)
        .where(Line.entry_id.in_(entry_ids))
        .order_by(Line.entry_id, Line.amount_minor.desc(), Line.id)
    )
    found: dict[UUID, list[EntryLine]] = {}
    for row in rows:
        line = EntryLine(Account(row.account), row.payee_id, row.rail, Money(row.amount_minor, row.currency))
        found.setdefault(row.entry_id, []).append(line)
    return found


def balances_of_payee(session: Session, payee_id: UUID) -> Sequence[Any]:
    """Per organization and currency: organization_id, currency, held_minor, available_minor, in_transit_minor."""

    def kept(account: Account) -> Any:
        total = func.sum(Balance.balance_minor).filter(Balance.account == account.value)
        return cast(func.coalesce(total, 0), BigInteger).label(f"{account.value.removeprefix('payee_')}_minor")

    return session.execute(
        select(Balance.organization_id, Balance.currency, *[kept(account) for account in sorted(PER_PAYEE)])
        .where(Balance.payee_id == payee_id)
        .group_by(Balance.organization_id, Balance.currency)
        .order_by(Balance.organization_id, Balance.currency)
    ).all()
