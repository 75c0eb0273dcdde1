"""The rail against the simulator's RazorpayX: the contract, what the last four decide, faults, signed events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import utc_now
from app.core.money import Money
from app.rails.access import simulated_credential
from app.rails.base import Blame, Outcome, Rail, RailUnavailable, TellsBalance
from app.rails.razorpayx import RazorpayX
from tests.fakes.simulator import Receiver, SimulatorPeer, wait_until
from tests.rails.contract import MakeOrder, RailContract
from tests.rails.test_razorpayx import an_order
from tests.stores import environment


@pytest.fixture
def rail(simulator: SimulatorPeer, receiver: Receiver) -> Iterator[Rail]:
    with environment(SIMULATOR_URL=simulator.url):
        made = RazorpayX()
        receiver._rail = made  # type: ignore[assignment]
        yield made


def bank(last4: str) -> dict[str, str]:
    return {
        "kind": "bank_account", "account_holder": "Asha Kulkarni", "account_number": f"5020001234{last4}",
        "ifsc": "HDFC0000060",
    }  # fmt: skip


class TestContract(RailContract):
    currency = "INR"

    @pytest.fixture
    def rail(self, rail: Rail) -> Rail:
        return rail

    @pytest.fixture(params=[bank("5678"), {"kind": "vpa", "vpa": "asha5678@okhdfcbank"}], ids=["bank", "upi"])
    def good(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return dict(request.param)

    @pytest.fixture
    def bad(self) -> tuple[dict[str, str], str]:
        return {**bank("5678"), "ifsc": "HDFC"}, "ifsc"

    def test_faults_leave_one_instruction(self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer) -> None:
        simulator.faults_of("razorpayx", chance=0.6, seed=11, slow_s=0.0)
        one, unknown = order(), 0
        for _ in range(12):
            try:
                rail.send([one])
            except RailUnavailable:
                unknown += 1
                with suppress(RailUnavailable):
                    rail.find(one.key)
        simulator.faults_of("razorpayx", chance=0.0)
        assert unknown > 0
        assert rail.send([one])[0].outcome in (Outcome.ACCEPTED, Outcome.PAID)
        found = simulator.summary_of("razorpayx")
        assert found["count"] == 1
        wait_until(lambda: rail.find(one.key).outcome is Outcome.PAID)  # type: ignore[union-attr]
        assert simulator.summary_of("razorpayx")["net_payments_by_statement"] == {one.payout_id.hex: 1}

    @pytest.mark.parametrize(
        ("last4", "outcome", "code", "blame"),
        [
            ("0000", Outcome.FAILED, "bank_account_closed", Blame.PAYEE),
            ("0001", Outcome.RETURNED, "bank_account_closed", Blame.PAYEE),
            ("0006", Outcome.FAILED, "insufficient_funds", Blame.PAYER),
            ("0007", Outcome.FAILED, "beneficiary_bank_offline", Blame.RETRY),
            ("0009", Outcome.PAID, "", None),
            ("5678", Outcome.PAID, "", None),
        ],
    )
    def test_the_last_four_decide_and_an_event_wakes_us(
        self, rail: Rail, order: MakeOrder, receiver: Receiver, last4: str, outcome: Outcome, code: str, blame: Any
    ) -> None:
        vpa = "vpa" in order().destination
        where = {"kind": "vpa", "vpa": f"asha{last4}@okhdfcbank"} if vpa else bank(last4)
        one = order(destination=rail.validate(where))
        sent = rail.send([one])[0]
        assert sent.outcome is (Outcome.PAID if last4 == "0009" else Outcome.ACCEPTED)
        wait_until(lambda: rail.find(one.key, sent.reference).outcome is outcome)  # type: ignore[union-attr]
        wait_until(lambda: receiver.of(one.key))
        told = receiver.of(one.key)[-1]
        assert told.look_up and told.event_id.startswith("evt_") and receiver.bad == 0
        found = rail.find(one.key, sent.reference)
        assert found is not None and (found.code, found.blame) == (code, blame)

    def test_refused_in_the_answer(self, rail: Rail, order: MakeOrder) -> None:
        (bank_said,) = rail.send([order(destination=rail.validate(bank("0004")))])
        (upi_said,) = rail.send([order(destination=rail.validate({"kind": "vpa", "vpa": "asha0004@ybl"}))])
        assert [bank_said.outcome, upi_said.outcome] == [Outcome.FAILED, Outcome.FAILED]
        assert (bank_said.code, upi_said.code) == ("bank_account_invalid", "beneficiary_vpa_invalid")


def test_queued_and_cancelled(rail: Rail, simulator: SimulatorPeer) -> None:
    one = an_order(rail.validate(bank("0010")))
    (sent,) = rail.send([one])
    assert (sent.outcome, sent.code) == (Outcome.ACCEPTED, "low_balance")
    auth = tuple(simulated_credential("razorpayx", f"RAZORPAYX_KEY_{part}") for part in ("ID", "SECRET"))
    url = f"{simulator.url}/razorpayx/v1/payouts/{sent.reference}/cancel"
    assert httpx.post(url, auth=auth, trust_env=False).json()["status"] == "cancelled"
    assert httpx.post(url, auth=auth, trust_env=False).status_code == 400
    found = rail.find(one.key, sent.reference)
    assert found is not None and (found.outcome, found.blame) == (Outcome.FAILED, Blame.PAYER)


def test_the_account_tells_its_balance_and_what_moved(rail: Rail, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(rail, TellsBalance)
    began = utc_now() - timedelta(minutes=1)
    assert (rail.balances(), rail.activity(began)) == ([], [])
    paid, returned = (an_order(rail.validate(bank(last4)), 500_00) for last4 in ("5678", "0001"))
    rail.send([paid, returned])
    wait_until(lambda: len(rail.activity(began)) == 3)
    assert rail.balances() == [Money(-500_00, "INR")]
    monkeypatch.setattr("app.rails.razorpayx.PAGE", 2)
    found = {(one.key, one.kind, one.amount.minor) for one in rail.activity(began)}
    assert found == {
        (paid.key, "payout", -500_00), (returned.key, "payout", -500_00), (returned.key, "reversal", 500_00),
    }  # fmt: skip
    assert rail.activity(utc_now() + timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("contacts", {"name": "Li"}),
        ("contacts", {"name": "a<b>c"}),
        ("fund_accounts", {"contact_id": "cont_none", "account_type": "vpa", "vpa": {"address": "a@b"}}),
        ("payouts", {"amount": 100}),
    ],
)
def test_nonsense_is_refused(rail: Rail, simulator: SimulatorPeer, path: str, body: dict[str, Any]) -> None:
    auth = tuple(simulated_credential("razorpayx", f"RAZORPAYX_KEY_{part}") for part in ("ID", "SECRET"))
    url, headers = f"{simulator.url}/razorpayx/v1/{path}", {"X-Payout-Idempotency": "abcd"}
    answer = httpx.post(url, json=body, headers=headers, auth=auth, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST_ERROR")
    assert httpx.post(url, json=body, auth=("a", "b"), trust_env=False).status_code == 401
