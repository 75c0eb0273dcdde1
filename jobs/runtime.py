"""Running one outbox row: at most one run at a time, any number of tries, and its end noted in the database.

The queue is only a messenger. A message that comes twice, late or from a killed worker finds here what is left to do.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Refusal
from app.core.scope import Scope
from app.core.topics import Topic
from app.db.outbox import MAX_TRIES, OutboxRow
from app.db.session import unit_of_work
from app.gateways.cards import CardError
from app.notify.smtp import MailError
from app.rails.base import RailError
from jobs import registry
from jobs.hold import Hold

log = logging.getLogger("quittance.job")
SLOWEST_RETRY_S = 600.0
_SPEAKING = (Refusal, RailError, CardError, MailError)  # their messages are written for people and hold no secrets
_PLATFORM = Scope.platform("job runtime")


@dataclass(frozen=True, slots=True)
class Run:
    """One try at a row; `tries` counts this one too."""

    id: UUID
    topic: str
    payload: dict[str, Any]
    tries: int


def run(outbox_id: str) -> None:
    """What the queue calls. Ends quietly when the row is done, given up, or being worked on by somebody else."""
    row_id = UUID(outbox_id)
    with Hold(row_id) as hold:
        this = _begin(hold, row_id) if hold.alone else None
        if this is None:
            return
        audit.request_id.set(f"job-{row_id}")
        began = time.perf_counter()
        try:
            registry.JOBS[Topic(this.topic)].function(**this.payload)
        except Exception as error:
            _failed(hold, this, error)
        else:
            _done(hold, this, time.perf_counter() - began)


def _begin(hold: Hold, row_id: UUID) -> Run | None:
    """Count the try before it starts: a run that kills its process must not be tried for ever."""
    row = hold.note(
        update(OutboxRow)
        .where(
            OutboxRow.id == row_id,
            OutboxRow.done_at.is_(None),
            OutboxRow.failed_at.is_(None),
            OutboxRow.due_at <= utc_now(),
        )
        .values(tries=OutboxRow.tries + 1)
        .returning(OutboxRow.id, OutboxRow.topic, OutboxRow.payload, OutboxRow.tries)
    ).one_or_none()
    if row is None:
        return None
    this = Run(*row)
    if this.tries > MAX_TRIES:
        _note(hold, this, failed_at=utc_now(), last_error="its worker was lost each time")
        log.error("job given up", extra={"fields": _fields(this)})
        return None
    return this


def _done(hold: Hold, this: Run, seconds: float) -> None:
    _note(hold, this, done_at=utc_now(), last_error=None)
    log.info("job done", extra={"fields": {**_fields(this), "ms": round(seconds * 1000)}})


def _failed(hold: Hold, this: Run, error: Exception) -> None:
    over = this.tries >= MAX_TRIES
    wait = backoff_s(this.tries)
    fields = {**_fields(this), "error": type(error).__name__, "retry_s": None if over else round(wait)}
    if isinstance(error, _SPEAKING) and not over:
        log.warning("job to be tried again: %s", error, extra={"fields": fields})
    else:
        log.error("job given up" if over else "job failed", exc_info=error, extra={"fields": fields})
    end = {"failed_at": utc_now()} if over else {"due_at": utc_now() + timedelta(seconds=wait)}
    _note(hold, this, last_error=describe(error), **end)


def _note(hold: Hold, this: Run, **values: Any) -> None:
    hold.note(update(OutboxRow).where(OutboxRow.id == this.id).values(**values))


def backoff_s(tries: int) -> float:
    """Seconds until the next try: 2, 4, 8 … ten minutes, give or take a fifth so that they do not come all at once."""
    return min(SLOWEST_RETRY_S, 2.0**tries) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def describe(error: Exception) -> str:
    """The error for the row: our own words, else only its kind and place, since foreign texts may quote data."""
    if isinstance(error, _SPEAKING):
        return f"{type(error).__name__}: {error}"[:500]
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {place[0].filename.rsplit('/', 1)[-1]}:{place[0].lineno}" if place else ""
    return f"{type(error).__name__}{where}"


def _fields(this: Run) -> dict[str, Any]:
    return {"topic": this.topic, "outbox_id": str(this.id), "tries": this.tries}


def run_due(limit: int = 100) -> int:
    """Run what is due now in this process, without a queue; returns how many rows were taken up."""
    with unit_of_work(_PLATFORM) as session:
        ids = session.scalars(
            select(OutboxRow.id)
            .where(OutboxRow.done_at.is_(None), OutboxRow.failed_at.is_(None), OutboxRow.due_at <= utc_now())
            .order_by(OutboxRow.due_at, OutboxRow.id)
            .limit(limit)
        ).all()
    for row_id in ids:
        run(str(row_id))
    return len(ids)
