"""A worker or relay in a process of its own, with a job whose steps a test can watch.

`python -m tests.jobs.stand_in worker|relay`. The job writes "begin PID" and "end PID" into the file it is told, with a
pause between.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from app.core.topics import Topic
from jobs import registry, relay, worker
from jobs.registry import Job

TOPIC = Topic.HOUSEKEEPING


def slowly(file: str, seconds: float) -> None:
    note(file, "begin")
    time.sleep(seconds)
    note(file, "end")


def note(file: str, word: str) -> None:
    with Path(file).open("a") as out:
        out.write(f"{word} {os.getpid()}\n")


def main() -> None:
    registry.JOBS[TOPIC] = Job(slowly)
    relay.LEASE_S = 1.0
    if sys.argv[1] == "worker":
        worker.work(fork="fork" in sys.argv)
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    relay.run(stop)


if __name__ == "__main__":
    main()
