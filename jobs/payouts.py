"""Payout jobs: claim and commit, call the rail outside any transaction, record.

Every function may be run again at any point: what it finds in the database decides what is left to do.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.billing import limits
from app.consultations import profiles
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.payouts import asking, batches, engagements, exports, letters, recalls, sending, settling
from app.payouts.asking import Taken
from app.payouts.sending import Unanswered
from app.payouts.settling import News
from app.rails import limits as rail_limits
from app.rails import registry
from app.rails.base import Blame, Cancels, Outcome, RailRejected, RailUnavailable, Result, SendOrder, TakesBack
from app.webhooks import queries as webhooks
from app.webhooks import service as webhook_service
from jobs import connect, reconciliation

log = logging.getLogger(__name__)


def _actor(label: str, account_id: str | None) -> Actor:
    return Actor(label=label, role="system", account_id=UUID(account_id) if account_id else None)


def plan_batch(batch_id: str, actor_label: str, account_id: str | None = None) -> None:
    with unit_of_work(Scope.platform("plan a batch")) as session:
        batches.plan(session, _actor(actor_label, account_id), UUID(batch_id))


def run_chunk(chunk_id: str) -> None:
    """Send one slice of a batch; the last one finishes the batch."""
    with unit_of_work(Scope.platform("run a batch")) as session:
        chunk = sending.chunk(session, UUID(chunk_id))
        if chunk is None:
            return
        batch = batches.get(session, chunk.batch_id)
        starter = Actor(label=batch.started_by or SYSTEM.label, role="system", account_id=batch.started_by_account_id)
        if registry.rail(chunk.rail).exports:
            exports.make(session, starter, chunk.payout_ids, chunk.batch_id)
    if not registry.rail(chunk.rail).exports:
        send(chunk.payout_ids)
    with unit_of_work(Scope.platform("finish a chunk")) as session:
        batches.finish_chunk(session, SYSTEM, chunk.id, chunk.batch_id)


def send_payouts(payout_ids: Sequence[str], organization_id: str, actor_label: str, account_id: str | None) -> None:
    """Payouts outside batches, chosen by a person."""
    ids = [UUID(payout_id) for payout_id in payout_ids]
    with unit_of_work(Scope.platform("send chosen payouts")) as session:
        by_file = sending.on_export_rails(session, ids)
        exports.make(session, _actor(actor_label, account_id), by_file)
    send([payout_id for payout_id in ids if payout_id not in set(by_file)])


def send(payout_ids: Sequence[UUID]) -> None:
    """Look up what an earlier run left open, then claim and send the rest.

    Raises RailUnavailable when an outcome stays unknown, so that the job is tried again.
    """
    with unit_of_work(Scope.platform("find payouts without an answer")) as session:
        open_attempts = sending.unanswered(session, payout_ids)
    failure = _look_up(open_attempts)
    with unit_of_work(Scope.platform("claim payouts")) as session:
        orders = sending.claim(session, SYSTEM, payout_ids)
        rails = sending.rails_of(session, orders)
    for name, group in rails.items():
        for call in _calls(group):
            failure = _call(name, call) or failure
    if failure:
        raise failure


def _calls(orders: Sequence[SendOrder]) -> list[list[SendOrder]]:
    """By the calls they were written down for: one made again has the same orders."""
    found: dict[str, list[SendOrder]] = {}
    for order in orders:
        found.setdefault(order.call, []).append(order)
    return list(found.values())


def _call(rail_name: str, orders: Sequence[SendOrder]) -> RailUnavailable | None:
    """One call to a rail and the record of what it said; returns the failure when the outcome is unknown."""
    rail, failure = registry.rail(rail_name), None
    orders, results = rail_limits.sort_out(rail, orders)
    keys = [order.key for order in orders]
    try:
        results += rail.send(orders) if orders else []
    except RailRejected as refusal:
        results += [
            Result(key, Outcome.FAILED, code=refusal.code, message=refusal.message, blame=Blame.PERMANENT)
            for key in keys
        ]
    except RailUnavailable as unknown:
        failure = unknown
    with unit_of_work(Scope.platform("record what the rail said")) as session:
        settling.apply(session, SYSTEM, [News(result, "answer") for result in results])
        if failure:
            sending.mark_unknown(session, keys, failure.message)
    return failure


def _look_up(attempts: Sequence[Unanswered]) -> RailUnavailable | None:
    """Ask the rail about each attempt by its key. Only what it never saw is sent again, under the same key."""
    failure: RailUnavailable | None = None
    known: list[News] = []
    unseen: dict[str, list[SendOrder]] = {}
    for attempt in attempts:
        rail = registry.rail(attempt.rail)
        if not rail.can_look_up:
            continue  # waits for a person
        try:
            result = rail.find(attempt.key, attempt.reference)
        except RailUnavailable as unknown:
            failure = unknown
            continue
        if result is not None and result.outcome is Outcome.ASKED:
            continue  # an event will tell
        if result is not None:
            known.append(News(result, "look-up"))
        elif attempt.order is not None:
            unseen.setdefault(attempt.rail, []).append(attempt.order)
        else:
            log.error("payout attempt waits for a person", extra={"fields": {"key": attempt.key}})
    if known:
        with unit_of_work(Scope.platform("record what the rail said")) as session:
            settling.apply(session, SYSTEM, known)
    for name, orders in unseen.items():
        for call in _calls(orders):
            failure = _call(name, call) or failure
    return failure


def look_up_stale(older_than_s: float = 120) -> None:
    """The sweep: attempts without a final word are looked up at their rails; lost webhooks end here."""
    after, failure = None, None
    while True:
        with unit_of_work(Scope.platform("find stale attempts")) as session:
            found = asking.stale(session, timedelta(seconds=older_than_s), after)
            ids = [one.payout_id for one in found]
            unanswered = sending.unanswered(session, ids)
            accepted = asking.accepted(session, ids)
        if not found:
            break
        failure = _look_up(unanswered) or failure
        failure = _ask(accepted) or failure
        after = found[-1]
    if failure:
        raise failure


def look_up_paid(days: int = 7, *, all_of_them: bool = False) -> None:
    """What was paid in the last days is asked about again, each once a day: a return nobody told us of ends here."""
    now, after, failure = utc_now(), None, None
    while True:
        with unit_of_work(Scope.platform("find what was paid")) as session:
            turn = None if all_of_them else now.hour
            found = asking.paid_since(session, now - timedelta(days=days), after, turn=turn)
        if not found:
            break
        failure = _ask(found, paid=True) or failure
        after = found[-1]
    if failure:
        raise failure


def _ask(taken: Sequence[Taken], *, paid: bool = False) -> RailUnavailable | None:
    """What the rails say now of attempts they took. `paid`: only what came back is news of those."""
    failure, news = None, []
    for attempt in taken:
        try:
            result = registry.rail(attempt.rail).find(attempt.key, attempt.reference)
        except RailUnavailable as unknown:
            failure = unknown
            continue
        if result is None or result.outcome is Outcome.ASKED:
            continue
        if not paid:
            news.append(News(result, "look-up"))
        elif result.outcome in (Outcome.RETURNED, Outcome.FAILED):
            news.append(News(replace(result, outcome=Outcome.RETURNED), "look-up"))
    if news:
        with unit_of_work(Scope.platform("record what the rails said")) as session:
            settling.apply(session, SYSTEM, news)
    return failure


def apply_events(webhook_ids: Sequence[str]) -> None:
    """Received rail events become state; an event about nothing of ours is kept and marked ignored.

    Those that only wake us are looked up at their rail first, between two transactions.
    """
    ids = [UUID(webhook_id) for webhook_id in webhook_ids]
    told, accounts = _ask_rails(ids)
    with unit_of_work(Scope.platform("apply rail events")) as session:
        received = webhooks.unapplied(session, ids)
        of_accounts = connect.apply(session, received, accounts)
        keys = [item.event.result.key for item in received if item.event.result is not None]
        known = sending.known_keys(session, keys)
        mine, news = [], []
        for item in received:
            result = told.get(item.id) if item.event.look_up else item.event.result
            if result is not None and result.key in known:
                mine.append(item.id)
                news.append(News(result, "look-up" if item.id in told else "event", item.event.evidence))
        moved = settling.apply(session, SYSTEM, news)
        mine += of_accounts + reconciliation.heard(session, received)
        webhook_service.applied(session, mine, "applied")
        webhook_service.ignored(session, [i.id for i in received if i.id not in mine], "no such instruction")
        log.info(
            "rail events applied", extra={"fields": {"events": len(received), "moved": sum(map(len, moved.values()))}}
        )


def _ask_rails(ids: Sequence[UUID]) -> tuple[dict[UUID, Result], connect.Found]:
    """What the rails say now of the instructions of those events that only wake us, and Stripe of the accounts that
    some are about. Raises RailUnavailable."""
    with unit_of_work(Scope.platform("read rail events")) as session:
        received = webhooks.unapplied(session, ids)
    waking = [item for item in received if item.event.look_up and item.event.result]
    told = {}
    for item in waking:
        if item.event.result is None:
            continue
        result = registry.rail(item.source).find(item.event.result.key, item.event.result.reference)
        if result is not None and result.outcome is not Outcome.ASKED:
            told[item.id] = result
    return told, connect.ask(received)


def call_back(payout_id: str, recall: str = "") -> None:
    """Ask the rail for the money of a payout nobody claimed, or that it can take back; its answer moves the payout.

    `recall` names the time it was asked for: a repeat of it is the same call.
    """
    chosen = UUID(payout_id)
    with unit_of_work(Scope.platform("find what is called back")) as session:
        found = recalls.attempt(session, chosen)
    rail = registry.rail(found.rail) if found else None
    if found is None or rail is None:
        return
    try:
        if found.paid and isinstance(rail, TakesBack):
            result = rail.take_back(found.key, found.reference, recall)
        elif not found.paid and isinstance(rail, Cancels):
            result = rail.cancel(found.key, found.reference)
        else:
            return
    except RailRejected as refusal:
        with unit_of_work(Scope.platform("record what was not given back")) as session:
            recalls.refused(session, SYSTEM, chosen, refusal.message)
        return
    with unit_of_work(Scope.platform("record what came back")) as session:
        settling.apply(session, SYSTEM, [News(result, "recall")])


def tell_settled(payout_ids: Sequence[str], outcome: str) -> None:
    """Mails to payees about payouts that ended, each once."""
    with unit_of_work(Scope.platform("tell payees")) as session:
        letters.settled(session, [UUID(payout_id) for payout_id in payout_ids], outcome)


def funds_arrived(organization_id: str) -> None:
    with unit_of_work(Scope.platform("release payouts that waited for funds")) as session:
        batches.funds_arrived(session, SYSTEM, UUID(organization_id))
        limits.watch(session, UUID(organization_id))


def follow_engagement(organization_id: str, payee_id: str) -> None:
    """Hold or let go what a payee has under way, and list a consultant or not, as the engagement is now."""
    with unit_of_work(Scope.platform("an engagement changed")) as session:
        engagements.follow(session, SYSTEM, UUID(organization_id), UUID(payee_id))
        profiles.follow(session, UUID(organization_id), UUID(payee_id))
