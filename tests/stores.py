"""The servers of one test run: PostgreSQL with a migrated template, Valkey, and the cleaning between tests.

The run's first process starts them; xdist workers find them through the environment and copy the template.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.core.settings import settings
from app.db.embedded import FAST, Postgres, Valkey
from app.db.migrate import upgrade

ADDRESSES = "QUITTANCE_TEST_STORES"
TEMPLATE = "template_quittance"
# What a migration wrote into a table (reference rows) is kept beside it and put back when a test changes it.
KEEP_REFERENCE_ROWS = """
CREATE SCHEMA reference_rows;
DO $$ DECLARE t regclass; filled boolean; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                                      AND relname <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', t) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE reference_rows.%I AS TABLE %s', t::text, t); END IF;
  END LOOP;
END $$;
"""
# DELETE with triggers off beats TRUNCATE for the few rows of a test: no new files for each table and index.
CLEAN = """
DO $$ DECLARE t regclass; big boolean; filled boolean; changed boolean; kept regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                                      AND relname <> 'alembic_version' LOOP
    kept := to_regclass(format('reference_rows.%I', t::text));
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', t) INTO filled;
    IF kept IS NULL THEN
      CONTINUE WHEN NOT filled;
      EXECUTE format('SELECT EXISTS (SELECT FROM %s OFFSET 5000)', t) INTO big;
      IF big THEN EXECUTE format('TRUNCATE %s CASCADE', t); ELSE EXECUTE format('DELETE FROM %s', t); END IF;
    ELSE
      EXECUTE format('SELECT EXISTS ((TABLE %1$s EXCEPT ALL TABLE %2$s) UNION ALL
                                     (TABLE %2$s EXCEPT ALL TABLE %1$s))', t, kept) INTO changed;
      IF changed THEN EXECUTE format('DELETE FROM %1$s; INSERT INTO %1$s TABLE %2$s', t, kept); END IF;
    END IF;
  END LOOP;
END $$;
"""
LEFT_OPEN = """
SELECT left(query, 200) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
"""


class LeftOpen(AssertionError):
    """A test ended with a database transaction still open."""


@dataclass
class Stores:
    """Where the run's servers are; the first process also owns them."""

    postgres_sockets: str
    valkey_socket: str
    stack: ExitStack = field(default_factory=ExitStack)

    def url(self, database: str, user: str = "quittance", driver: str = "postgresql+psycopg") -> str:
        return f"{driver}://{user}@/{database}?host={self.postgres_sockets}&port=5432"

    def superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.url(database, "postgres", "postgresql"), autocommit=True)

    def copy_template(self, name: str) -> str:
        """A fresh migrated database; returns its URL."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER quittance").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )
        return self.url(name)


def start() -> Stores:
    """Start both servers and migrate the template. They die with this process."""
    _sweep()
    stack = ExitStack()
    folder = Path(tempfile.mkdtemp(prefix=f"quittance-tests-{os.getpid()}-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    try:
        postgres = Postgres(folder / "postgres", settings=FAST)
        stack.callback(lambda: postgres.stop(crash=True))
        postgres.start()
        valkey = stack.enter_context(Valkey(folder / "valkey", durable=False))
        with postgres.superuser() as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER quittance")
        upgrade(postgres.url(TEMPLATE))
        with postgres.superuser(TEMPLATE) as connection:
            connection.execute(KEEP_REFERENCE_ROWS)
    except BaseException:
        stack.close()
        raise
    return Stores(str(postgres.sockets), str(valkey.socket), stack)


def share(stores: Stores) -> None:
    os.environ[ADDRESSES] = json.dumps([stores.postgres_sockets, stores.valkey_socket])


def shared() -> Stores | None:
    found = os.environ.get(ADDRESSES)
    return Stores(*json.loads(found)) if found else None


def _sweep() -> None:
    """Folders of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("quittance-tests-*"):
        pid = folder.name.split("-")[2]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Cleaner:
    """Empties one worker's database and its Valkey database after a test."""

    def __init__(self, stores: Stores, database: str, valkey_database: int) -> None:
        self.connection = stores.superuser(database)
        self.connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        self.connection.execute("SET lock_timeout = '10s'")
        self.valkey_socket, self.valkey_database = stores.valkey_socket, valkey_database

    def clean(self) -> None:
        """Raises LeftOpen when a transaction is still open a second after the test."""
        left = self._open()
        for _ in range(20):
            if not left:
                break
            time.sleep(0.05)
            left = self._open()
        if left:
            self.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        self.connection.execute(CLEAN)
        self._flush_valkey()
        if left:
            raise LeftOpen(f"the test left a transaction open: {left[0]}")

    def _open(self) -> list[str]:
        return [row[0] for row in self.connection.execute(LEFT_OPEN)]

    def _flush_valkey(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(self.valkey_socket)
            connection.sendall(f"SELECT {self.valkey_database}\r\nFLUSHDB\r\n".encode())
            answer = b""
            while answer.count(b"\n") < 2:
                answer += connection.recv(64)
        assert answer == b"+OK\r\n+OK\r\n", answer


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Settings as given inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        settings.cache_clear()
