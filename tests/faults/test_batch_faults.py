"""Processes killed and servers restarted in the middle of a batch: one rail instruction per payout, books in order."""

from __future__ import annotations

import pytest
import redis

from tests.running import Demo

pytestmark = pytest.mark.faults
PAYEES = 450  # three chunks


def test_killed_workers(demo: Demo) -> None:
    _, batch_id = demo.approved_batch("killed-workers", PAYEES)
    demo.simulator("POST", "/_faults", {"lose_replies": 1})
    demo.run(batch_id)
    demo.started(batch_id)
    demo.kill(*demo.workers)
    demo.assert_paid_once(batch_id, PAYEES)


def test_lost_redis(demo: Demo) -> None:
    _, batch_id = demo.approved_batch("lost-redis", PAYEES)
    demo.run(batch_id)
    redis.Redis.from_url(demo.services.redis_url).flushall()
    demo.started(batch_id)
    redis.Redis.from_url(demo.services.redis_url).flushall()
    demo.kill("valkey")
    demo.assert_paid_once(batch_id, PAYEES)


def test_restarted_postgresql(demo: Demo) -> None:
    _, batch_id = demo.approved_batch("restarted-postgresql", PAYEES)
    demo.run(batch_id)
    demo.started(batch_id)
    demo.kill("postgres")
    demo.assert_paid_once(batch_id, PAYEES)


def test_killed_relay_scheduler_and_simulator(demo: Demo) -> None:
    _, batch_id = demo.approved_batch("killed-relay", PAYEES)
    demo.run(batch_id)
    demo.kill("relay", "schedule")
    demo.started(batch_id)
    demo.kill("simulator")
    demo.assert_paid_once(batch_id, PAYEES)


def test_webhooks_three_times_and_before_the_answer(demo: Demo) -> None:
    demo.simulator("POST", "/_faults", {"duplicate_webhooks": True, "webhook_before_reply": True, "delay_s": 0.0})
    _, batch_id = demo.approved_batch("eager-webhooks", PAYEES)
    demo.run(batch_id)
    demo.assert_paid_once(batch_id, PAYEES)


def test_lost_webhooks_are_found_by_the_look_up(demo: Demo) -> None:
    from sqlalchemy import text

    from app.core.topics import Topic
    from app.db import outbox
    from app.db.session import unit_of_work
    from tests.factories.payouts import PLATFORM
    from tests.running import eventually

    demo.simulator("POST", "/_faults", {"drop_webhooks": True})
    _, batch_id = demo.approved_batch("lost-webhooks", 20)
    demo.run(batch_id)
    eventually(lambda: demo.count(batch_id, "processing") == 20)
    with unit_of_work(PLATFORM) as session:  # as if it had been waiting for ten minutes
        session.execute(text("UPDATE payout_attempts SET created_at = created_at - interval '10 minutes'"))
        outbox.emit(session, Topic.ATTEMPTS_LOOK_UP)
    demo.assert_paid_once(batch_id, 20)


def test_lost_replies_and_refused_calls(demo: Demo) -> None:
    demo.simulator("POST", "/_faults", {"lose_replies": 2, "refuse_500": 2})
    _, batch_id = demo.approved_batch("lost-replies", PAYEES)
    demo.run(batch_id)
    demo.assert_paid_once(batch_id, PAYEES)
