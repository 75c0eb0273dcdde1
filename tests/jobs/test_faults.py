"""Workers and relays as processes of their own, killed and cut off for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from app.core.scope import Scope
from app.db import outbox
from app.db.session import engine, unit_of_work
from tests.conftest import OwnStores
from tests.jobs.stand_in import TOPIC

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-m", "tests.jobs.stand_in", *words], cwd=ROOT, start_new_session=True)
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def until(true: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def emit(file: Path, seconds: float = 0.0, many: int = 1) -> None:
    with unit_of_work(Scope.public()) as session:
        for _n in range(many):
            outbox.emit(session, TOPIC, file=str(file), seconds=seconds)


def said(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def all_done(own_stores: OwnStores) -> bool:
    with own_stores.postgres.superuser("quittance") as connection:
        row = connection.execute("SELECT count(*) FILTER (WHERE done_at IS NULL) FROM outbox").fetchone()
    return bool(row is not None and row[0] == 0)


@pytest.mark.parametrize("kind", ["in process", "fork"])
def test_a_killed_worker_is_replaced_by_the_next(own_stores: OwnStores, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "steps"
    emit(file, seconds=600)
    with process("relay"):
        with process("worker", kind) as worker:
            until(lambda: said(file) == ["begin"])
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            own_stores.postgres.superuser("quittance").execute(
                """UPDATE outbox SET payload = jsonb_set(payload, '{seconds}', '0')"""
            )
        for line in file.read_text().splitlines():  # the forked child leads a group of its own
            if kind == "fork":
                os.kill(int(line.split()[1]), signal.SIGKILL)
        with process("worker", kind):
            until(lambda: all_done(own_stores))
    assert said(file) == ["begin", "begin", "end"]


def test_a_worker_finishes_its_job_before_it_stops(own_stores: OwnStores, tmp_path: Path) -> None:
    file = tmp_path / "steps"
    emit(file, seconds=1.5)
    with process("relay"), process("worker") as worker:
        until(lambda: said(file) == ["begin"])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert said(file) == ["begin", "end"]
    assert all_done(own_stores)


def test_an_idle_worker_and_relay_stop_at_once(own_stores: OwnStores, tmp_path: Path) -> None:
    emit(tmp_path / "steps")
    with process("relay") as relay, process("worker") as worker:
        until(lambda: all_done(own_stores))
        for child in (worker, relay):
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0


def test_they_survive_a_restarted_postgresql(own_stores: OwnStores, tmp_path: Path) -> None:
    file = tmp_path / "steps"
    with process("relay") as relay, process("worker") as worker:
        emit(file)
        until(lambda: all_done(own_stores))
        time.sleep(1)  # test servers do not wait for the disk: a crash right after a commit would take it back
        own_stores.postgres.stop(crash=True)
        time.sleep(1.5)
        own_stores.postgres.start()
        engine().dispose()
        emit(file, many=3)
        until(lambda: all_done(own_stores))
        assert (relay.poll(), worker.poll()) == (None, None)
    assert said(file) == ["begin", "end"] * 4


def test_postgresql_restarted_in_the_middle_of_a_job(own_stores: OwnStores, tmp_path: Path) -> None:
    """The job ends, but nobody could note it: it runs again and is noted then."""
    file = tmp_path / "steps"
    emit(file, seconds=2)
    with process("relay"), process("worker"):
        until(lambda: said(file) == ["begin"])
        own_stores.postgres.stop(crash=True)
        until(lambda: said(file) == ["begin", "end"])
        own_stores.postgres.start()
        engine().dispose()
        until(lambda: all_done(own_stores))
    assert said(file) == ["begin", "end"] * (len(said(file)) // 2)


def test_they_survive_a_restarted_and_an_emptied_redis(own_stores: OwnStores, tmp_path: Path) -> None:
    file = tmp_path / "steps"
    with process("relay") as relay, process("worker") as worker:
        emit(file)
        until(lambda: all_done(own_stores))
        own_stores.valkey.stop()
        emit(file, many=2)
        time.sleep(2)
        own_stores.valkey.start()
        until(lambda: all_done(own_stores))
        emit(file, seconds=0.3, many=5)
        until(lambda: len(said(file)) > 6)
        redis.Redis.from_url(own_stores.valkey.url()).flushall()
        until(lambda: all_done(own_stores))
        assert (relay.poll(), worker.poll()) == (None, None)
    assert said(file) == ["begin", "end"] * 8
