"""Settles instructions when they are due and tells the webhook, signed, until it answers 2xx."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import httpx

from app.rails import signing
from app.rails.simulated import SIGNATURE_HEADER
from app.rails.simulator.books import Books

logger = logging.getLogger(__name__)
BATCH = 100
LONGEST_WAIT_S = 30.0


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose. The counters go down by one each time; a restart clears everything."""

    lose_replies: int = 0
    refuse_500: int = 0
    duplicate_webhooks: bool = False
    webhook_before_reply: bool = False
    drop_webhooks: bool = False
    delay_s: float = 0.5

    def update(self, wanted: dict[str, Any]) -> None:
        """Raises ValueError for a name or a value that makes no sense."""
        kinds: dict[str, type] = {one.name: type(one.default) for one in fields(self)}
        for name, value in wanted.items():
            kind = kinds.get(name)
            if kind is None:
                raise ValueError(f"there is no fault {name}")
            if type(value) not in ((int, float) if kind is float else (kind,)) or value < 0:
                raise ValueError(f"{name} is a {kind.__name__}, not negative")
        for name, value in wanted.items():
            setattr(self, name, value)


class Courier:
    """One thread of its own; `run_once` may also be called from a request (webhook before the reply)."""

    def __init__(self, books: Books, faults: Faults, webhook_url: str, secret: str) -> None:
        self._books, self._faults, self._url, self._secret = books, faults, webhook_url, secret
        self._http = httpx.Client(timeout=10, trust_env=False)
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=15)
        self._http.close()

    def wake(self) -> None:
        """Something new is in the books."""
        self._wake.set()

    def run_once(self) -> None:
        """Settle and tell everything that is due now."""
        with self._turn:
            while self._books.settle(time.time(), self._faults.delay_s):
                pass
            while not self._stopping and (due := self._books.due_events(time.time(), BATCH)):
                self._tell(due)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self.run_once()
            except Exception:  # the thread must outlive a full disk; what failed stays due
                logger.exception("simulator: settling failed")
                time.sleep(1)
            due = self._books.next_due()
            wait = LONGEST_WAIT_S if due is None else min(LONGEST_WAIT_S, max(0.005, due - time.time()))
            self._wake.wait(wait)

    def _tell(self, due: Sequence[tuple[int, dict[str, Any], int, int]]) -> None:
        numbers = [number for number, *_ in due]
        if self._faults.drop_webhooks or not self._url:
            self._books.told(numbers)
            return
        bodies = [body for _, body, _, _ in due]
        if not self._post(bodies):
            tries = min(tried for *_, tried in due)
            self._books.tell_later(numbers, time.time() + min(LONGEST_WAIT_S, 0.2 * 2**tries))
            return
        everything_thrice = self._faults.duplicate_webhooks
        rounds = 3 if everything_thrice else max(times for _, _, times, _ in due)
        for earlier in range(1, rounds):
            self._post([body for _, body, times, _ in due if everything_thrice or times > earlier])
        self._books.told(numbers)

    def _post(self, events: Sequence[dict[str, Any]]) -> bool:
        delivery = {"id": f"dlv_{uuid.uuid4().hex}", "created": int(time.time()), "events": list(events)}
        body = json.dumps(delivery, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signing.sign(self._secret, body)}
        try:
            return self._http.post(self._url, content=body, headers=headers).is_success
        except httpx.HTTPError:
            return False
