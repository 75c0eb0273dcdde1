"""The simulator as its users meet it: a process, its books, its webhooks."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from app.core.money import Money
from app.rails.base import Outcome, SendOrder
from app.rails.simulated import SimulatedRail, sandbox_destination
from tests.fakes.simulator import Receiver, SimulatorPeer, wait_until


def _order(account: str = "10000005x", minor: int = 1_000) -> SendOrder:
    payout = uuid4()
    destination = {"account_holder": "Ashby", "account_number": account}
    return SendOrder(f"{payout.hex}-a1", payout, Money(minor, "GBP"), "Ashby", destination, f"PO-{payout.hex[:8]}")


def _outcomes(receiver: Receiver, key: str) -> list[Outcome]:
    return [event.result.outcome for event in receiver.of(key)]


@pytest.mark.parametrize(
    ("ending", "told", "in_the_end"),
    [
        ("1111", [Outcome.PAID], Outcome.PAID),
        ("0000", [Outcome.FAILED], Outcome.FAILED),
        ("0001", [Outcome.PAID, Outcome.RETURNED], Outcome.RETURNED),
        ("0002", [], Outcome.PAID),
        ("0003", [Outcome.PAID] * 3, Outcome.PAID),
        ("0004", [], Outcome.FAILED),
        ("0005", [], Outcome.ACCEPTED),
        ("0006", [Outcome.FAILED], Outcome.FAILED),
        ("0007", [Outcome.FAILED], Outcome.FAILED),
        ("0008", [Outcome.PAID, Outcome.ACCEPTED], Outcome.PAID),
        ("0009", [Outcome.PAID], Outcome.PAID),
    ],
)
def test_the_account_steers_the_outcome(
    simulator: SimulatorPeer,
    simulated: SimulatedRail,
    receiver: Receiver,
    ending: str,
    told: list[Outcome],
    in_the_end: Outcome,
) -> None:
    steered, plain = _order(f"8888{ending}"), _order()
    answer = simulated.send([steered, plain])[0]
    immediate = {"0004": Outcome.FAILED, "0009": Outcome.PAID}.get(ending, Outcome.ACCEPTED)
    assert answer.outcome is immediate
    wait_until(lambda: _outcomes(receiver, plain.key) == [Outcome.PAID] and len(receiver.of(steered.key)) >= len(told))
    wait_until(lambda: simulator.summary()["events_waiting"] == 0)
    assert _outcomes(receiver, steered.key) == told
    found = simulated.find(steered.key)
    assert found is not None and found.outcome is in_the_end
    assert len({event.event_id for event in receiver.of(steered.key)}) == len(set(told))
    assert receiver.bad == 0


def test_a_quarter_of_bills_in_about_a_second(
    simulator: SimulatorPeer, simulated: SimulatedRail, receiver: Receiver
) -> None:
    orders = [_order(sandbox_destination("A", str(number))["account_number"], number + 1) for number in range(644)]
    began = time.monotonic()
    for start in range(0, len(orders), simulated.chunk):
        simulated.send(orders[start : start + simulated.chunk])
    wait_until(lambda: len(receiver.events) == 644)
    took = time.monotonic() - began
    assert max(receiver.sizes) <= 100
    summary = simulator.summary()
    assert (summary["count"], summary["movements"]) == (644, 644)
    assert {one["paid"] for one in summary["instructions"]} == {1}
    assert took < 10  # about one second on an idle machine


def test_a_restart_forgets_nothing(simulator: SimulatorPeer, simulated: SimulatedRail, receiver: Receiver) -> None:
    simulator.faults(delay_s=1.0)
    orders = [_order() for _ in range(30)]
    first = simulated.send(orders)
    simulator.kill()  # before anything settled
    assert receiver.events == []
    simulator.start()
    assert [one.reference for one in simulated.send(orders)] == [one.reference for one in first]
    wait_until(lambda: len(receiver.events) >= 30)
    summary = simulator.summary()
    assert (summary["count"], summary["movements"]) == (30, 30)
    assert {one["times_asked"] for one in summary["instructions"]} == {2}


def test_events_are_told_again_until_they_are_taken(
    simulator: SimulatorPeer, simulated: SimulatedRail, receiver: Receiver
) -> None:
    receiver.refuse = 2
    one = _order()
    simulated.send([one])
    wait_until(lambda: receiver.of(one.key))
    assert receiver.refuse == 0 and len(receiver.of(one.key)) == 1


def test_the_fault_switchboard(simulator: SimulatorPeer, simulated: SimulatedRail, receiver: Receiver) -> None:
    simulator.faults(webhook_before_reply=True)
    early = _order()
    simulated.send([early])
    assert _outcomes(receiver, early.key) == [Outcome.PAID]  # known before the answer was

    simulator.faults(webhook_before_reply=False, duplicate_webhooks=True)
    thrice = _order()
    simulated.send([thrice])
    wait_until(lambda: len(receiver.of(thrice.key)) == 3)
    assert len({event.event_id for event in receiver.of(thrice.key)}) == 1

    simulator.faults(duplicate_webhooks=False, drop_webhooks=True)
    silent = _order()
    simulated.send([silent])
    wait_until(lambda: (found := simulated.find(silent.key)) and found.outcome is Outcome.PAID)
    wait_until(lambda: simulator.summary()["events_waiting"] == 0)
    assert receiver.of(silent.key) == []
    assert simulator.summary()["movements"] == 3


@pytest.mark.parametrize("faults", [{"unknown": 1}, {"lose_replies": -1}, {"drop_webhooks": 1}, {"lose_replies": True}])
def test_a_fault_that_is_none_is_refused(simulator: SimulatorPeer, faults: dict[str, object]) -> None:
    before = simulator.call("GET", "/_faults").json()
    assert simulator.call("POST", "/_faults", faults).status_code == 400
    assert simulator.call("GET", "/_faults").json() == before


def test_callers_show_their_key_and_send_sense(simulator: SimulatorPeer) -> None:
    for method, path in [("GET", "/_instructions"), ("GET", "/_faults"), ("POST", "/instructions")]:
        assert simulator.call(method, path, {}, key="wrong").status_code == 401
    assert simulator.call("GET", "/health").json() == {"status": "ok"}
    assert simulator.call("GET", "/instructions/none").json()["error"] == "unknown_key"
    assert simulator.call("GET", "/elsewhere").json()["error"] == "not_found"
    for body in ({}, {"orders": []}, {"orders": [{}]}, {"orders": [{"key": 1}]}, []):
        assert simulator.call("POST", "/instructions", body).status_code == 400


def test_it_ends_when_asked(simulator: SimulatorPeer) -> None:
    assert simulator.stop() == 0
