"""Where the services of a data folder are: given by the environment, running already, or started for a while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from app.core.settings import settings
from app.db.embedded.folder import DataFolder, FolderInUse
from app.db.embedded.postgres import SAFE, Postgres
from app.db.embedded.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses of what runs on a data folder. `owner` is the pid of who started it, 0 when the environment says it."""

    database_url: str
    redis_url: str
    base_url: str = ""
    simulator_url: str = ""
    port: int = 0
    owner: int = 0
    pids: dict[str, int] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """As settings, without the empty ones."""
        named = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "BASE_URL": self.base_url,
            "SIMULATOR_URL": self.simulator_url,
        }
        return {name: value for name, value in named.items() if value}

    @contextmanager
    def exported(self) -> Iterator[None]:
        """Settings inside the block see these addresses; what the environment sets already stays as it is."""
        added = [name for name in self.environ() if not os.environ.get(name)]
        os.environ.update({name: value for name, value in self.environ().items() if name in added})
        settings.cache_clear()
        try:
            yield
        finally:
            for name in added:
                os.environ.pop(name, None)
            settings.cache_clear()


def start_stores(folder: DataFolder, stack: ExitStack) -> tuple[Postgres, Valkey]:
    """Start both servers of an owned folder; `stack` stops them, Valkey first."""
    logs = folder.path / "logs"
    postgres = stack.enter_context(Postgres(folder.path / "postgres", settings=SAFE, log=logs / "postgres.log"))
    valkey = stack.enter_context(Valkey(folder.path / "valkey", log=logs / "valkey.log"))
    return postgres, valkey


def attach(data_dir: Path, *, seconds: float = 60) -> Services | None:
    """The services that run on `data_dir`, waiting up to `seconds` for an owner that is just starting them.

    None when nobody runs there. Raises FolderInUse when the owner has not come up in time.
    """
    folder = DataFolder(data_dir)
    end = time.monotonic() + seconds
    while (owner := folder.owner()) is not None:
        if note := folder.read_note():
            known = {f.name for f in fields(Services)}
            return Services(**{name: value for name, value in note.items() if name in known})
        if time.monotonic() > end:
            raise FolderInUse(f"{owner['what']} (pid {owner['pid']}) owns {folder.path} but its services are not up.")
        time.sleep(0.1)
    return None


@contextmanager
def ensure_services(
    data_dir: Path, *, what: str = "a flask command", prepare: Callable[[str], Any] | None = None
) -> Iterator[Services]:
    """Services for one command; inside the block `settings()` knows them.

    In this order: DATABASE_URL of the environment; the demo or command that runs on `data_dir`; servers of our own,
    started on `data_dir` (made if it is new), brought up to date by `prepare(database_url)` and stopped at the end,
    after others who attached meanwhile have left (at most 30 s). Call it from the main thread.
    Raises CannotStart, FolderInUse.
    """
    if os.environ.get("DATABASE_URL"):
        given = settings()
        yield Services(given.database_url, given.redis_url, given.base_url, given.simulator_url)
        return
    with ExitStack() as stack:
        services = attach(data_dir)
        if services is None:
            try:
                services = _start(DataFolder(data_dir).own(what), stack, prepare)
            except FolderInUse:  # somebody was quicker
                services = attach(data_dir)
                if services is None:
                    raise
        if services.owner != os.getpid():
            stack.enter_context(DataFolder(data_dir).visit())
        stack.enter_context(services.exported())
        yield services


def _start(folder: DataFolder, stack: ExitStack, prepare: Callable[[str], Any] | None) -> Services:
    stack.callback(folder.release)
    postgres, valkey = start_stores(folder, stack)
    services = Services(
        postgres.url(), valkey.url(), owner=os.getpid(), pids={"postgres": postgres.pid, "valkey": valkey.pid}
    )
    if prepare:
        with services.exported():
            prepare(services.database_url)
    folder.note(asdict(services))
    stack.callback(folder.wait_for_guests, 30)
    return services
