"""Statements become lines and lines are matched; late payouts and providers' balances are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.core.clock import today, utc_now
from app.core.errors import Refusal
from app.core.scope import SYSTEM, Scope
from app.db.session import ScopedSession, unit_of_work
from app.files import service as files
from app.files.storage import storage
from app.rails import registry
from app.rails.access import Mode, standing
from app.rails.base import BALANCE, AsksBalance, RailUnavailable, TellsBalance, Untold
from app.reconciliation import balances, matching, statements, stuck, watch
from app.reconciliation.states import ItemKind, StatementStatus
from app.webhooks.queries import Received

_PLATFORM = Scope.platform("reconciliation")
LATELY = timedelta(days=7)  # so far back a provider's movements are looked at


def import_statement(statement_id: str) -> None:
    """A confirmed file, some lines a transaction: killed between two, it goes on where it was."""
    chosen = UUID(statement_id)
    with unit_of_work(_PLATFORM) as session:
        record = statements.find(session, chosen)
        if record.status is not StatementStatus.RUNNING or record.file_id is None:
            return
        key = files.find(session, record.file_id).storage_key
    try:
        bookings = statements.read(record, storage().get(key))
        keys, more = bookings.keys(), True
        while more:
            with unit_of_work(_PLATFORM) as session:
                record = statements.find(session, chosen, lock=True)
                if record.status is not StatementStatus.RUNNING:
                    return
                more = statements.take(session, record, bookings, keys)
        with unit_of_work(_PLATFORM) as session:
            record = statements.find(session, chosen, lock=True)
            if record.status is StatementStatus.RUNNING:
                matched = matching.run(session, statements.actor_of(record)).total()
                statements.finish(session, record, matched)
    except Refusal as refusal:
        with unit_of_work(_PLATFORM) as session:
            statements.fail(session, statements.find(session, chosen, lock=True), refusal.message)


def every_quarter() -> None:
    """Lines are tried against what was sent or announced since, and late payouts are noticed."""
    with unit_of_work(_PLATFORM) as session:
        matching.run(session, SYSTEM)
    with unit_of_work(_PLATFORM) as session:
        watch.notice(session, ItemKind.STUCK, stuck.find(session, today()))
        watch.notice(session, ItemKind.CONTRADICTION, stuck.contradicted(session))


def every_day() -> None:
    """What providers say they hold for us is held against the books; one that does not answer keeps no other up."""
    failure: RailUnavailable | None = None
    for name, rail in registry.RAILS.items():
        shares = rail.provider not in ("", name)  # Venmo pays from PayPal's account, which is asked once
        if not shares and standing(rail).mode is not Mode.OFF:
            try:
                if isinstance(rail, TellsBalance):
                    compare_balance(name, rail)
                elif isinstance(rail, AsksBalance):
                    rail.ask_balance()
            except RailUnavailable as unknown:
                failure = unknown
    if failure:
        raise failure


def compare_balance(name: str, rail: TellsBalance) -> None:
    """Ask outside any transaction, then compare. What moved strangely and what differs opens an item."""
    now = utc_now()
    try:
        told, movements = rail.balances(), rail.activity(now - LATELY)
    except Untold as why:
        with unit_of_work(_PLATFORM) as session:
            watch.notice(session, ItemKind.BALANCE, [balances.untold(name, why.message)], within=f"{name}:")
        return
    with unit_of_work(_PLATFORM) as session:
        found = balances.compare(session, name, told, now - rail.tells_late)
        found += balances.strange(session, name, movements)
        watch.notice(session, ItemKind.BALANCE, found, within=f"{name}:")


def heard(session: ScopedSession, received: Sequence[Received]) -> list[UUID]:
    """Compare the balances among these events of rails; returns the events that told one."""
    told = [one for one in received if one.event.about == BALANCE]
    for one in told:
        watch.notice(
            session, ItemKind.BALANCE, balances.heard(session, one.source, one.event.evidence), within=f"{one.source}:"
        )
    return [one.id for one in told]
