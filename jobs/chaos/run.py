"""The chaos run, start to end: stores and processes of its own, payouts, faults, kills, and the verdict.

Everything listens on 127.0.0.1 and lives in one folder that is gone afterwards; only processes started here are killed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.embedded import CannotStart, DataFolder, Services, start_stores
from app.db.migrate import upgrade
from app.db.session import engine, unit_of_work
from app.rails import stripe_accounts as stripe
from app.rails.base import RailUnavailable
from app.rails.simulated import api_key
from jobs import connect as connect_jobs
from jobs import payouts as payout_jobs
from jobs.chaos import ground, verdict
from jobs.supervisor import plan
from jobs.supervisor.crew import Crew, Watch

_PLATFORM = Scope.platform("chaos run")
AT_ONCE = 25  # payees made in one transaction
READY_S, SETTLE_S = 600.0, 1800.0
SWEEP_S = 4.0  # between look-ups of what had no word for STALE_S
STALE_S = 3.0
LATER = timedelta(days=4)
KILL_S = (3.0, 7.0)  # between two kills: a child may be started again five times a minute
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`chance`: how likely a call or a webhook meets a fault, 0 to 1."""

    payouts: int
    seed: int
    chance: float = 0.15
    kills: int = 12


def run(wanted: Wanted, say: Say) -> verdict.Verdict:
    """Raises CannotStart, EndedEarly, TimeoutError when it does not come to an end."""
    folder = Path(tempfile.mkdtemp(prefix="quittance-chaos-"))
    for name in ("DATABASE_URL", "REDIS_URL", "SIMULATOR_URL", "BASE_URL"):
        os.environ.pop(name, None)
    os.environ.update(DATA_DIR=str(folder), QUITTANCE_MODE="sandbox")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        run_of = _Run(wanted, say, _start(folder, stack))
        return run_of.through()


@dataclass(frozen=True, slots=True)
class _Crowd:
    """What runs: the stores, our processes, the simulator's address."""

    crew: Crew
    services: Services


def _start(folder: Path, stack: ExitStack) -> _Crowd:
    owned = DataFolder(folder).own("a chaos run")
    stack.callback(owned.release)
    watch = Watch()
    stack.callback(watch.dismiss)
    postgres, valkey = start_stores(owned, stack)
    crew = Crew(owned.path / "logs", watch, (postgres, valkey))
    stack.callback(crew.stop)
    port = plan.free_port()
    services = Services(
        database_url=postgres.url(), redis_url=valkey.url(), base_url=f"http://127.0.0.1:{port}",
        simulator_url=f"http://127.0.0.1:{plan.free_port()}", port=port, owner=os.getpid(),
    )  # fmt: skip
    stack.enter_context(services.exported())
    upgrade(services.database_url)
    environ = plan.environ(services, owned.path)
    crew.start(plan.in_front("127.0.0.1", services, owned.path), environ)
    plan.wait_until_ready(crew, services)
    crew.start(plan.behind(), environ)
    return _Crowd(crew, services)


class _Run:
    def __init__(self, wanted: Wanted, say: Say, crowd: _Crowd) -> None:
        self.wanted, self.say, self.crew, self.services = wanted, say, crowd.crew, crowd.services
        self.dice = random.Random(wanted.seed)  # noqa: S311 - a run to be met again, not a secret
        self.http = httpx.Client(
            base_url=self.services.simulator_url, headers={"Authorization": f"Bearer {api_key()}"}, trust_env=False
        )

    def through(self) -> verdict.Verdict:
        maker, checker, places = self._fill()
        self._faults(chance=self.wanted.chance, seed=self.wanted.seed)
        for place in places:
            with unit_of_work(_PLATFORM) as session:
                ground.start(session, place, maker, checker)
        self._storm()
        self._faults(chance=0.0, seed=self.wanted.seed)
        self._settle()
        self._onward()
        return verdict.judge(self._books(), self._banks())

    def _fill(self) -> tuple[Any, Any, Sequence[ground.Place]]:
        names = ground.rails()
        self.say(f"{self.wanted.payouts} payouts over {', '.join(names)}")
        with unit_of_work(_PLATFORM) as session:
            maker, checker = ground.people(session)
            places = ground.places(session, checker)
        home = {name: place for place in places for name in place.rails}
        for start in range(0, self.wanted.payouts, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, self.wanted.payouts))
            with unit_of_work(_PLATFORM) as session:
                rails = ((number, names[number % len(names)]) for number in numbers)
                made = [ground.owe(session, home[rail], rail, number, self.dice) for number, rail in rails]
            for payee_id in filter(None, made):
                ground.set_up(payee_id)
        self._wait(lambda: _seen(ground.ready) == self.wanted.payouts, READY_S, "everything owed to be ready")
        return maker, checker, places

    def _faults(self, *, chance: float, seed: int) -> None:
        for prefix in self._prefixes().values():
            self.http.post(f"{prefix}/_faults", json={"chance": chance, "seed": seed}).raise_for_status()

    def _prefixes(self) -> Mapping[str, str]:
        """Of the providers whose books the run reads."""
        return {name: "" if name == "simulated" else f"/{name}" for name in map(ground.provider, ground.rails())}

    def _storm(self) -> None:
        """Workers killed, stores restarted, while the money goes out."""
        victims = [name for name in self.crew.pids() if name.startswith("worker") or name in ("relay", "web")]
        steps = [self.dice.choice(victims) for _ in range(self.wanted.kills)]
        for store, place in (("valkey", len(steps) // 3), ("postgres", 2 * len(steps) // 3)):
            steps.insert(place, store)
        for name in steps:
            self._wait_s(self.dice.uniform(*KILL_S))
            pid = self.crew.pids().get(name, 0)
            if pid > 1:
                self.say(f"killing {name}")
                os.kill(pid, signal.SIGKILL if name != "postgres" else signal.SIGQUIT)

    def _settle(self) -> None:
        """Sweeps until nothing is under way; what the schedule does in minutes is done in seconds."""
        self._until_quiet()
        # What came back without a word; some rails answer by an event.
        self._sweep(lambda: payout_jobs.look_up_paid(all_of_them=True))
        self._until_quiet()

    def _onward(self) -> None:
        """Days later, what Stripe paid on to banks is asked for where no event came through."""
        with clock.at(utc_now() + LATER):
            self._sweep(connect_jobs.look_at_banks)

    def _until_quiet(self) -> None:
        end = time.monotonic() + SETTLE_S
        while (left := _seen(verdict.under_way)) is None or any(left) or self._untold():
            if time.monotonic() > end:
                self.say("it did not settle in time")
                return
            if left:
                self.say("still under way: {} attempts, {} events, {} payouts, {} jobs".format(*left))
            self._wait_s(SWEEP_S)
            self._sweep(lambda: payout_jobs.look_up_stale(STALE_S))

    def _sweep(self, sweep: Callable[[], None]) -> None:
        try:
            sweep()
        except (RailUnavailable, DBAPIError):
            engine().dispose()

    def _untold(self) -> int:
        """What the simulator has still to settle or to tell."""
        waiting = 0
        for prefix in self._prefixes().values():
            found = self.http.get(f"{prefix}/_instructions").json()
            waiting += found["events_waiting"] + found["settling"]
        return waiting

    def _books(self) -> dict[str, list[dict[str, Any]]]:
        return {
            name: list(self.http.get(f"{prefix}/_instructions").json()["instructions"])
            for name, prefix in self._prefixes().items()
        }

    def _banks(self) -> list[dict[str, str]]:
        """What the simulated Stripe paid on to banks, by its own word."""
        with unit_of_work(_PLATFORM) as session:
            accounts = ground.accounts(session)
        began = utc_now() - LATER
        return [one for account in accounts for one in stripe.payouts(account, began)]

    def _wait_s(self, seconds: float) -> None:
        self.crew.wait(lambda: False, seconds)

    def _wait(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        if not self.crew.wait(true, seconds):
            raise TimeoutError(f"Waited {seconds:.0f} s in vain for {what}.")


def _seen(read: Callable[[Any], Any]) -> Any:
    """What `read` says in a transaction of its own; None while the database is away."""
    try:
        with unit_of_work(_PLATFORM) as session:
            return read(session)
    except DBAPIError:
        engine().dispose()
        return None


__all__ = ["CannotStart", "Wanted", "run"]
