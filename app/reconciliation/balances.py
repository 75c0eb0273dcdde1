"""Providers' own words on what they hold for us, against the books.

Where a provider is the only one on an account, its balance is the account's. On a shared account (the bank's, which
the simulated rail pays from) only what went by that rail is compared. Between cash and cash plus clearing it agrees:
what is on its way may have left there already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.formats import format_money
from app.core.money import Money
from app.db.types import new_id
from app.rails import accounts, registry
from app.rails.base import Movement
from app.reconciliation.models import BalanceCheck
from app.reconciliation.watch import Noticed

_OF_ACCOUNT = text(
    """SELECT currency, coalesce(sum(amount_minor) FILTER (WHERE account = 'cash'), 0) AS cash,
        coalesce(sum(amount_minor) FILTER (WHERE account = 'clearing'), 0) AS clearing
    FROM ledger_lines WHERE account IN ('cash', 'clearing') AND rail = :account AND created_at <= :at
    GROUP BY currency"""
)
_OF_RAIL = text(
    """SELECT l.currency, coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'cash'), 0) AS cash,
        coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'clearing'), 0) AS clearing
    FROM payout_attempts a JOIN ledger_entries e ON e.organization_id = a.organization_id AND e.ref = a.key
        AND e.kind IN ('payout_sent', 'payout_bounced', 'payout_unbounced', 'payout_paid', 'payout_returned',
            'payout_fee')
    JOIN ledger_lines l ON l.entry_id = e.id AND l.account IN ('cash', 'clearing')
    WHERE a.rail = :rail AND l.created_at <= :at GROUP BY l.currency"""
)


@dataclass(frozen=True, slots=True)
class Books:
    cash: int
    clearing: int


def books_of(session: Session, rail: str, at: datetime | None = None) -> dict[str, Books]:
    """Currency → what the books say of a rail's account, in minor units; `at`: as they were then."""
    account = accounts.account_of(rail)
    query = _OF_RAIL if accounts.shared(account) else _OF_ACCOUNT
    rows = session.execute(query, {"rail": rail, "account": account, "at": at or utc_now()})
    return {row.currency: Books(int(row.cash), int(row.clearing)) for row in rows}


def compare(session: Session, rail: str, told: Sequence[Money], at: datetime | None = None) -> list[Noticed]:
    """Keep what was compared, as it was `at` that moment; what differs is returned, one for each currency."""
    books = books_of(session, rail, at)
    held = {money.currency: money.minor for money in told}
    found = []
    for currency in sorted({*books, *held}):
        ours, theirs = books.get(currency, Books(0, 0)), held.get(currency, 0)
        agrees = min(ours.cash, ours.cash + ours.clearing) <= theirs <= max(ours.cash, ours.cash + ours.clearing)
        session.add(
            BalanceCheck(
                id=new_id(), rail=rail, account=accounts.account_of(rail), currency=currency, told_minor=theirs,
                cash_minor=ours.cash, clearing_minor=ours.clearing, agrees=agrees,
            )
        )  # fmt: skip
        if not agrees:
            found.append(_differs(rail, Money(theirs, currency), Money(ours.cash, currency)))
    session.flush()
    return found


def heard(session: Session, rail: str, told: Mapping[str, str]) -> list[Noticed]:
    """Compare what a provider told by an event: minor units by currency, and `at` which moment."""
    held = [Money(int(minor), currency) for currency, minor in told.items() if currency != "at"]
    return compare(session, rail, held, datetime.fromisoformat(told["at"]))


def _differs(rail: str, theirs: Money, ours: Money) -> Noticed:
    label = registry.RAILS[rail].label if rail in registry.RAILS else rail
    says = f"{label} says it holds {format_money(theirs)}, the books say {format_money(ours)}"
    return Noticed(f"{rail}:{theirs.currency}", None, {"says": says, "rail": rail, "currency": theirs.currency})


def untold(rail: str, why: str) -> Noticed:
    """A provider that does not let us read what it holds."""
    return Noticed(f"{rail}:untold", None, {"says": why, "rail": rail})


_KEYS = text("SELECT key FROM payout_attempts WHERE rail = ANY(:rails) AND key = ANY(:keys)")


def strange(session: Session, rail: str, movements: Sequence[Movement]) -> list[Noticed]:
    """Money that moved there for no payout of ours, or twice for the same. Rails of one account move it together."""
    keys = [one.key for one in movements if one.key]
    rails = list(accounts.ACCOUNTS[accounts.account_of(rail)].rails)
    known = set(session.scalars(_KEYS, {"rails": rails, "keys": keys}))
    seen: set[tuple[str, str]] = set()
    found = []
    label = registry.RAILS[rail].label if rail in registry.RAILS else rail
    for one in movements:
        again = (one.key, one.kind) in seen
        seen.add((one.key, one.kind))
        if one.key and (one.key not in known or again):
            why = "a second time for the same payout" if again else "for no payout of ours"
            says = f"{label} moved {format_money(one.amount)} {why} ({one.key[:60]})"
            found.append(Noticed(f"{rail}:moved:{one.key}:{again}", None, {"says": says, "rail": rail}))
    return found
