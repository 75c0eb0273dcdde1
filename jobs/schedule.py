"""Our own cron: what runs when, in which zone, and what of a missed time is caught up.

A due run is a row whose primary key decides between schedulers; the row and the outbox entry are one transaction.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from app.core.clock import utc_now
from app.core.scope import Scope
from app.core.topics import Topic
from app.db import outbox
from app.db.schedule import ScheduleRun
from app.db.session import unit_of_work

log = logging.getLogger("quittance.schedule")
EVERY_S = 1.0
LONGEST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table. `cron` has five fields and is read in `zone`.

    Runs missed for up to `catch_up` are made up for: each of them if `each`, else once for all. A run's topic gets
    `due_at` (ISO 8601) if it `wants_due`, so that a month close caught up late still knows its month.
    """

    name: str
    cron: str
    topic: Topic
    zone: str = "UTC"
    catch_up: timedelta = timedelta(hours=6)
    each: bool = False
    wants_due: bool = False


ENTRIES = (
    Entry("release held earnings", "*/5 * * * *", Topic.EARNINGS_RELEASE),
    Entry("look up attempts without an answer", "* * * * *", Topic.ATTEMPTS_LOOK_UP),
    Entry("what was paid in the last days", "11 * * * *", Topic.PAID_LOOK_UP),
    Entry("accounts at Stripe nobody heard of", "43 * * * *", Topic.ACCOUNTS_LOOK),
    Entry("payouts to banks nobody heard of", "53 * * * *", Topic.BANK_PAYOUTS_LOOK),
    Entry("charges without an answer", "* * * * *", Topic.CHARGES_LOOK_UP),
    Entry("times of bookings nobody paid for", "* * * * *", Topic.BOOKINGS_UNPAID),
    Entry("bookings of whose end nothing was told", "*/15 * * * *", Topic.CALENDAR_LOOK_UP),
    Entry("consultations that are over", "*/10 * * * *", Topic.CONSULTATIONS_OVER),
    Entry("webhooks nobody applied", "*/5 * * * *", Topic.WEBHOOKS_SWEEP),
    Entry("examine the books", "42 3 * * *", Topic.BOOKS_EXAMINATION, catch_up=timedelta(days=2)),
    Entry("statement lines and late payouts", "3,18,33,48 * * * *", Topic.RECONCILIATION_DUE),
    Entry("balances of providers", "12 4 * * *", Topic.RECONCILIATION_DAILY, catch_up=timedelta(days=2)),
    Entry("contracts: expiry and reminders", "23 7 * * *", Topic.CONTRACTS_DAILY, catch_up=timedelta(days=2)),
    # every zone has its own midnight; what is due is asked of the packs, so any hour catches up
    Entry("seat credits: expiry and reminders", "37 * * * *", Topic.CREDITS_DAILY),
    Entry("deliverables: reminders", "11 * * * *", Topic.DELIVERABLES_DUE),
    # every zone has its own first of the month; what is due is asked of the runs, so any hour catches up
    Entry("runs of the month that is over", "27 * * * *", Topic.MONTHS_DUE),
    Entry(
        "invoices of the month that is over",
        "0 0 1 * *",
        Topic.MONTH_CLOSE,
        catch_up=timedelta(days=27),
        wants_due=True,
    ),
    Entry("credit limits most of which is used", "7 * * * *", Topic.LIMITS_WATCHED),
    Entry("overdue invoices", "37 8 * * *", Topic.INVOICES_OVERDUE, catch_up=timedelta(days=2)),
    Entry("drafts of organizations nobody launched", "52 2 * * *", Topic.DRAFTS_DAILY, catch_up=timedelta(days=2)),
    Entry("housekeeping", "17 3 * * *", Topic.HOUSEKEEPING, catch_up=timedelta(days=2)),
)


def step(entries: Sequence[Entry] = ENTRIES, now: datetime | None = None) -> int:
    """Claim and promise what is due; returns how many runs this scheduler won. Raises DBAPIError."""
    now = now or utc_now()
    return sum(_claim(entry, now) for entry in entries)


def _claim(entry: Entry, now: datetime) -> int:
    with unit_of_work(Scope.platform("schedule")) as session:
        last = session.scalar(select(func.max(ScheduleRun.due_at)).where(ScheduleRun.name == entry.name))
        due = list(due_runs(entry, last, now))
        won = 0
        for moment in due if entry.each else due[-1:]:
            mine = session.scalar(
                insert(ScheduleRun)
                .values(name=entry.name, due_at=moment)
                .on_conflict_do_nothing()
                .returning(ScheduleRun.name)
            )
            if mine:
                payload = {"due_at": moment.isoformat()} if entry.wants_due else {}
                outbox.emit(session, entry.topic, **payload)
                won += 1
        return won


def due_runs(entry: Entry, last: datetime | None, now: datetime) -> Iterator[datetime]:
    """Moments after the `last` run (or a minute ago, on the first day) up to `now`, oldest first, aware.

    A run at a fixed hour happens once on the day that has this hour twice: at the first of the two.
    """
    zone = ZoneInfo(entry.zone)
    fixed_hour = "*" not in entry.cron.split()[1]
    start = max(last, now - entry.catch_up) if last else now - timedelta(minutes=1)
    steps = croniter(entry.cron, start.astimezone(zone))
    while (moment := steps.get_next(datetime)) <= now:
        if not (fixed_hour and moment.astimezone(UTC).astimezone(zone).fold):
            yield moment


def run(stop: threading.Event) -> None:
    """Until `stop` is set. Waits out a lost PostgreSQL; any number of schedulers may run."""
    faults = 0
    while not stop.is_set():
        try:
            step()
            if faults:
                log.info("the schedule goes on")
            faults, pause = 0, EVERY_S
        except (DBAPIError, OSError) as error:
            faults += 1
            if faults == 1:
                log.warning("the schedule waits: %s", type(error).__name__)
            pause = min(LONGEST_WAIT_S, EVERY_S * 2**faults)
        stop.wait(pause)
