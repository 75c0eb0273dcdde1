"""From the outbox to the queues: offer what is due, and again what nobody finished within the lease.

Any number of relays may run. Redis may be lost or emptied, workers killed, PostgreSQL restarted: undone rows return.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.scope import Scope
from app.core.topics import Topic
from app.db.session import unit_of_work
from jobs import queues
from jobs.hold import row_lock
from jobs.registry import JOBS

log = logging.getLogger("quittance.relay")
LEASE_S = 15.0
IDLE_S = 0.2
AT_ONCE = 200
LONGEST_WAIT_S = 5.0
KEPT_AFTER_FAULT_S = 60

_DUE = text(
    """SELECT id, topic, tries, relayed_at FROM outbox
    WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= :now
      AND (relayed_at IS NULL OR relayed_at < due_at OR relayed_at < :lease)
    ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED"""
)
_RELAYED = text("UPDATE outbox SET relayed_at = :now WHERE id = ANY(:ids)")
_UNKNOWN = text("UPDATE outbox SET failed_at = :now, last_error = 'no job answers this topic' WHERE id = ANY(:ids)")
_HELD = text(
    """SELECT classid::bigint, objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
)


class Due(NamedTuple):
    id: UUID
    topic: str
    tries: int
    relayed_at: datetime | None


def step() -> int:
    """Offer one slice; returns how many rows it looked at. Raises RedisError, DBAPIError; nothing is lost then."""
    with unit_of_work(Scope.platform("relay")) as session:
        now = utc_now()
        found = session.execute(_DUE, {"now": now, "lease": now - timedelta(seconds=LEASE_S), "most": AT_ONCE}).all()
        rows = [Due(*row) for row in found]
        if not rows:
            return 0
        known = [row for row in rows if row.topic in JOBS]
        unknown = [row.id for row in rows if row.topic not in JOBS]
        if unknown:
            log.error(
                "no job answers a topic", extra={"fields": {"topics": sorted({r.topic for r in rows} - set(JOBS))}}
            )
            session.execute(_UNKNOWN, {"now": now, "ids": unknown})
        _offer(session, known)
        session.execute(_RELAYED, {"now": now, "ids": [row.id for row in known]})
        return len(rows)


def _offer(session: Session, rows: Sequence[Due]) -> None:
    again = [row for row in rows if row.relayed_at is not None]
    running = _running(session) if again else set()
    waiting = queues.waiting() if again else set()
    for row in rows:
        if row.relayed_at is not None and row_lock(row.id) in running:
            continue
        message = f"{row.id}-{row.tries}"
        if message not in waiting:
            _send(row, message)


def _send(row: Due, message: str) -> None:
    """The id keeps one message a try. If one of that id is lost between queue and worker, a fresh id gets past it."""
    job = JOBS[Topic(row.topic)]
    for message_id in (message, f"{message}-{uuid4().hex[:8]}"):
        try:
            queues.queue(job.queue).enqueue(
                queues.RUN,
                str(row.id),
                job_id=message_id,
                unique=True,
                job_timeout=job.seconds,
                result_ttl=0,
                failure_ttl=KEPT_AFTER_FAULT_S,
                description=row.topic,
            )
            return
        except DuplicateJobError:
            continue


def _running(session: Session) -> set[int]:
    """Keys of the advisory locks held now, as signed 64-bit numbers."""
    keys = [(high << 32) | low for high, low in session.execute(_HELD)]
    return {key - (1 << 64) if key >= 1 << 63 else key for key in keys}


def run(stop: threading.Event) -> None:
    """Until `stop` is set. Waits out a lost Redis or PostgreSQL."""
    faults = 0
    while not stop.is_set():
        try:
            pause = 0.0 if step() == AT_ONCE else IDLE_S
            if faults:
                log.info("the relay works again")
            faults = 0
        except (RedisError, DBAPIError, OSError) as error:
            faults += 1
            if faults == 1:
                log.warning("the relay waits: %s", type(error).__name__)
            pause = min(LONGEST_WAIT_S, IDLE_S * 2**faults)
        stop.wait(pause)
