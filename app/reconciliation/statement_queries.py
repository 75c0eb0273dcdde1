"""Reads of statements: files of banks, and how far each account is told."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.db import paging
from app.organizations.models import Organization
from app.reconciliation.models import BalanceCheck, BankStatement, StatementLine
from app.reconciliation.states import StatementStatus

_KEY = paging.Key((BankStatement.created_at, BankStatement.id), ("created_at", "id"))


def statements(
    session: Session, *, account: str = "", cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, account, kind, file_name, status, summary, first_on, last_on, imported_by, created_at; newest first."""
    query: paging.AnySelect = select(
        BankStatement.id, BankStatement.account, BankStatement.kind, BankStatement.currency, BankStatement.file_name,
        BankStatement.status, BankStatement.summary, BankStatement.first_on, BankStatement.last_on,
        BankStatement.imported_by, BankStatement.created_at, BankStatement.finished_at,
    )  # fmt: skip
    if account:
        query = query.where(BankStatement.account == account)
    return paging.fetch(session, query, _KEY, cursor, limit)


def usual_currency(session: Session) -> str:
    """That of the file that came last, else the platform's own."""
    last = select(BankStatement.currency).order_by(BankStatement.created_at.desc(), BankStatement.id.desc()).limit(1)
    house = select(Organization.currency).where(Organization.is_house)
    return str(session.scalar(last) or session.scalar(house) or "USD")


def told_until(session: Session) -> list[paging.AnyRow]:
    """account, currency, last_on, lines: how far the statements of each account reach."""
    query: paging.AnySelect = (
        select(
            StatementLine.account, StatementLine.currency, func.max(StatementLine.booked_on).label("last_on"),
            func.count().label("lines"),
        )
        .group_by(StatementLine.account, StatementLine.currency)
        .order_by(StatementLine.account, StatementLine.currency)
    )  # fmt: skip
    return list(session.execute(query).all())


def running(session: Session) -> int:
    """Statements that a job is taking now."""
    query: paging.AnySelect = select(BankStatement.id).where(BankStatement.status == StatementStatus.RUNNING)
    return paging.capped_count(session, query)


def last_checks(session: Session) -> list[paging.AnyRow]:
    """The last comparison of each rail and currency: rail, account, currency, told_minor, cash_minor, clearing_minor,
    agrees, created_at."""
    query: paging.AnySelect = (
        select(
            BalanceCheck.rail, BalanceCheck.account, BalanceCheck.currency, BalanceCheck.told_minor,
            BalanceCheck.cash_minor, BalanceCheck.clearing_minor, BalanceCheck.agrees, BalanceCheck.created_at,
        )
        .ext(distinct_on(BalanceCheck.rail, BalanceCheck.currency))
        .order_by(BalanceCheck.rail, BalanceCheck.currency, BalanceCheck.created_at.desc())
    )  # fmt: skip
    return list(session.execute(query).all())
