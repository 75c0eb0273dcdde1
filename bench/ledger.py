"""Posting to the books against bare SQL on the same tables without policies, triggers and checks.

    python -m bench.ledger [--seconds 4] [--rounds 5] [--rows 100000] [--clients 8]

One client: `ledger.post` in a unit of work of its own against one prepared statement in autocommit, both durable.
Bulk: `ledger.post_from` against INSERT ... SELECT into entries, lines and balances, with ids given beforehand.
Clients: processes that post for payees of one organization, sharing its receivable account, against one organization
for each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.core.money import Money
from app.core.scope import Scope
from app.db.session import engine, engine_for, unit_of_work
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from bench import fill
from bench.ground import Ground, alternating, goal, ground, table, timed

PLATFORM = Scope.platform("bench")
BARE_TABLES = """
CREATE SCHEMA bare AUTHORIZATION quittance;
CREATE TABLE bare.entries (LIKE ledger_entries INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bare.lines (LIKE ledger_lines INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE bare.balances (LIKE ledger_balances INCLUDING DEFAULTS INCLUDING INDEXES);
ALTER TABLE bare.entries OWNER TO quittance; ALTER TABLE bare.lines OWNER TO quittance;
ALTER TABLE bare.balances OWNER TO quittance;
CREATE TABLE staged (id uuid PRIMARY KEY, ref text, organization_id uuid, payee_id uuid, amount_minor bigint);
GRANT SELECT ON staged TO quittance, quittance_platform;
"""
BARE_POST = """WITH entry AS (
    INSERT INTO bare.entries (organization_id, payee_id, kind, ref) VALUES (%(o)s, %(p)s, 'earning_ready', %(r)s)
    RETURNING id
), line AS (
    INSERT INTO bare.lines (entry_id, organization_id, payee_id, account, currency, amount_minor)
    SELECT id, %(o)s::uuid, NULL::uuid, 'receivable', 'GBP', %(a)s::bigint FROM entry
    UNION ALL SELECT id, %(o)s, %(p)s, 'payee_available', 'GBP', -%(a)s FROM entry
)
INSERT INTO bare.balances (organization_id, account, payee_id, currency, balance_minor)
VALUES (%(o)s, 'payee_available', %(p)s, 'GBP', %(a)s) ON CONFLICT (organization_id, account, payee_id, currency)
DO UPDATE SET balance_minor = balances.balance_minor + excluded.balance_minor"""
BARE_BULK = (
    """INSERT INTO bare.entries (id, organization_id, payee_id, kind, ref)
    SELECT id, organization_id, payee_id, 'earning_ready', ref FROM staged""",
    """INSERT INTO bare.lines (entry_id, organization_id, payee_id, account, currency, amount_minor)
    SELECT s.id, s.organization_id, CASE WHEN side.sign < 0 THEN s.payee_id END, side.account, 'GBP',
        s.amount_minor * side.sign
    FROM staged s CROSS JOIN (VALUES ('receivable', 1), ('payee_available', -1)) AS side (account, sign)""",
    """INSERT INTO bare.balances (organization_id, account, payee_id, currency, balance_minor)
    SELECT organization_id, 'payee_available', payee_id, 'GBP', sum(amount_minor) FROM staged GROUP BY 1, 3 ORDER BY 3
    ON CONFLICT (organization_id, account, payee_id, currency)
    DO UPDATE SET balance_minor = balances.balance_minor + excluded.balance_minor""",
)
STAGED = """SELECT ref, organization_id, payee_id, CAST(NULL AS text) AS rail, 'GBP' AS currency, amount_minor,
    CAST(NULL AS text) AS memo FROM staged"""


def post(organization_id: UUID, payee_id: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        ledger.post(
            session,
            recipes.EARNING_READY,
            ref=str(new_id()),
            organization_id=organization_id,
            payee_id=payee_id,
            amount=Money(12_34, "GBP"),
        )


def _rate(work: Callable[[UUID], None], payee_ids: Sequence[UUID], seconds: float) -> float:
    """Calls a second over about `seconds`."""
    start, count = time.perf_counter(), 0
    while (taken := time.perf_counter() - start) < seconds:
        for _ in range(20):
            work(payee_ids[count % len(payee_ids)])
            count += 1
    return count / taken


def one_client(place: Ground, organization_id: UUID, payee_ids: Sequence[UUID], seconds: float, rounds: int) -> float:
    """Our postings a second against the bare ones."""
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    with psycopg.connect(place.postgres.url(driver="postgresql"), autocommit=True) as connection:
        bare = connection.cursor()

        def bare_post(payee_id: UUID) -> None:
            values = {"o": organization_id, "p": payee_id, "r": str(new_id()), "a": 12_34}
            bare.execute(BARE_POST, values, prepare=True)

        for _ in range(rounds):
            rates["bare"].append(_rate(bare_post, payee_ids, seconds))
            rates["ours"].append(_rate(lambda payee_id: post(organization_id, payee_id), payee_ids, seconds))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    table(
        "One posting a commit, one client",
        ("way", "postings/s", "ratio"),
        [
            ("one bare statement, prepared, autocommit", f"{medians['bare']:,.0f}", "1.00"),
            ("ledger.post in a unit of work", f"{medians['ours']:,.0f}", f"{medians['ours'] / medians['bare']:.2f}"),
        ],
    )
    return medians["ours"] / medians["bare"]


def bulk(place: Ground, organization_id: UUID, payee_ids: list[UUID], rows: int, rounds: int) -> float:
    """The bare bulk's time against ours."""

    def stage() -> None:
        with place.superuser() as connection:
            connection.execute("TRUNCATE staged")
            connection.execute(
                """INSERT INTO staged SELECT uuidv7(), uuidv7()::text, %s, (%s::uuid[])[1 + n %% %s], 100 + n %% 900
                FROM generate_series(1, %s) n""",
                [organization_id, payee_ids, len(payee_ids), rows],
            )
            connection.execute("ANALYZE staged")

    def bare() -> None:
        with Session(engine()) as session, session.begin():
            for statement in BARE_BULK:
                session.execute(text(statement))

    def ours() -> None:
        with unit_of_work(PLATFORM) as session:
            if ledger.post_from(session, recipes.EARNING_READY, STAGED, {}) != rows:
                raise SystemExit("not every row was posted")

    def staged(work: Callable[[], None]) -> Callable[[], float]:
        def run() -> float:
            stage()
            return timed(work)

        return run

    medians = alternating({"bare": staged(bare), "ours": staged(ours)}, rounds)
    ratio = medians["bare"] / medians["ours"]
    table(
        f"{rows:,} postings at once",
        ("way", "postings/s", "ratio"),
        [
            ("bare INSERT ... SELECT", f"{rows / medians['bare']:,.0f}", "1.00"),
            ("ledger.post_from", f"{rows / medians['ours']:,.0f}", f"{ratio:.2f}"),
        ],
    )
    return ratio


def _client(organization_id: UUID, payee_ids: Sequence[UUID], start_at: float, seconds: float, counts: object) -> None:
    engine_for.cache_clear()  # a forked child must not speak over its parent's connections
    post(organization_id, payee_ids[0])
    time.sleep(max(0.0, start_at - time.monotonic()))
    rate = _rate(lambda payee_id: post(organization_id, payee_id), payee_ids, seconds)
    counts.put(rate)  # type: ignore[attr-defined]


def together(places: Sequence[tuple[UUID, Sequence[UUID]]], seconds: float) -> float:
    """Postings a second of one process for each place."""
    fork = multiprocessing.get_context("fork")
    counts = fork.Queue()
    start_at = time.monotonic() + 1.0
    children = [fork.Process(target=_client, args=(*place, start_at, seconds, counts)) for place in places]
    for child in children:
        child.start()
    rate = sum(counts.get(timeout=seconds + 60) for _ in children)
    for child in children:
        child.join()
    return rate


def many_clients(organizations: Sequence[tuple[UUID, list[UUID]]], seconds: float, rounds: int) -> float:
    """Postings a second with one organization for all against one for each."""
    clients = len(organizations)
    shared_id, shared_payees = organizations[0]
    size = max(len(shared_payees) // clients, 1)
    shared = [(shared_id, shared_payees[n * size : (n + 1) * size] or shared_payees) for n in range(clients)]
    own = [(organization_id, payees[:size]) for organization_id, payees in organizations]
    rates: dict[str, list[float]] = {"own": [], "shared": []}
    for _ in range(rounds):
        rates["own"].append(together(own, seconds))
        rates["shared"].append(together(shared, seconds))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ratio = medians["shared"] / medians["own"]
    table(
        f"{clients} clients",
        ("way", "postings/s", "ratio"),
        [
            ("each its own organization", f"{medians['own']:,.0f}", "1.00"),
            ("all on one receivable account", f"{medians['shared']:,.0f}", f"{ratio:.2f}"),
        ],
    )
    return ratio


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--clients", type=int, default=8)
    chosen = options.parse_args()
    with ground() as place:
        with place.filling() as session:
            organizations = [fill.organization(session, f"books-{n}", 400) for n in range(chosen.clients)]
            many = fill.organization(session, "bulk", min(20_000, chosen.rows))
            session.execute(text(BARE_TABLES))
        one = one_client(place, *organizations[0], chosen.seconds, chosen.rounds)
        at_once = bulk(place, *many, chosen.rows, chosen.rounds)
        engine().dispose()
        shared = many_clients(organizations, chosen.seconds, chosen.rounds)
    print()
    print(goal("one posting against one bare statement", one, least=0.5))
    print(goal("bulk posting against bare INSERT ... SELECT", at_once, least=0.7))
    print(goal(f"{chosen.clients} clients on one account against accounts of their own", shared, least=0.8))


if __name__ == "__main__":
    main()
