"""Sending payouts: how many a second two workers hand to a local provider, and what our side adds to its own SQL.

    python -m bench.sending [--payouts 8000] [--rounds 3]

Two processes run the chunks of an approved batch, as workers do, against the simulator: a call for each 200 payouts,
its answer recorded, payouts that were told at once settled. The second part runs the same chunks in one process with
a rail that answers at once, notes every statement with its parameters, and issues those again by a bare connection on
a copy of the same database: what is left over is claiming, opening destinations, hashing, building orders and rows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.core.crypto import blind_index, seal
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.core.settings import settings
from app.db.session import engine, unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.ledger import recipes
from app.ledger import service as ledger
from app.methods.service import seal_context
from app.payouts import batches
from app.rails import registry
from app.rails.base import Outcome, Result, SendOrder
from app.rails.simulated import SimulatedRail, sandbox_destination
from bench import fill
from bench.ground import Ground, alternating, goal, ground, pointed, say, table, timed
from jobs import payouts as jobs

_PLATFORM = Scope.platform("bench of sending")
Statements = list[tuple[str, Any]]


class AtOnce(SimulatedRail):
    """Answers without a call."""

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        return [Result(order.key, Outcome.ACCEPTED, f"R-{order.key[:16]}") for order in orders]


def _person(name: str) -> Actor:
    with unit_of_work(_PLATFORM) as session:
        account = identity.create_account(session, Portal.ADMIN, f"{name}@bench.test", name.title())
    return Actor(label=name.title(), role="platform_admin", account_id=account)


def prepare(place: Ground, payouts: int) -> None:
    """An approved batch on its way, a payout for each payee; nothing is sent yet."""
    with place.filling() as session:
        organization_id, payee_ids = fill.organization(session, "sending", payouts)
        fill.ready_earnings(session, organization_id, payee_ids, payouts)
        rows = session.execute(text("SELECT id, payee_id FROM methods")).all()
        sealed = [
            {"id": row.id, "sealed": seal(sandbox_destination("Payee", str(row.payee_id)), seal_context(row.id)),
             "index": blind_index(str(row.payee_id), "bench")}
            for row in rows
        ]  # fmt: skip
        session.execute(
            text("UPDATE methods SET details_sealed = :sealed, details_index = :index WHERE id = :id"), sealed
        )
    maker, checker = _person("maker"), _person("checker")
    with unit_of_work(_PLATFORM) as session:
        ledger.post(
            session, recipes.DEPOSIT_CONFIRMED, ref="bench", organization_id=organization_id,
            amount=Money(10**13, "GBP"), rail="bank",
        )  # fmt: skip
        batch = batches.create(session, maker, organization_id)
        batches.plan(session, maker, batch.id)
        batches.submit(session, maker, batch.id)
        batches.approve(session, checker, batch.id)
        batches.run(session, maker, batch.id)


def chunks() -> list[str]:
    with unit_of_work(_PLATFORM) as session:
        return [str(one) for one in session.scalars(text("SELECT id FROM batch_chunks ORDER BY number"))]


def _up(environ: dict[str, str]) -> None:
    """In a process of its own: settings and a connection, as a worker that waits has them."""
    os.environ.update(environ)
    settings.cache_clear()
    chunks()
    time.sleep(1)  # the other process gets the other one of these


def _work(chunk_ids: Sequence[str]) -> None:
    for chunk_id in chunk_ids:
        jobs.run_chunk(chunk_id)


def _by_two(chunk_ids: Sequence[str]) -> float:
    """Seconds from the first chunk to the last one, by two processes that are up."""
    environ = {name: value for name, value in os.environ.items() if name.isupper()}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for started in [pool.submit(_up, environ) for _ in range(2)]:
            started.result()

        def all_of_them() -> None:
            for done in [pool.submit(_work, chunk_ids[n::2]) for n in range(2)]:
                done.result()

        return timed(all_of_them)


def _throughput(place: Ground, payouts: int, rounds: int) -> float:
    """Payouts a second, the median of the rounds."""
    rates = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, place.copy("sending_run"):
            command = [sys.executable, "-m", "app.rails.simulator", "--port", "0", "--store", f"{folder}/books.sqlite3"]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
            try:
                assert child.stdout is not None
                url = child.stdout.readline().split()[-1]
                os.environ["SIMULATOR_URL"] = url
                settings.cache_clear()
                chunk_ids = chunks()
                seconds = _by_two(chunk_ids)
                _expect(payouts)
                rates.append(payouts / seconds)
                say(f"  two workers: {seconds:.2f} s, {rates[-1]:.0f} a second")
            finally:
                child.terminate()
                child.wait()
    return sorted(rates)[len(rates) // 2]


def _expect(payouts: int) -> None:
    with unit_of_work(_PLATFORM) as session:
        sent = session.execute(text("SELECT count(*) FROM payout_attempts WHERE status = 'accepted'")).scalar_one()
    if sent != payouts:
        raise SystemExit(f"{sent} of {payouts} payouts were accepted")


def _noted(chunk_ids: Sequence[str]) -> Statements:
    """Every statement of the run, in order; ("COMMIT", None) between transactions."""
    found: Statements = []

    def statement(_c: Any, _cursor: Any, said: str, values: Any, _context: Any, _many: bool) -> None:
        found.append((said, values))

    def commit(_connection: Any) -> None:
        found.append(("COMMIT", None))

    event.listen(engine(), "before_cursor_execute", statement)
    event.listen(engine(), "commit", commit)
    try:
        for chunk_id in chunk_ids:
            jobs.run_chunk(chunk_id)
    finally:
        event.remove(engine(), "before_cursor_execute", statement)
        event.remove(engine(), "commit", commit)
    return found


def _bare(statements: Statements) -> None:
    """The same statements by the driver alone, in the same transactions."""
    connection = engine().raw_connection()
    try:
        cursor = connection.cursor()
        for said, values in statements:
            if values is None and said == "COMMIT":
                connection.commit()
                continue
            cursor.execute(said, values)
            if cursor.description is not None:
                cursor.fetchall()
        connection.commit()
    finally:
        connection.close()


def _overhead(place: Ground, payouts: int, rounds: int) -> dict[str, float]:
    registry.RAILS["simulated"] = AtOnce()
    with pointed(SIMULATOR_URL="http://127.0.0.1:9"):
        with place.copy("noting"):
            statements = _noted(chunks())
            _expect(payouts)

        def ours() -> float:
            with place.copy("our_run"):
                chunk_ids = chunks()
                return timed(lambda: [jobs.run_chunk(one) for one in chunk_ids])

        def bare() -> float:
            with place.copy("bare_run"):
                chunks()  # a connection is there for both
                return timed(lambda: _bare(statements))

        return alternating({"the same SQL, bare": bare, "ours": ours}, rounds)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--payouts", type=int, default=8_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    os.environ.setdefault("SIMULATOR_URL", "")
    with ground() as place:
        say(f"filling {chosen.payouts:,} payouts of an approved batch")
        prepare(place, chosen.payouts)
        rate = _throughput(place, chosen.payouts, chosen.rounds)
        taken = _overhead(place, chosen.payouts, chosen.rounds)
    ratio = taken["ours"] / taken["the same SQL, bare"]
    table(
        f"Sending {chosen.payouts:,} payouts",
        ("way", "seconds", "ratio"),
        [(name, f"{seconds:.2f}", f"{seconds / taken['the same SQL, bare']:.2f}") for name, seconds in taken.items()],
    )
    print(goal("payouts a second by two workers, to a local provider", rate, least=200))
    print(goal("our side of a payout against its own SQL", ratio, most=2.0))


if __name__ == "__main__":
    main()
