"""One row of the outbox, run: once at a time, counted, retried, given up, and never with foreign words in the row."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import Conflict
from app.core.scope import Scope
from app.core.topics import Topic
from app.db import outbox
from app.db.outbox import MAX_TRIES
from app.db.session import engine, engine_for, unit_of_work
from app.rails.base import RailUnavailable
from jobs import hold, registry, runtime
from jobs.registry import Job

Superuser = psycopg.Connection[tuple[Any, ...]]
Calls = list[dict[str, Any]]
COLUMNS = "tries, done_at IS NOT NULL, failed_at IS NOT NULL, last_error, due_at"


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Let a function answer the topic HOUSEKEEPING."""

    def put(function: Callable[..., object]) -> None:
        monkeypatch.setitem(registry.JOBS, Topic.HOUSEKEEPING, Job(function))

    return put


def emit(**payload: Any) -> None:
    with unit_of_work(Scope.public()) as session:
        outbox.emit(session, Topic.HOUSEKEEPING, **payload)


def row(superuser: Superuser) -> tuple[Any, ...]:
    found = superuser.execute(f"SELECT {COLUMNS} FROM outbox").fetchone()
    assert found
    return tuple(found)


def test_payload_arrives_and_the_row_is_done(database_url: str, superuser: Superuser, answer: Any) -> None:
    calls: Calls = []
    answer(lambda **payload: calls.append(payload))
    emit(batch="a", ids=[1, 2])
    assert runtime.run_due() == 1
    assert calls == [{"batch": "a", "ids": [1, 2]}]
    assert row(superuser)[:4] == (1, True, False, None)
    assert runtime.run_due() == 0


def test_failures_wait_longer_each_time_and_end(database_url: str, superuser: Superuser, answer: Any) -> None:
    def broken() -> None:
        raise RailUnavailable("The bank did not answer.")

    answer(broken)
    emit()
    waits = []
    for turn in range(1, MAX_TRIES + 1):
        now = row(superuser)[4] + timedelta(seconds=1)
        with clock.at(now):
            assert runtime.run_due() == 1
            assert runtime.run_due() == 0  # not before its time
        tries, done, failed, error, due_at = row(superuser)
        assert (tries, done, error) == (turn, False, "RailUnavailable: The bank did not answer.")
        assert failed == (turn == MAX_TRIES)
        waits.append((due_at - now).total_seconds())
    assert 1.5 <= waits[0] <= 2.5
    assert all(a < b * 1.6 for a, b in pairwise(waits[:8]))
    assert max(waits) <= 720
    with clock.at(row(superuser)[4] + timedelta(days=1)):
        assert runtime.run_due() == 0


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ValueError("account 12345678 of Maya"), "ValueError at test_runtime.py:"),
        (Conflict("This payout is paid now."), "Conflict: This payout is paid now."),
    ],
)
def test_the_row_keeps_no_foreign_words(
    database_url: str, superuser: Superuser, answer: Any, error: Exception, kept: str
) -> None:
    def broken() -> None:
        raise error

    answer(broken)
    emit()
    runtime.run_due()
    said = row(superuser)[3]
    assert said.startswith(kept)
    assert "Maya" not in said


def test_database_errors_show_no_values(database_url: str, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        with unit_of_work(Scope.public()) as session:
            session.execute(text("SELECT CAST(:word AS int)"), {"word": "Maya-4417"})

    answer(broken)
    emit()
    runtime.run_due()
    record = next(r for r in caplog.records if r.message == "job failed")
    assert record.exc_info
    assert "[SQL parameters hidden due to hide_parameters=True]" in str(record.exc_info[1])


def test_one_at_a_time(database_url: str, superuser: Superuser, answer: Any) -> None:
    """A second message for a row that is at work ends at once, also from another connection."""
    inside, go_on, calls = threading.Event(), threading.Event(), []

    def slow() -> None:
        calls.append(1)
        inside.set()
        assert go_on.wait(10)

    answer(slow)
    emit()
    first = threading.Thread(target=runtime.run_due)
    first.start()
    assert inside.wait(10)
    assert runtime.run_due() == 1  # taken up and put down
    assert calls == [1]
    go_on.set()
    first.join(10)
    assert row(superuser)[:2] == (1, True)


def test_a_run_that_kills_its_process_is_counted(database_url: str, superuser: Superuser, answer: Any) -> None:
    answer(lambda: os._exit(9))
    emit()
    for turn in (1, 2):
        pid = os.fork()
        if pid == 0:
            engine_for.cache_clear()
            hold.engine_for.cache_clear()
            runtime.run_due()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        assert row(superuser)[:3] == (turn, False, False)
    superuser.execute(f"UPDATE outbox SET tries = {MAX_TRIES}")
    runtime.run_due()
    _tries, done, failed, error, _due = row(superuser)
    assert (done, failed, error) == (False, True, "its worker was lost each time")


def test_the_lock_goes_with_its_connection(database_url: str, superuser: Superuser, answer: Any) -> None:
    """The server ends the connection that holds the lock in the middle of a run: the run still ends well."""

    def cut() -> None:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )

    answer(cut)
    emit()
    runtime.run_due()
    assert row(superuser)[:2] == (1, True)
    engine().dispose()


def test_every_topic_has_one_function() -> None:
    assert set(registry.JOBS) == set(Topic)
    assert all(job.queue in registry.QUEUES for job in registry.JOBS.values())
