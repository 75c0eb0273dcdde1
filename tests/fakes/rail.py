"""A rail that keeps its own books and misbehaves on demand: the one thing payout tests fake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.core import guards
from app.rails import registry
from app.rails.base import Delivery, Outcome, RailEvent, RailRejected, RailUnavailable, Result, SendOrder
from app.rails.simulated import SimulatedRail


class FakeRail(SimulatedRail):
    """Dedupes on the key. `paid` counts money movements per key."""

    chunk = 2

    def __init__(self, *, outcome: Outcome = Outcome.ACCEPTED) -> None:
        super().__init__("http://127.0.0.1:9", secret="s", key="k")
        self.outcome = outcome
        self.orders: dict[str, SendOrder] = {}
        self.calls = 0
        self.lose_replies = 0
        self.drop_requests = 0
        self.reject_with: str | None = None
        self.before_reply: list[object] = []

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        guards.no_transaction("the fake rail")
        self.calls += 1
        if self.reject_with:
            raise RailRejected(self.reject_with, "refused")
        if self.drop_requests:
            self.drop_requests -= 1
            raise RailUnavailable("the request was lost")
        for order in orders:
            assert self.orders.get(order.key, order) == order, "the same key with another order"
            self.orders[order.key] = order
        for hook in self.before_reply:
            hook(orders)  # type: ignore[operator]
        if self.lose_replies:
            self.lose_replies -= 1
            raise RailUnavailable("the reply was lost")
        return [Result(order.key, self.outcome, f"ref-{order.key[-12:]}") for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        guards.no_transaction("the fake rail")
        return Result(key, self.outcome, f"ref-{key[-12:]}") if key in self.orders else None

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        raise AssertionError("no events come from the fake")

    @property
    def total_minor(self) -> int:
        return sum(order.amount.minor for order in self.orders.values())


@contextmanager
def fake_rail(**options: object) -> Iterator[FakeRail]:
    """Stands in for the simulated rail within the block."""
    before = registry.RAILS["simulated"]
    rail = FakeRail(**options)  # type: ignore[arg-type]
    registry.RAILS["simulated"] = rail
    try:
        yield rail
    finally:
        registry.RAILS["simulated"] = before
