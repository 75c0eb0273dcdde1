"""What goes wrong on purpose: counted, or by chance with a seed."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Mishap(StrEnum):
    """What befalls one call. AFTER: it was taken, and the answer is 500. LOST: it was taken, and nothing comes back."""

    NONE = ""
    BEFORE = "before"
    AFTER = "after"
    LOST = "lost"
    SLOW = "slow"


@dataclass(slots=True)
class Faults:
    """The counters go down by one each time; a restart clears everything.

    `chance`: how likely, from 0 to 1, a call or a webhook meets a fault of its own; the same `seed`, the same faults.
    """

    lose_replies: int = 0
    refuse_500: int = 0
    break_replies: int = 0
    slow_replies: int = 0
    duplicate_webhooks: bool = False
    webhook_before_reply: bool = False
    drop_webhooks: bool = False
    delay_s: float = 0.5
    slow_s: float = 0.3
    chance: float = 0.0
    seed: int = 0

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


class Dice:
    """Faults as they strike, from any thread."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._lock = threading.Lock()
        self._seed, self._random = faults.seed, _chance(faults.seed)

    def update(self, wanted: dict[str, Any]) -> None:
        with self._lock:
            self.faults.update(wanted)

    def call(self) -> Mishap:
        """What befalls this call."""
        with self._lock:
            if self.faults.refuse_500:
                self.faults.refuse_500 -= 1
                return Mishap.BEFORE
            if self.faults.lose_replies:
                self.faults.lose_replies -= 1
                return Mishap.LOST
            if self.faults.break_replies:
                self.faults.break_replies -= 1
                return Mishap.AFTER
            if self.faults.slow_replies:
                self.faults.slow_replies -= 1
                return Mishap.SLOW
            if not self._strikes():
                return Mishap.NONE
            return self._random.choice([Mishap.BEFORE, Mishap.AFTER, Mishap.LOST, Mishap.SLOW])

    def webhook(self) -> str:
        """What befalls this webhook: "" nothing, drop, duplicate, or delay (others overtake it)."""
        with self._lock:
            if self.faults.drop_webhooks:
                return "drop"
            return self._random.choice(["drop", "duplicate", "delay"]) if self._strikes() else ""

    def _strikes(self) -> bool:
        if self._seed != self.faults.seed:
            self._seed, self._random = self.faults.seed, _chance(self.faults.seed)
        return self.faults.chance > 0 and self._random.random() < self.faults.chance


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - mishaps to be met again, not secrets
