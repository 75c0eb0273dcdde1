"""Reads of the books: entries with their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.money import Money
from app.db import paging
from app.ledger.models import Entry, Line
from app.ledger.recipes import Account


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
