"""Whatever becomes of a provider's answer, and however often we ask, there is one instruction there: for every rail
that is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.money import Money
from app.rails import registry
from app.rails.base import Outcome, RailUnavailable, Result, SendOrder
from tests.fakes.simulator import SimulatorPeer, wait_until
from tests.stores import environment

# What a payee of each rail is paid in and at, and whose books of the simulator keep it.
PAYEES = {
    "stripe_connect": ("GBP", {"account": "acct_1PgafTB7WZ01zgkW"}, "stripe_connect"),
    "paypal": ("USD", {"email": "ann@example.test"}, "paypal"),
    "venmo": ("USD", {"venmo": "@Jo-Example"}, "paypal"),
    "mpesa": ("KES", {"phone": "0712 345 678"}, "mpesa"),
    "razorpayx": ("INR", {"kind": "vpa", "vpa": "asha5678@okhdfcbank"}, "razorpayx"),
}
FAULTS = ("lose_replies", "break_replies", "refuse_500", "slow_replies")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorPeer]:
    folder: Path = tmp_path_factory.mktemp("simulator")
    made = SimulatorPeer(folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def simulator(peer: SimulatorPeer) -> Iterator[SimulatorPeer]:
    with environment(SIMULATOR_URL=peer.url):
        yield peer


def _order(name: str) -> SendOrder:
    currency, given, _ = PAYEES[name]
    payout = uuid4()
    key = f"{payout.hex}-a1"
    destination = registry.RAILS[name].validate(given)
    return SendOrder(key, payout, Money(250_00, currency), "Ann Otieno", destination, "Q-1", key)


def _until_known(name: str, order: SendOrder, reference: str = "") -> Result:
    """As the jobs do it: asked by its key, and sent again under the same one where the rail never saw it."""
    rail = registry.RAILS[name]
    for _ in range(8):
        try:
            found = rail.find(order.key, reference)
            if found is not None:
                return found
            (found,) = rail.send([replace(order, again=True)])
            return found
        except RailUnavailable:
            continue
    raise AssertionError("it stays unknown")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", list(PAYEES))
def test_one_instruction(simulator: SimulatorPeer, name: str, fault: str) -> None:
    books = PAYEES[name][2]
    registry.RAILS[name].send([_order(name)])  # with this the token is there, and whatever a payee needs
    order = _order(name)
    for count in (1, 2):
        simulator.faults_of(books, **{fault: count, "slow_s": 0.3})
        try:
            registry.RAILS[name].send([replace(order, again=count > 1)])
        except RailUnavailable:
            assert fault != "slow_replies", "an answer that is only slow is an answer"
        assert _until_known(name, order).outcome is not Outcome.FAILED
    simulator.faults_of(books, **{fault: 0})
    _until_known(name, order)

    def mine() -> list[int]:
        kept = simulator.summary_of(books)["instructions"]
        return [one["paid"] for one in kept if order.payout_id.hex in str(one["key"])]

    wait_until(lambda: mine() == [1])
