"""The demo, start to end: stores, migrations, demo rows, children, the way in; then wait, then stop it all."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from types import FrameType

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app import demo
from app.core.scope import Scope
from app.core.settings import load
from app.db.embedded import CannotStart, DataFolder, Services, start_stores
from app.db.embedded.children import follow_parent
from app.db.migrate import upgrade
from app.db.session import unit_of_work
from jobs.supervisor import plan
from jobs.supervisor.console import complain, say
from jobs.supervisor.crew import Crew, EndedEarly, Watch

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Somebody asked us to end."""


def main() -> int:
    """0 when asked to stop, 1 when something could not start or ended by itself."""
    began = time.monotonic()
    for sig in STOPPING:
        signal.signal(sig, _stop)
    if os.environ.pop("ENDS_WITH_PARENT", ""):
        follow_parent(os.getppid(), signal.SIGTERM)
    try:
        with ExitStack() as stack:
            _run(stack, began)
            raise AssertionError("the demo waits until it is stopped")
    except Stop:
        say("All stopped.")
        return 0
    except (CannotStart, EndedEarly) as error:
        complain(str(error))
        return 1


def _stop(_sig: int, _frame: FrameType | None) -> None:
    _deaf()
    say("Stopping ...")
    raise Stop


def _deaf() -> None:
    """From here on we only stop; everything that waits has its own end."""
    for sig in STOPPING:
        signal.signal(sig, signal.SIG_IGN)


def _run(stack: ExitStack, began: float) -> None:
    if os.environ.get("QUITTANCE_MODE", "sandbox") != "sandbox":
        raise CannotStart(
            "The demo runs in sandbox mode only: unset QUITTANCE_MODE. See docs/running.md for live mode."
        )
    for name in ("DATABASE_URL", "REDIS_URL", "SIMULATOR_URL"):
        if os.environ.pop(name, ""):
            say(f"{name} is not used: the demo has servers of its own.")
    folder = DataFolder(load().data_dir).own("a demo")
    stack.callback(folder.release)
    host, port = plan.address()
    watch = Watch()
    stack.callback(watch.dismiss)
    postgres, valkey = start_stores(folder, stack)
    crew = Crew(folder.path / "logs", watch, (postgres, valkey))
    stack.callback(crew.stop)
    stack.callback(_deaf)
    services = Services(
        database_url=postgres.url(),
        redis_url=valkey.url(),
        base_url=os.environ.get("BASE_URL", "").rstrip("/") or f"http://127.0.0.1:{port}",
        simulator_url=f"http://127.0.0.1:{plan.free_port(port + 1)}",
        port=port,
        owner=os.getpid(),
    )
    with services.exported():
        environ = plan.environ(services, folder.path)
        _migrate(services.database_url)
        with unit_of_work(Scope.platform("demo")) as session:
            demo.load(session)
        crew.start(plan.in_front(host, services, folder.path), environ)
        plan.wait_until_ready(crew, services)
        crew.start(plan.behind(), environ)
        crew.on_restart = lambda: folder.note(asdict(replace(services, pids=crew.pids())))
        crew.on_restart()
        plan.show_the_way_in(services, folder.path, time.monotonic() - began)
        crew.wait(lambda: False, float("inf"))


def _migrate(database_url: str) -> None:
    try:
        upgrade(database_url)
    except (CommandError, DBAPIError) as error:
        raise CannotStart(f"The database could not be brought up to date: {error}") from error
