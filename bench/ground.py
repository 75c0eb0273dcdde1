"""What every measurement stands on: servers of its own in a temporary folder, durable as in production, and a table.

Only ratios of one run are worth anything: what is compared alternates, and medians are taken.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.core.settings import settings
from app.db.embedded import SAFE, Postgres, Valkey
from app.db.embedded.postgres import DATABASE, SUPERUSER
from app.db.migrate import upgrade
from app.db.session import engine_for

CLEARED = ("DATABASE_URL", "REDIS_URL", "FILES_URL", "SMTP_URL", "SIMULATOR_URL", "BASE_URL", "PORT")


@dataclass
class Ground:
    """A migrated PostgreSQL (and a Valkey when asked for) that `settings()` points to."""

    folder: Path
    postgres: Postgres
    valkey: Valkey | None

    def superuser(self, database: str = DATABASE) -> psycopg.Connection[tuple[Any, ...]]:
        return self.postgres.superuser(database)

    @contextmanager
    def filling(self, database: str = DATABASE) -> Iterator[Session]:
        """A session past every policy, trigger and foreign key, to put large tables in place. Commits and analyses."""
        engine = create_engine(self.postgres.url(database, SUPERUSER))
        with Session(engine) as session, session.begin():
            session.execute(text("SET session_replication_role = replica"))
            session.execute(text("SET work_mem = '256MB'"))
            yield session
        engine.dispose()
        with self.superuser(database) as connection:
            connection.execute("VACUUM ANALYZE")

    @contextmanager
    def copy(self, name: str, template: str = DATABASE) -> Iterator[str]:
        """A database copied from `template` for one run, in `settings()` inside the block; its name."""
        engine_for(self.postgres.url(template)).dispose()
        with self.superuser() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy OWNER quittance")
            connection.execute("CHECKPOINT")
        try:
            with pointed(DATABASE_URL=self.postgres.url(name)):
                yield name
        finally:
            engine_for(self.postgres.url(name)).dispose()
            with self.superuser() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self, name: str) -> str:
        """Another migrated database; its name."""
        with self.superuser() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER quittance")
        upgrade(self.postgres.url(name))
        return name


def _point(**values: str) -> None:
    os.environ.update(values)
    settings.cache_clear()


@contextmanager
def pointed(**values: str) -> Iterator[None]:
    """Settings as given inside the block."""
    before = {name: os.environ[name] for name in values}
    _point(**values)
    try:
        yield
    finally:
        _point(**before)


@contextmanager
def ground(*, valkey: bool = False) -> Iterator[Ground]:
    """Start the servers; they stop, and their folder goes, at the end of the block."""
    for name in CLEARED:
        os.environ.pop(name, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is put away
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="quittance-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = stack.enter_context(Postgres(folder / "postgres", settings=SAFE))
        redis = stack.enter_context(Valkey(folder / "valkey")) if valkey else None
        _point(
            QUITTANCE_MODE="sandbox",
            SECRET_KEY="0123456789abcdef" * 4,
            PAYOUT_ENCRYPTION_KEY="fedcba9876543210" * 4,
            DATA_DIR=str(folder / "files"),
            DATABASE_URL=postgres.url(),
        )
        if redis:
            _point(REDIS_URL=redis.url())
        upgrade(postgres.url())
        try:
            yield Ground(folder, postgres, redis)
        finally:
            engine_for(postgres.url()).dispose()


def timed(work: Callable[[], Any]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run every way `rounds` times, in turn; the median of the seconds each returns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            seconds = way()
            taken[name].append(seconds)
            say(f"  round {number + 1}: {name}: {seconds:.3f} s")
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def say(line: str) -> None:
    """Progress, on the error channel: the table alone goes to the output."""
    print(line, file=sys.stderr, flush=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a small table, the first column to the left."""
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    print(f"\n{title}")
    for row in cells:
        first, *rest = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *rest)))
    sys.stdout.flush()


def goal(says: str, ratio: float, *, most: float | None = None, least: float | None = None) -> str:
    """One line that says whether a ratio meets its goal."""
    met = (most is None or ratio <= most) and (least is None or ratio >= least)
    wanted = f"at most {most}" if most is not None else f"at least {least}"
    return f"{'met   ' if met else 'MISSED'}  {says}: {ratio:.2f} ({wanted})"
