"""The relay against a real Valkey: nothing twice, nothing lost, whatever happens to the queue."""

from __future__ import annotations

import shutil
import threading
import zlib
from typing import Any

import psycopg
import pytest
import redis
from redis.exceptions import RedisError

from app.core.scope import Scope
from app.core.topics import Topic
from app.db import outbox
from app.db.session import unit_of_work
from jobs import queues, registry, relay, runtime, worker
from jobs.registry import DEFAULT, Job
from tests.conftest import OwnStores

Superuser = psycopg.Connection[tuple[Any, ...]]
calls: list[int] = []


def count(n: int) -> None:
    calls.append(n)


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    monkeypatch.setitem(registry.JOBS, Topic.HOUSEKEEPING, Job(count))


def emit(many: int = 1) -> None:
    with unit_of_work(Scope.public()) as session:
        for n in range(many):
            outbox.emit(session, Topic.HOUSEKEEPING, n=n)


def undone(superuser: Superuser) -> int:
    found = superuser.execute("SELECT count(*) FROM outbox WHERE done_at IS NULL").fetchone()
    assert found
    return int(found[0])


def test_a_row_becomes_a_message_and_is_done(redis_url: str, superuser: Superuser) -> None:
    emit(3)
    assert relay.step() == 3
    assert relay.step() == 0  # within the lease nothing is offered again
    assert queues.queue(DEFAULT).count == 3
    worker.work(burst=True)
    assert sorted(calls) == [0, 1, 2]
    assert undone(superuser) == 0


def test_messages_are_json(redis_url: str) -> None:
    emit()
    relay.step()
    store = redis.Redis.from_url(redis_url)
    (key,) = store.keys("rq:job:*")
    raw = store.hget(key, "data")
    assert isinstance(raw, bytes)
    assert b"jobs.runtime.run" in zlib.decompress(raw)
    assert not zlib.decompress(raw).startswith(b"\x80")  # pickle's first byte


def test_relays_side_by_side_send_one_message_each(redis_url: str, superuser: Superuser) -> None:
    emit(300)
    threads = [threading.Thread(target=lambda: [relay.step() for _n in range(4)]) for _t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert queues.queue(DEFAULT).count == 300
    worker.work(burst=True)
    assert sorted(calls) == list(range(300))


def test_an_emptied_queue_is_filled_again(
    redis_url: str, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit(5)
    relay.step()
    redis.Redis.from_url(redis_url).flushdb()
    assert relay.step() == 0
    monkeypatch.setattr(relay, "LEASE_S", 0.0)
    assert relay.step() == 5
    worker.work(burst=True)
    assert sorted(calls) == [0, 1, 2, 3, 4]
    assert undone(superuser) == 0


def test_a_long_queue_is_not_made_longer(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LEASE_S", 0.0)
    emit(20)
    for _n in range(5):
        relay.step()
    assert queues.queue(DEFAULT).count == 20


def test_a_message_lost_between_queue_and_worker_is_sent_anew(
    redis_url: str, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker took the message off the list and was killed before it began: Redis still knows the id."""
    emit()
    relay.step()
    redis.Redis.from_url(redis_url).delete(f"rq:queue:{DEFAULT}")
    monkeypatch.setattr(relay, "LEASE_S", 0.0)
    relay.step()
    assert queues.queue(DEFAULT).count == 1
    worker.work(burst=True)
    assert calls == [0]


def test_a_row_at_work_is_not_offered_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(n: int) -> None:
        inside.set()
        assert go_on.wait(10)

    monkeypatch.setitem(registry.JOBS, Topic.HOUSEKEEPING, Job(slow))
    monkeypatch.setattr(relay, "LEASE_S", 0.0)
    emit()
    relay.step()
    queues.queue(DEFAULT).empty()
    busy = threading.Thread(target=runtime.run_due)
    busy.start()
    assert inside.wait(10)
    assert relay.step() == 1
    assert queues.queue(DEFAULT).count == 0
    go_on.set()
    busy.join(10)


def test_a_topic_nobody_answers_is_said_so(
    redis_url: str, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(registry.JOBS, Topic.HOUSEKEEPING)
    emit()
    relay.step()
    found = superuser.execute("SELECT failed_at IS NOT NULL, last_error FROM outbox").fetchone()
    assert found == (True, "no job answers this topic")


def test_a_lost_redis_loses_nothing(own_stores: OwnStores) -> None:
    emit(2)
    own_stores.valkey.stop()
    with pytest.raises(RedisError):
        relay.step()
    own_stores.valkey.start()
    assert relay.step() == 2  # not marked as relayed while Redis was away
    worker.work(burst=True)
    assert sorted(calls) == [0, 1]


def test_undone_work_survives_a_redis_that_forgets_everything(
    own_stores: OwnStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit(2)
    relay.step()
    own_stores.valkey.stop()
    shutil.rmtree(own_stores.valkey.folder)
    own_stores.valkey.start()
    assert queues.queue(DEFAULT).count == 0
    monkeypatch.setattr(relay, "LEASE_S", 0.0)
    relay.step()
    worker.work(burst=True)
    assert sorted(calls) == [0, 1]
