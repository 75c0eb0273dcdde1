"""The queues in Redis. Messages are JSON: pickle in Redis would be code execution for whoever writes there."""

from __future__ import annotations

from functools import cache

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.core.settings import settings
from jobs.registry import QUEUES

RUN = "jobs.runtime.run"
SECONDS_TO_ANSWER = 5


@cache
def _connection(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=SECONDS_TO_ANSWER, socket_timeout=SECONDS_TO_ANSWER)


@cache
def _queues(url: str) -> dict[str, Queue]:
    connection = _connection(url)
    return {name: Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES}


def queue(name: str) -> Queue:
    return _queues(settings().redis_url)[name]


def worker_connection() -> redis.Redis:
    """Without a read limit of ours: a worker waits for messages, RQ sets the limit it needs."""
    return redis.Redis.from_url(settings().redis_url, socket_connect_timeout=SECONDS_TO_ANSWER)


def waiting() -> set[str]:
    """Ids of the messages that lie in a queue now."""
    return {job_id for name in QUEUES for job_id in queue(name).job_ids}
