"""What Stripe tells of payees' accounts becomes state: asked there between two transactions, then written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from app.core.scope import Scope
from app.db.session import ScopedSession, unit_of_work
from app.methods import connect
from app.payouts import onward
from app.rails import stripe_accounts as stripe
from app.rails.base import RailUnavailable
from app.rails.pacing import Pace
from app.rails.stripe_accounts import Account
from app.webhooks.queries import Received

ACCOUNT, BANK = "account", "bank payout"
GONE = "account.application.deauthorized"
AT_ONCE = 500  # accounts a run asks; Stripe reads 100 calls a second, 25 in sandbox
PACE = Pace(0.05)
A_DAY = timedelta(days=1)  # Stripe's clock is not ours
Found = Mapping[str, Account | None]
T = TypeVar("T")


def ask(received: Sequence[Received]) -> Found:
    """How the accounts of these events stand now: events come late and out of order. Raises RailUnavailable."""
    named = {item.event.evidence["account"] for item in received if _about(item) == ACCOUNT}
    with unit_of_work(Scope.platform("which accounts are ours")) as session:
        known = connect.known(session, sorted(named))
    let_go = {item.event.evidence["account"] for item in received if item.event.evidence.get("type") == GONE}
    return {account: None if account in let_go else stripe.read(account) for account in sorted(known)}


def apply(session: ScopedSession, received: Sequence[Received], found: Found) -> list[UUID]:
    """Write down what `ask` found and what is paid on to banks; the events that were about something of ours."""
    mine, accounts = [], set()
    for item in received:
        account = item.event.evidence.get("account", "")
        if (_about(item) == ACCOUNT and account in found) or (
            _about(item) == BANK and connect.bank_payout(session, item.event.evidence)
        ):
            mine.append(item.id)
            accounts |= {account} if _about(item) == ACCOUNT else set()
    for account in sorted(accounts):
        connect.follow(session, account, found[account])
    return mine


def _about(item: Received) -> str:
    return item.event.about if item.source == connect.NAME else ""


def look() -> None:
    """Accounts nobody heard of for a day, or that wait for something, are asked: lost webhooks end here."""
    with unit_of_work(Scope.platform("accounts to look at")) as session:
        accounts = connect.due_for_a_look(session, timedelta(days=1)) if connect.offered() else []
    _each(accounts, _look_at)


def look_at_banks() -> None:
    """What Stripe pays on to banks is asked for where news are overdue or missing; the same news change nothing."""
    with unit_of_work(Scope.platform("payouts to banks to look at")) as session:
        found = onward.due(session, AT_ONCE) if connect.offered() else []
    _each(found, _ask_banks)


def _look_at(account: str) -> None:
    found = stripe.read(account)
    with unit_of_work(Scope.platform("how an account stands")) as session:
        connect.follow(session, account, found)


def _ask_banks(due: onward.Due) -> None:
    found = stripe.payouts(due.account, due.since - A_DAY)
    with unit_of_work(Scope.platform("what was paid to a bank")) as session:
        for evidence in reversed(found):
            connect.bank_payout(session, evidence)
        connect.payouts_read(session, due.account)


def _each(wanted: Sequence[T], ask: Callable[[T], None]) -> None:
    """One that cannot be asked now keeps no other up."""
    failure: RailUnavailable | None = None
    for one in wanted:
        PACE.wait()
        try:
            ask(one)
        except RailUnavailable as unknown:
            failure = unknown
    if failure:
        raise failure
