"""What every test gets: settings of its own, no network but loopback, and a database and Valkey when it asks.

* `database_url` — a migrated PostgreSQL 18; tests commit for real, all rows are removed after each test.
* `redis_url` — a Valkey database, emptied after each test.
* `own_stores` — servers of the test's own, to stop, kill and restart.
Settings are cached: change them with `tests.stores.environment(NAME="value")`.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app.core.settings import settings
from app.db.embedded import FAST, Postgres, Valkey
from app.db.migrate import upgrade
from app.rails import tokens
from tests import stores as test_stores

SECRET = "0123456789abcdef" * 4
CLEARED = ("DATABASE_URL", "REDIS_URL", "BASE_URL", "FILES_URL", "SMTP_URL", "SIMULATOR_URL", "MAIL_FROM", "PORT")


# A busy machine is slow; how long an example takes is no finding.
hypothesis_settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    _settings_of_the_run(config)
    if hasattr(config, "workerinput"):
        return  # an xdist worker: the first process started the servers
    if getattr(config.option, "numprocesses", None):
        config.stash[_STORES] = test_stores.start()
        test_stores.share(config.stash[_STORES])


def pytest_unconfigure(config: pytest.Config) -> None:
    if found := config.stash.get(_STORES, None):
        found.stack.close()
    shutil.rmtree(config.stash[_DATA_DIR], ignore_errors=True)


_STORES = pytest.StashKey[test_stores.Stores]()
_DATA_DIR = pytest.StashKey[str]()


def _settings_of_the_run(config: pytest.Config) -> None:
    """The same everywhere, whatever the developer's environment says."""
    for name in CLEARED:
        os.environ.pop(name, None)
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    config.stash[_DATA_DIR] = tempfile.mkdtemp(prefix=f"quittance-tests-{os.getpid()}-files-")
    os.environ.update(
        QUITTANCE_MODE="sandbox",
        SECRET_KEY=SECRET,
        PAYOUT_ENCRYPTION_KEY=SECRET[::-1],
        PAYOUT_ENCRYPTION_KEYS_OLD="",
        DATA_DIR=config.stash[_DATA_DIR],
    )
    settings.cache_clear()


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> test_stores.Stores:
    """The run's servers; without xdist they start when the first test asks."""
    found = test_stores.shared()
    if found is None:
        found = request.config.stash[_STORES] = test_stores.start()
    return found


@dataclass(frozen=True)
class _Worker:
    """One worker's own database in each server."""

    database_url: str
    redis_url: str
    cleaner: test_stores.Cleaner


@pytest.fixture(scope="session")
def _worker(stores: test_stores.Stores, request: pytest.FixtureRequest) -> Iterator[_Worker]:
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    number = int(name.removeprefix("gw"))
    url = stores.copy_template(f"test_{name}")
    cleaner = test_stores.Cleaner(stores, f"test_{name}", number)
    yield _Worker(url, f"unix://{stores.valkey_socket}?db={number}", cleaner)
    cleaner.connection.close()


@pytest.fixture
def database_url(_worker: _Worker) -> Iterator[str]:
    """URL of an empty migrated database, also in `settings()`; emptied again after the test."""
    with test_stores.environment(DATABASE_URL=_worker.database_url, REDIS_URL=_worker.redis_url):
        yield _worker.database_url
        _worker.cleaner.clean()


@pytest.fixture
def redis_url(database_url: str, _worker: _Worker) -> str:
    """URL of an empty Valkey database, also in `settings()`; emptied again after the test."""
    return _worker.redis_url


@pytest.fixture
def superuser(database_url: str, _worker: _Worker) -> Any:
    """An autocommit psycopg connection past every policy, to look at what the product wrote."""
    connection = _worker.cleaner.connection
    connection.execute("SET session_replication_role = DEFAULT")
    yield connection
    connection.execute("SET session_replication_role = replica")


@dataclass
class OwnStores:
    postgres: Postgres
    valkey: Valkey


@pytest.fixture
def own_stores(tmp_path: Path) -> Iterator[OwnStores]:
    """Migrated servers of this test alone, in `settings()`: stop, kill and start them again."""
    with Postgres(tmp_path / "postgres", settings=FAST) as postgres, Valkey(tmp_path / "valkey") as valkey:
        upgrade(postgres.url())
        with test_stores.environment(DATABASE_URL=postgres.url(), REDIS_URL=valkey.url()):
            yield OwnStores(postgres, valkey)


class NetworkRefused(RuntimeError):
    """A test wanted to leave this machine."""


def _loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _own_tokens() -> Iterator[None]:
    """A worker run within a test leaves its store of access tokens to this process; the next test has its own."""
    before, tokens.shared.store = tokens.shared.store, tokens.ProcessTokens()
    yield
    tokens.shared.store = before


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Only loopback and Unix sockets: no look-up and no connection goes anywhere else."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _loopback(address[0]):
            raise NetworkRefused(f"a test wanted to reach {address[0]}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        checked(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        checked(sock, address)
        return connect_ex(sock, address)

    def guarded_look_up(host: Any, *args: Any, **named: Any) -> Any:
        if not _loopback(host) and host != "0.0.0.0":
            raise NetworkRefused(f"a test wanted to look up {host}")
        return look_up(host, *args, **named)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()
