"""Not faster than a provider asks for."""

from __future__ import annotations

import threading
import time


class Pace:
    """`wait` returns at most once in `gap_s` seconds, for all threads of this process together."""

    def __init__(self, gap_s: float) -> None:
        self._gap_s, self._next, self._lock = gap_s, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap_s
        time.sleep(at - now)
