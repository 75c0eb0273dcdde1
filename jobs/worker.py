"""Taking messages from the queues and running them, one after the other; more workers are more processes.

A killed worker costs nothing but time: its row comes again after the relay's lease.
"""

from __future__ import annotations

import logging
import os
import time

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from rq.worker.base import BaseWorker, StopRequested

from app.db.session import engine_for
from app.payouts.tokens import DatabaseTokens
from app.rails import tokens
from jobs import hold, queues, runtime
from jobs.registry import QUEUES

log = logging.getLogger("quittance.worker")
WORKER_TTL_S = 30
MAINTENANCE_EVERY_S = 10
WAIT_S = 1.0


class _Stoppable(BaseWorker):
    """Remembers that it was asked to stop: RQ ends its loop in the same way when Redis goes away."""

    asked_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        self.asked_to_stop = True
        super().handle_warm_shutdown_request()


class InProcess(_Stoppable, SimpleWorker):
    """Runs jobs in this process: quick, and what the process imported stays imported."""


class Forking(_Stoppable, Worker):
    """A child process a job: slower, and memory a job leaves behind goes with the child."""


def work(*, burst: bool = False, fork: bool = False) -> None:
    """Until SIGTERM or SIGINT (the job at hand is finished first); with `burst` until the queues are empty."""
    tokens.shared.store = DatabaseTokens()
    assert runtime.run  # what the messages name is imported before any fork
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    if fork:
        os.register_at_fork(after_in_child=_forget_connections)
    while True:
        try:
            worker = _make(Forking if fork else InProcess)
            worker.work(burst=burst, logging_level="WARNING")
            if burst or worker.asked_to_stop:
                return
        except (StopRequested, KeyboardInterrupt):
            return
        except (RedisError, OSError) as error:
            if burst:
                raise
            log.warning("the worker waits for Redis: %s", type(error).__name__)
        try:
            time.sleep(WAIT_S)
        except StopRequested:  # the handlers of the last round are still in place
            return


def _make(kind: type[InProcess] | type[Forking]) -> InProcess | Forking:
    connection = queues.worker_connection()
    return kind(
        [Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=MAINTENANCE_EVERY_S,
    )


def _forget_connections() -> None:
    """A forked child must not speak over its parent's database connections."""
    engine_for.cache_clear()
    hold.engine_for.cache_clear()
