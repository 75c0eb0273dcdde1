"""The children of the demo: started in groups, output sorted, started again when killed, stopped in reverse order.

One thread: a child that asked to die with its parent dies with the thread that started it.
"""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.db.embedded import CannotStart, Postgres, Valkey, die_with_parent
from jobs.supervisor import console, watcher

ROOT = Path(__file__).parents[2]
LAST_LINES = 20
RESTARTS, RESTART_SECONDS = 5, 60.0
LOG_LIMIT = 10_000_000  # bytes; a longer log is put aside when the demo starts


class EndedEarly(RuntimeError):
    """A child ended though nobody asked it to."""

    def __init__(self, child: Child) -> None:
        last = "\n".join(f"  {line}" for line in child.last)
        super().__init__(f"{child.name} ended by itself (code {child.running.returncode}). Its last lines:\n{last}")


@dataclass
class Child:
    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    running: subprocess.Popen[bytes]
    log: IO[bytes]
    rest: bytes = b""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Watch:
    """The small process that ends everything when we are killed (`watcher.py`)."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(16)
        self.pids: list[int] = []
        self._start()

    def _start(self) -> None:
        reading, self.pipe = os.pipe()
        self.running = subprocess.Popen(
            [sys.executable, "-I", "-S", watcher.__file__, self.run], stdin=reading, start_new_session=True, cwd="/"
        )
        os.close(reading)

    def over(self, pid: int) -> None:
        """It ends this one too."""
        self.pids.append(pid)
        with suppress(BrokenPipeError):
            os.write(self.pipe, f"child {pid}\n".encode())

    def check(self) -> None:
        """It may be killed like everything else: then another takes over."""
        if self.running.poll() is not None:
            os.close(self.pipe)
            self._start()
            pids, self.pids = self.pids, []
            for pid in pids:
                self.over(pid)

    def forget(self, pid: int) -> None:
        """This one has ended: its number may come to somebody else."""
        self.pids.remove(pid)
        with suppress(BrokenPipeError):
            os.write(self.pipe, f"ended {pid}\n".encode())

    def dismiss(self) -> None:
        with suppress(BrokenPipeError):
            os.write(self.pipe, b"done\n")
        os.close(self.pipe)
        self.running.wait()


class Crew:
    """`logs` gets one file per child; warnings and worse reach the console too.

    A child or store that is killed starts again (5 times a minute); one that ends by itself ends the demo.
    """

    def __init__(self, logs: Path, watch: Watch, stores: Sequence[Postgres | Valkey] = ()) -> None:
        self.logs, self.watch, self.stores = logs, watch, stores
        self.on_restart: Callable[[], None] = lambda: None
        self.restarts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RESTARTS))
        for store in stores:
            watch.over(store.pid)
        self.groups: list[list[Child]] = []
        self.selector = selectors.DefaultSelector()
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, commands: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> None:
        """Start a group; groups stop in reverse order, the members of one together."""
        group: list[Child] = []
        self.groups.append(group)
        for name, command in commands.items():
            group.append(self._start(name, command, environ))

    def _start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> Child:
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
            env={**environ, "QUITTANCE_RUN": self.watch.run},
            start_new_session=True,  # Ctrl-C reaches only the supervisor
            preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        self.watch.over(running.pid)
        child = Child(name, command, environ, running, path.open("ab"))
        assert running.stdout is not None
        os.set_blocking(running.stdout.fileno(), False)
        self.selector.register(running.stdout, selectors.EVENT_READ, child)
        return child

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Go on sorting output until `ready`; False when the time is over. Raises EndedEarly."""
        end = time.monotonic() + seconds
        while not ready():
            self._sort_output(0.1)
            self._check()
            if time.monotonic() > end:
                return False
        return True

    def last_lines(self, name: str) -> list[str]:
        """What a child has written last."""
        return [line for group in self.groups for child in group if child.name == name for line in child.last]

    def pids(self) -> dict[str, int]:
        stores = {type(store).__name__.lower(): store.pid for store in self.stores}
        return stores | {child.name: child.running.pid for group in self.groups for child in group}

    def _check(self) -> None:
        """Raises EndedEarly for a child, CannotStart for a store that cannot go on."""
        self.watch.check()
        for store in self.stores:
            if store.child and store.child.poll() is not None:
                self._restart_store(store)
        for group in self.groups:
            for position, child in enumerate(group):
                if (code := child.running.poll()) is not None:
                    self._sort_output(0.1)
                    if code >= 0 or not self._may_restart(child.name):
                        raise EndedEarly(child)
                    console.say(f"{child.name} was killed (signal {-code}); starting it again.")
                    self._bury(child)
                    group[position] = self._start(child.name, child.command, child.environ)
                    self.on_restart()

    def _restart_store(self, store: Postgres | Valkey) -> None:
        name, ended = type(store).__name__, store.child
        assert ended is not None
        if not self._may_restart(name):
            raise CannotStart(f"{name} ends again and again (code {ended.returncode}): see {self.logs}.")
        console.say(f"{name} ended (code {ended.returncode}); starting it again.")
        self.watch.forget(store.pid)
        store.stop()
        store.start()
        self.watch.over(store.pid)
        self.on_restart()

    def _may_restart(self, name: str) -> bool:
        """Each by itself: a machine short of memory may kill several at once, one that keeps ending is broken."""
        before, now = self.restarts[name], time.monotonic()
        often = len(before) == RESTARTS and now - before[0] < RESTART_SECONDS
        before.append(now)
        return not often

    def _bury(self, child: Child) -> None:
        watcher.send(child.running.pid, signal.SIGKILL, group=True)
        self.watch.forget(child.running.pid)
        child.log.close()

    def _sort_output(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            child: Child = key.data
            piece = b""
            with suppress(BlockingIOError):
                piece = os.read(key.fd, 65536)
            if not piece:
                self.selector.unregister(key.fileobj)
                continue
            if not child.log.closed:
                child.log.write(piece)
                child.log.flush()
            *lines, child.rest = (child.rest + piece).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                child.last.append(text)
                if shown := console.worth_showing(text):
                    console.say(f"{child.name:<10} | {shown}")

    def stop(self, patience: float = 10) -> None:
        """Ask each group from the last to the first, then kill what does not listen."""
        for group in reversed(self.groups):
            _end(group, signal.SIGTERM, patience, self._sort_output)
        for pid in watcher.members(self.watch.run):  # a job that outlived its worker
            watcher.send(pid, signal.SIGKILL)
        self.groups.clear()


def _end(group: Sequence[Child], sig: int, patience: float, meanwhile: Callable[[float], None] = time.sleep) -> None:
    for child in group:
        if child.running.poll() is None:
            watcher.send(child.running.pid, sig)
    end = time.monotonic() + patience
    while any(child.running.poll() is None for child in group) and time.monotonic() < end:
        meanwhile(0.05)
    meanwhile(0)
    for child in group:
        watcher.send(child.running.pid, signal.SIGKILL, group=True)
        child.running.wait()
        child.log.close()
