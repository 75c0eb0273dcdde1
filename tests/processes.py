"""Looking at real processes from tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from jobs.supervisor.watcher import alive


def eventually(holds: Callable[[], object], seconds: float = 5) -> bool:
    """Whether `holds` comes true within `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def naming(text: str) -> list[int]:
    """Living processes (Linux) whose command line or environment names `text`, besides ourselves."""
    wanted, found = text.encode(), []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        for part in ("cmdline", "environ"):
            try:
                if wanted in (folder / part).read_bytes():
                    found.append(int(folder.name))
                    break
            except OSError:
                continue
    return found


def all_gone(pids: list[int], seconds: float = 5) -> bool:
    return eventually(lambda: not any(alive(pid) for pid in pids), seconds)
