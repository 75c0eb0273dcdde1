"""The whole demo as its user starts it, to use and to break: one for all tests, each with organizations of its own.

A plugin of pytest (see pyproject.toml), so that journeys and fault tests share it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.settings import settings
from app.db.embedded.services import Services, attach
from app.db.session import engine, unit_of_work
from app.payouts import batches
from app.rails.simulated import api_key
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop

ROOT = Path(__file__).parents[1]


NO_FAULTS = {
    "lose_replies": 0,
    "refuse_500": 0,
    "delay_s": 0.3,
    "duplicate_webhooks": False,
    "drop_webhooks": False,
    "webhook_before_reply": False,
}


def eventually(done: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until `done`; a database that is just starting again counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        with suppress(DBAPIError):
            if done():
                return
        assert time.monotonic() < end, "it did not come to its end in time"
        time.sleep(0.1)


@dataclass
class Demo:
    """The running demo, and what it takes to break it."""

    data_dir: Path
    process: subprocess.Popen[bytes]

    def link(self, portal: str, email: str) -> str:
        """A sign-in link as an operator makes it."""
        command = [sys.executable, "-m", "flask", "login-link", "--portal", portal, email]
        environ = {**os.environ, "DATA_DIR": str(self.data_dir), "FLASK_APP": "wsgi:app"}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    @property
    def console(self) -> str:
        return (self.data_dir / "console.log").read_text()

    @property
    def services(self) -> Services:
        found = attach(self.data_dir)
        assert found is not None
        return found

    def kill(self, *names: str) -> None:
        for name in names:
            with suppress(ProcessLookupError):
                os.kill(self.services.pids[name], signal.SIGKILL)

    @property
    def workers(self) -> list[str]:
        return [name for name in self.services.pids if name.startswith("worker")]

    def simulator(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {api_key()}"}
        reply = httpx.request(method, self.services.simulator_url + path, json=body, headers=headers, trust_env=False)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def approved_batch(self, slug: str, payees: int) -> tuple[Shop, UUID]:
        """An approved batch of one payout for each payee, ready to run."""
        maker, checker = make.admin(f"maker-{slug}@quittance.test"), make.admin(f"checker-{slug}@quittance.test")
        place = make.shop(payees, funds=payees * 100_00, slug=slug)
        for payee in range(payees):
            make.earn(place, 60_00, -10_00, payee=payee)
        with unit_of_work(PLATFORM) as session:
            batch = batches.create(session, maker, place.organization_id)
            batches.plan(session, maker, batch.id)
            batches.submit(session, maker, batch.id)
        with unit_of_work(PLATFORM) as session:
            batches.approve(session, checker, batch.id)
        self.starter = checker
        return place, batch.id

    def run(self, batch_id: UUID) -> None:
        with unit_of_work(PLATFORM) as session:
            batches.run(session, self.starter, batch_id)

    def count(self, batch_id: UUID, *statuses: str) -> int:
        with unit_of_work(PLATFORM) as session:
            query = text("SELECT count(*) FROM payouts WHERE batch_id = :id AND status = ANY(:statuses)")
            return int(session.execute(query, {"id": batch_id, "statuses": list(statuses)}).scalar_one())

    def started(self, batch_id: UUID) -> None:
        """Wait until something of the batch is with a worker."""
        eventually(lambda: self.count(batch_id, "processing", "paid") > 0)

    def assert_paid_once(self, batch_id: UUID, payees: int) -> None:
        """Everybody has the money, the provider moved it once for each payout, and the books agree."""
        eventually(lambda: self.count(batch_id, "paid") == payees)
        with unit_of_work(PLATFORM) as session:
            query = text(
                """SELECT a.key FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE p.batch_id = :id"""
            )
            keys = set(session.execute(query, {"id": batch_id}).scalars())
        assert len(keys) == payees
        summary = self.simulator("GET", "/_instructions")
        mine = {entry["key"]: entry for entry in summary["instructions"] if entry["key"] in keys}
        assert set(mine) == keys
        assert all(entry["paid"] == 1 and entry["returned"] == 0 for entry in mine.values())
        assert max(summary["net_payments_by_statement"].values()) == 1
        eventually(lambda: self.idle())
        with unit_of_work(PLATFORM) as session:
            assert doctor.examine(session) == []

    def idle(self) -> bool:
        with unit_of_work(PLATFORM) as session:
            return not session.execute(
                text(
                    "SELECT EXISTS (SELECT FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND due_at < now())"
                )
            ).scalar_one()


@pytest.fixture(scope="session")
def running_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data_dir = tmp_path_factory.mktemp("demo")
    data_dir.chmod(0o755)
    for parent in data_dir.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    log = (data_dir / "console.log").open("wb")
    environ = {**os.environ, "DATA_DIR": str(data_dir), "PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.supervisor"], cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
    )
    try:
        end = time.monotonic() + 120
        while b"Sign in" not in (data_dir / "console.log").read_bytes():
            assert process.poll() is None, (data_dir / "console.log").read_text()
            assert time.monotonic() < end, (data_dir / "console.log").read_text()
            time.sleep(0.2)
        yield Demo(data_dir, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            log.close()


@pytest.fixture
def demo(running_demo: Demo) -> Iterator[Demo]:
    """Settings of this process point at the running demo within the test."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL", "SIMULATOR_URL", "BASE_URL")}
    os.environ.update(running_demo.services.environ())
    settings.cache_clear()
    running_demo.simulator("POST", "/_faults", NO_FAULTS)
    try:
        yield running_demo
    finally:
        engine().dispose()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        settings.cache_clear()
