"""What must be true when the dust has settled: the providers' own books against ours, to the minor unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.core.scope import Scope
from app.db.session import ScopedSession, unit_of_work
from app.reporting.doctor import examine
from jobs.chaos.ground import provider

# What the provider's movements may be for each end of a payout: (paid, returned). One whose "paid" was lost on the way
# and that came back is a failed one to us: no money stayed with anybody.
ENDS = {"paid": {(1, 0)}, "failed": {(0, 0), (1, 1)}, "returned": {(1, 1)}}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong`: a sentence for each thing that does not hold; empty when everything does."""

    payouts: Mapping[str, int]
    wrong: tuple[str, ...]


_ATTEMPTS = text(
    """SELECT a.key, a.call, a.rail, a.rail_reference, a.status, p.id AS payout_id, p.status AS payout_status,
        p.amount_minor, p.currency
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id"""
)
_OPEN = text("SELECT status, count(*) AS payouts FROM payouts GROUP BY 1")
_LEDGER = text(
    """SELECT l.account, l.currency, sum(l.amount_minor) AS minor FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account IN ('cash', 'clearing') AND e.kind LIKE 'payout_%' GROUP BY 1, 2"""
)
_ONWARD = text("SELECT reference, status FROM connected_payouts")
_UNSETTLED = text(
    """SELECT (SELECT count(*) FROM payout_attempts WHERE status IN ('submitted', 'unknown', 'accepted')),
        (SELECT count(*) FROM webhook_events WHERE status = 'received'),
        (SELECT count(*) FROM payouts WHERE status IN ('pending', 'approved', 'processing')),
        (SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL),
        (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL)"""
)


def under_way(session: ScopedSession) -> tuple[int, int, int, int]:
    """Attempts without an end, events not applied, payouts and jobs not done."""
    attempts, events, payouts, jobs, _given_up = session.execute(_UNSETTLED).one()
    return int(attempts), int(events), int(payouts), int(jobs)


def judge(books: Mapping[str, Sequence[Mapping[str, Any]]], banks: Sequence[Mapping[str, str]]) -> Verdict:
    """`books`: the instructions of each provider, as `GET /_instructions` gives them. `banks`: what Stripe says it
    paid on from payees' balances to their banks.
    """
    with unit_of_work(Scope.platform("chaos verdict")) as session:
        attempts = session.execute(_ATTEMPTS).all()
        ends = {row.status: int(row.payouts) for row in session.execute(_OPEN)}
        unsettled, events, waiting, promised, given_up = session.execute(_UNSETTLED).one()
        ledger = {(row.account, row.currency): int(row.minor) for row in session.execute(_LEDGER)}
        onward = {row.reference: row.status for row in session.execute(_ONWARD)}
        findings = examine(session)
    wrong = [f"{finding.code}: {finding.message} {finding.detail}" for finding in findings]
    wrong += [f"{count} payouts ended as {status}" for status, count in ends.items() if status not in ENDS]
    for count, what in (
        (unsettled, "attempts without an end"),
        (events, "events not applied"),
        (waiting, "payouts still under way"),
        (promised, "jobs not done"),
        (given_up, "jobs given up"),
    ):
        if count:
            wrong.append(f"{count} {what}")
    wrong += _compare(attempts, books)
    wrong += _in_the_ledger(books, ledger)
    wrong += _at_banks(banks, onward)
    return Verdict(ends, tuple(wrong))


def _compare(attempts: Sequence[Any], books: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Every instruction at a provider is an attempt of ours, and moved the money its payout says."""
    wrong: list[str] = []
    known = {(provider(row.rail), row.key): row for row in attempts}
    seen: set[tuple[str, str]] = set()
    for rail, instructions in books.items():  # of the provider
        for one in instructions:
            name = (rail, str(one["key"]).rpartition("/")[2])  # dialects put the call before our key
            row = known.get(name)
            if row is None:
                wrong.append(f"{rail}: an instruction nobody gave, {one['key']}")
                continue
            if name in seen:
                wrong.append(f"{rail}: {name[1]} is there twice")
            seen.add(name)
            wanted = ENDS.get(row.payout_status)
            if wanted is not None and (one["paid"], one["returned"]) not in wanted:
                moved = f"paid {one['paid']}, returned {one['returned']}"
                wrong.append(f"{rail}: {name[1]} is {row.payout_status} here, and {moved} there")
            if (one["amount_minor"], one["currency"]) != (row.amount_minor, row.currency):
                wrong.append(f"{rail}: {name[1]} is {row.amount_minor} here, {one['amount_minor']} there")
    wrong += [
        f"{rail}: {key} is {row.payout_status} here, and unknown there"
        for (rail, key), row in known.items()
        if rail in books and (rail, key) not in seen and row.payout_status in ("paid", "returned")
    ]
    return wrong


def _in_the_ledger(
    books: Mapping[str, Sequence[Mapping[str, Any]]], ledger: Mapping[tuple[str, str], int]
) -> list[str]:
    """What left our accounts is what the providers paid and kept; nothing is on the way."""
    there: dict[str, int] = {}
    for one in (one for instructions in books.values() for one in instructions):
        stayed = (one["paid"] - one["returned"]) * one["amount_minor"]
        there[one["currency"]] = there.get(one["currency"], 0) + stayed
    wrong = []
    for currency, minor in there.items():
        if -ledger.get(("cash", currency), 0) != minor:
            wrong.append(f"{currency}: {minor} left there, {-ledger.get(('cash', currency), 0)} in the ledger")
        if ledger.get(("clearing", currency), 0):
            wrong.append(f"{currency}: {ledger['clearing', currency]} is still on the way in the ledger")
    return wrong


def _at_banks(there: Sequence[Mapping[str, str]], here: Mapping[str, str]) -> list[str]:
    """Every payout of Stripe's to a payee's bank is known, and how it ended."""
    told = {one["payout"]: one["status"] for one in there}
    return [
        f"{reference}: {here.get(reference, 'unknown')} here, {told.get(reference, 'unknown')} at Stripe"
        for reference in sorted({*told, *here})
        if told.get(reference) != here.get(reference)
    ]
