"""Outlives the supervisor by a moment and ends what it left behind. Started by path: imports nothing of ours.

Standard input is a pipe from the supervisor: `child PID` and `ended PID` for each child, `done` before a clean end.
When the pipe closes without `done`, the supervisor was killed. On Linux the children die with it by themselves, their
own children (a job at work) may not: those carry QUITTANCE_RUN in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def send(pid: int, sig: int, *, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, sig)


def members(run: str) -> list[int]:
    """Every process that carries the mark of this run (Linux)."""
    found = []
    mark = b"QUITTANCE_RUN=" + run.encode()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def end_all(children: list[int], run: str, patience: float) -> None:
    """Ask, wait, then kill: first the children with their groups, then whatever carries the mark."""
    for pid in children:
        send(pid, signal.SIGTERM)
    end = time.monotonic() + patience
    while any(alive(pid) for pid in children) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in children:
        send(pid, signal.SIGKILL, group=True)
    while left := members(run):
        for pid in left:
            send(pid, signal.SIGKILL)
        if time.monotonic() > end + 5:
            return
        time.sleep(0.05)


def main() -> None:
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    children: list[int] = []
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "done":
            return
        if word == "child":
            children.append(int(rest))
        if word == "ended":
            children.remove(int(rest))
    end_all(children, sys.argv[1], 1.5)


if __name__ == "__main__":
    main()
