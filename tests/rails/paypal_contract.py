"""What PayPal and Venmo have in common: the same API, one call for many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.rails.base import Outcome, Rail, RailUnavailable, SendOrder
from tests.fakes import paypal as fake
from tests.fakes.simulator import SimulatorPeer
from tests.rails.contract import MakeOrder, RailContract


class PayPalContract(RailContract):
    currency = "USD"
    name = ""  # of the one field

    @pytest.fixture(autouse=True)
    def _simulated(self, monkeypatch: pytest.MonkeyPatch, simulator: SimulatorPeer) -> None:
        simulator.faults_of("paypal", delay_s=30.0)
        fake.simulated_at(monkeypatch, simulator.url)

    @pytest.mark.parametrize("fault", [{"lose_replies": 1}, {"refuse_500": 1}, {"chance": 1.0, "seed": 3}])
    def test_a_lost_answer_is_asked_for_with_the_samecalls(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer, fault: dict[str, float]
    ) -> None:
        rail.send([order()])  # with a token
        orders = calls(order(100), order(200))
        simulator.faults_of("paypal", **fault)
        while _answered(rail, orders):  # by chance it may be slow only
            pass
        simulator.faults_of("paypal", chance=0.0)
        again = [replace(one, again=True) for one in orders]
        results = rail.send(again)
        assert [(one.key, one.outcome) for one in results] == [(one.key, Outcome.ACCEPTED) for one in orders]
        assert rail.send(again) == results
        mine = [one for one in simulator.summary_of("paypal")["instructions"] if one["amount_minor"] in (100, 200)]
        assert len(mine) == 2


def _answered(rail: Rail, orders: list[SendOrder]) -> bool:
    try:
        return bool(rail.send(orders))
    except RailUnavailable:
        return False


def calls(*orders: SendOrder) -> list[SendOrder]:
    return [replace(one, call=orders[0].key) for one in orders]
