"""What the demo consists of: its address, its children in their order, and the way in."""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.scope import Scope, operator
from app.db.embedded import CannotStart, Services
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import sign_in
from jobs.supervisor.console import say
from jobs.supervisor.crew import Crew

READY_SECONDS = 180
GRANIAN_GIVES_UP = "Unexpected exit from worker"
# (portal, e-mail): who `flask demo load` makes; the README lists them too
ACCOUNTS = (
    ("admin", "admin@quittance.test"),
    ("admin", "checker@quittance.test"),
    ("org", "owner@oxford.test"),
    ("org", "owner@fernhill.test"),
    ("client", "client@fernhill.test"),
    ("creator", "creator@fernhill.test"),
    ("contractor", "contractor@fernhill.test"),
    ("vendor", "vendor@fernhill.test"),
    ("consultant", "consultant@fernhill.test"),
)


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # our own address is no matter for a proxy


def flask(*words: str) -> list[str]:
    return [sys.executable, "-m", "flask", *words]


def address() -> tuple[str, int]:
    """HOST and PORT. Raises CannotStart when the port is no port, or taken."""
    host, given = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not given.isdigit() or int(given) > 65535:
        raise CannotStart(f"PORT is {given!r}; it must be a number up to 65535 (0 takes a free one).")
    port = int(given) or free_port()
    if error := _taken(host, port):
        raise CannotStart(f"Port {port} on {host} cannot be used: {error}. Choose another: PORT={port + 10} make demo")
    return host, port


def _taken(host: str, port: int) -> str:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def free_port(wanted: int = 0) -> int:
    """`wanted` when it is free, else any."""
    if wanted and wanted < 65536 and not _taken("127.0.0.1", wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def environ(services: Services, data_dir: Path) -> dict[str, str]:
    """For every child: ours, and where things are."""
    own = {
        "DATA_DIR": str(data_dir),
        "FLASK_APP": "wsgi:app",
        "LOG_FORMAT": os.environ.get("LOG_FORMAT", "text"),
        "PORT": str(services.port),
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **services.environ(), **own}


def in_front(host: str, services: Services, data_dir: Path) -> Mapping[str, Sequence[str]]:
    """What answers on a port."""
    webhook = f"http://{_local(host)}:{services.port}/api/webhooks/simulated"
    return {
        "simulator": [
            sys.executable, "-m", "app.rails.simulator", "--port", services.simulator_url.rsplit(":", 1)[1],
            "--store", str(data_dir / "simulator.sqlite3"), "--webhook", webhook,
        ],
        "web": [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(services.port),
            "--workers", str(_cores(8)), "--blocking-threads", "2", "--no-ws", "--respawn-failed-workers",
            "--workers-kill-timeout", "3", "--log-level", "warning", "wsgi:app",
        ],
    }  # fmt: skip


def behind() -> Mapping[str, Sequence[str]]:
    """What works unseen; started after the web server, so that the first page comes sooner."""
    workers = {f"worker-{number}": flask("worker") for number in range(1, _cores(4) + 1)}
    return {**workers, "relay": flask("relay"), "schedule": flask("schedule")}


def _cores(most: int) -> int:
    return min(os.cpu_count() or 1, most)


def _local(host: str) -> str:
    """Where we reach our own web server."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104 - compared, not bound


def wait_until_ready(crew: Crew, services: Services) -> None:
    """Until the web server says /ready and the simulator answers at all. Raises CannotStart, EndedEarly."""
    host = _local(os.environ.get("HOST") or "127.0.0.1")
    waiting = {f"http://{host}:{services.port}/ready": True, f"{services.simulator_url}/": False}
    said: dict[str, str] = {}

    def ready() -> bool:
        lines = crew.last_lines("web")
        if any(GRANIAN_GIVES_UP in line for line in lines):  # it would try again for ever
            raise CannotStart("\n  ".join(["The web server cannot start. Its last lines:", *lines]))
        for url, must_be_fine in list(waiting.items()):
            said[url] = _answer(url)
            if said[url].startswith("2") or (not must_be_fine and said[url]):
                del waiting[url]
        return not waiting

    if not crew.wait(ready, READY_SECONDS):
        raise CannotStart("\n".join(f"{url} is not ready: {said.get(url) or 'no answer'}" for url in waiting))


def _answer(url: str) -> str:
    """Status and body, '' when nobody listens."""
    try:
        with _DIRECT.open(url, timeout=5) as response:
            return f"{response.status} {response.read(500).decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError:
        return ""


def show_the_way_in(services: Services, data_dir: Path, seconds: float) -> None:
    """Links go to the terminal only: they are keys, and logs are kept."""
    say(f"\nQuittance is ready at {services.base_url} after {seconds:.1f} s (sandbox mode, data in {data_dir})\n")
    say("Sign in (each link works once, for 15 minutes; `flask login-link --portal P EMAIL` makes another):")
    with unit_of_work(Scope.platform("sign-in links of the demo")) as session:
        for portal, email in ACCOUNTS:
            url = sign_in.operator_link(session, operator("demo"), Portal(portal), email)
            say(f"  {portal:<11} {email:<26} {url or 'no such account any more'}")
    say(f"\nSent mail   {services.base_url}/dev/mailbox")
    say(f"Logs        {data_dir / 'logs'}\n\nCtrl-C stops everything.\n")
