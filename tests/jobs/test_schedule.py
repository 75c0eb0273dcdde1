"""Our own cron: zones and daylight saving, catch-up, and any number of schedulers."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.core.topics import Topic
from app.db.session import engine_for
from jobs import registry, schedule
from jobs.schedule import Entry, due_runs

Superuser = psycopg.Connection[tuple[Any, ...]]
HOURLY = Entry("hourly", "0 * * * *", Topic.HOUSEKEEPING)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_utc(entry: Entry, last: str, now: str) -> list[str]:
    return [f"{m.astimezone(UTC):%m-%d %H:%M}" for m in due_runs(entry, at(last), at(now))]


def runs(superuser: Superuser, name: str = "hourly") -> list[str]:
    rows = superuser.execute("SELECT due_at FROM schedule_runs WHERE name = %s ORDER BY due_at", [name]).fetchall()
    return [f"{row[0].astimezone(UTC):%d %H:%M}" for row in rows]


def promised(superuser: Superuser) -> int:
    found = superuser.execute("SELECT count(*) FROM outbox").fetchone()
    assert found
    return int(found[0])


def test_due_in_the_zone_of_the_entry() -> None:
    kolkata = Entry("x", "0 4 1 * *", Topic.HOUSEKEEPING, zone="Asia/Kolkata", catch_up=timedelta(days=40))
    assert in_utc(kolkata, "2026-10-15T00:00", "2026-11-15T00:00") == ["10-31 22:30"]


def test_days_of_23_and_25_hours() -> None:
    """A daily run at half past one and at four happens once on the days the clocks change."""
    for cron, spring, autumn in (
        ("0 4 * * *", ["03-28 04:00", "03-29 03:00", "03-30 03:00"], ["10-24 03:00", "10-25 04:00", "10-26 04:00"]),
        ("30 1 * * *", ["03-28 01:30", "03-29 01:00", "03-30 00:30"], ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
    ):
        daily = Entry("x", cron, Topic.HOUSEKEEPING, zone="Europe/London", catch_up=timedelta(days=9))
        assert in_utc(daily, "2026-03-27T12:00", "2026-03-30T12:00") == spring
        assert in_utc(daily, "2026-10-23T12:00", "2026-10-26T12:00") == autumn
    hourly = Entry("x", "0 * * * *", Topic.HOUSEKEEPING, zone="Europe/London", catch_up=timedelta(days=9))
    assert len(in_utc(hourly, "2026-10-25T00:00", "2026-10-25T06:00")) == 6


def test_never_more_than_the_horizon_is_caught_up() -> None:
    evening = [f"01-31 {hour}:00" for hour in (19, 20, 21, 22, 23)]
    assert in_utc(HOURLY, "2026-01-01T00:00", "2026-02-01T00:30") == [*evening, "02-01 00:00"]


def test_the_first_day_has_no_past() -> None:
    assert list(due_runs(HOURLY, None, at("2026-01-01T12:30"))) == []


def test_missed_runs_count_once_or_each(database_url: str, superuser: Superuser) -> None:
    each = Entry("hourly", "0 * * * *", Topic.HOUSEKEEPING, each=True, wants_due=True)
    assert schedule.step([HOURLY], at("2026-01-01T00:00")) == 1
    assert schedule.step([HOURLY], at("2026-01-01T00:00:59")) == 0
    assert schedule.step([HOURLY], at("2026-01-01T03:10")) == 1
    assert runs(superuser) == ["01 00:00", "01 03:00"]
    assert schedule.step([each], at("2026-01-01T05:10")) == 2
    assert runs(superuser)[-2:] == ["01 04:00", "01 05:00"]
    last = superuser.execute("SELECT payload FROM outbox ORDER BY payload ->> 'due_at' DESC NULLS LAST").fetchone()
    assert last == ({"due_at": "2026-01-01T05:00:00+00:00"},)
    assert promised(superuser) == 4


def test_schedulers_side_by_side_promise_each_run_once(database_url: str, superuser: Superuser) -> None:
    """Four processes of three threads each, all at the same minute."""
    often = [Entry(f"entry {n}", "* * * * *", Topic.HOUSEKEEPING) for n in range(20)]
    now = at("2026-01-01T00:00")

    def many() -> None:
        engine_for.cache_clear()
        threads = [threading.Thread(target=schedule.step, args=(often, now)) for _n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    children = []
    for _n in range(4):
        pid = os.fork()
        if pid == 0:
            many()
            os._exit(0)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    assert promised(superuser) == 20


def test_a_run_is_claimed_and_promised_together(
    database_url: str, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_named: Any) -> None:
        raise RuntimeError("killed between the two")

    with monkeypatch.context() as patch:
        patch.setattr(schedule.outbox, "emit", broken)
        with pytest.raises(RuntimeError):
            schedule.step([HOURLY], at("2026-01-01T00:00"))
    assert runs(superuser) == []
    assert schedule.step([HOURLY], at("2026-01-01T00:00")) == 1


def test_the_table_is_sound() -> None:
    names = [entry.name for entry in schedule.ENTRIES]
    assert len(names) == len(set(names))
    for entry in schedule.ENTRIES:
        assert entry.topic in registry.JOBS
        assert list(due_runs(entry, at("2026-01-01T00:00"), at("2026-02-01T00:00")))
