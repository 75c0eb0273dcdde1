"""Settles instructions when they are due and tells the webhook, signed, until it answers 2xx."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from app.rails import signing
from app.rails.simulated import SIGNATURE_HEADER
from app.rails.simulator.books import Books, public
from app.rails.simulator.dialects import Dialect
from app.rails.simulator.faults import Dice

logger = logging.getLogger(__name__)
BATCH = 100
LONGEST_WAIT_S = 30.0


class Courier:
    """One thread of its own; `run_once` may also be called from a request (webhook before the reply).

    Without a dialect it tells as the simulated rail does, many events at once; a dialect words each of its own.
    """

    def __init__(self, books: Books, dice: Dice, webhook_url: str, secret: str, dialect: Dialect | None = None) -> None:
        self._books, self._dice, self._url, self._secret, self._dialect = books, dice, webhook_url, secret, dialect
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
            while self._books.settle(time.time(), self._dice.faults.delay_s):
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
        if self._dialect is not None:
            for number, body, times, tried in due:
                self._tell_one(number, body, times, tried)
            return
        if self._dice.webhook() == "drop" or not self._url:
            self._books.told(numbers)
            return
        bodies = [body for _, body, _, _ in due]
        if not self._post(bodies):
            tries = min(tried for *_, tried in due)
            self._books.tell_later(numbers, time.time() + min(LONGEST_WAIT_S, 0.2 * 2**tries))
            return
        everything_thrice = self._dice.faults.duplicate_webhooks
        rounds = 3 if everything_thrice else max(times for _, _, times, _ in due)
        for earlier in range(1, rounds):
            self._post([body for _, body, times, _ in due if everything_thrice or times > earlier])
        self._books.told(numbers)

    def _tell_one(self, number: int, event: dict[str, Any], times: int, tried: int) -> None:
        mishap = self._dice.webhook()
        call = None if mishap == "drop" or self._dialect is None else self._dialect.tell(event)
        if call is None or not (call.url or self._url):
            self._books.told([number])
        elif mishap == "delay" and not tried:
            self._books.tell_later([number], time.time() + self._dice.faults.slow_s)
        elif not self._call(call.url or self._url, call.content, call.headers):
            self._books.tell_later([number], time.time() + min(LONGEST_WAIT_S, 0.2 * 2**tried))
        else:
            again = 3 if self._dice.faults.duplicate_webhooks else 2 if mishap == "duplicate" else times
            for _ in range(1, again):
                self._call(call.url or self._url, call.content, call.headers)
            self._books.told([number])

    def _post(self, events: Sequence[dict[str, Any]]) -> bool:
        plain = [public(event) for event in events]
        delivery = {"id": f"dlv_{uuid.uuid4().hex}", "created": int(time.time()), "events": plain}
        body = json.dumps(delivery, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signing.sign(self._secret, body)}
        return self._call(self._url, body, headers)

    def _call(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        try:
            return self._http.post(url, content=body, headers=headers).is_success
        except httpx.HTTPError:
            return False
