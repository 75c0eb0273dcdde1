from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.clock import utc_now
from app.rails import signing
from app.rails.base import BadSignature, Blame, Delivery, Outcome, Rail, RailRejected, RailUnavailable
from app.rails.simulated import SIGNATURE_HEADER, SimulatedRail, sandbox_destination
from tests.fakes.simulator import SimulatorPeer
from tests.rails.contract import MakeOrder, RailContract, assert_refusal


class TestContract(RailContract):
    @pytest.fixture
    def rail(self, simulated: SimulatedRail) -> Rail:
        return simulated

    @pytest.fixture
    def good(self) -> dict[str, str]:
        return {"account_holder": "Ashby Tree Surgeons Ltd", "account_number": "1234 5678-9012"}

    @pytest.fixture(params=["12", "1234_5678", "------", "9" * 41])
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        return {"account_holder": "Ashby", "account_number": request.param}, "account_number"

    def test_an_order_refused_alone_leaves_the_others_be(self, rail: Rail, order: MakeOrder) -> None:
        wrong = order(destination={"account_holder": "A", "account_number": "99990004"})
        fine, refused = rail.send([order(), wrong])
        assert fine.outcome is Outcome.ACCEPTED
        assert (refused.outcome, refused.code) == (Outcome.FAILED, "invalid_account")
        assert_refusal(refused.blame, refused.message, refused.cure, Blame.PAYEE)

    def test_nothing_is_taken_of_a_call_that_is_refused(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        with pytest.raises(RailRejected):
            rail.send([order(), order(0)])
        with pytest.raises(RailRejected):
            rail.send([order() for _ in range(rail.chunk + 1)])
        assert simulator.summary()["count"] == 0

    def test_the_same_key_with_another_amount_is_not_taken(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        first = order(100)
        rail.send([first])
        with pytest.raises(RailUnavailable) as refusal:
            rail.send([order(), order(101, key=first.key)])
        assert refusal.value.code == "key_reused"
        assert simulator.summary()["count"] == 1

    def test_a_lost_reply_is_unknown_and_found_by_its_key(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        simulator.faults(lose_replies=1, refuse_500=0)
        one = order()
        with pytest.raises(RailUnavailable):
            rail.send([one])
        found = rail.find(one.key)
        assert found is not None
        assert rail.send([one])[0].reference == found.reference
        assert simulator.summary()["count"] == 1

    def test_a_500_is_unknown_and_the_look_up_says_it_never_came(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        simulator.faults(refuse_500=1)
        one = order()
        with pytest.raises(RailUnavailable):
            rail.send([one])
        assert rail.find(one.key) is None
        assert rail.send([one])[0].outcome is Outcome.ACCEPTED

    def test_a_simulator_that_is_down_is_unknown(self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer) -> None:
        simulator.kill()
        with pytest.raises(RailUnavailable):
            rail.send([order()])
        with pytest.raises(RailUnavailable):
            rail.find(order().key)


def test_a_wrong_key_pays_nothing_and_fails_nothing(simulator: SimulatorPeer) -> None:
    rail = SimulatedRail(simulator.url, key="wrong")
    with pytest.raises(RailUnavailable):
        rail.find("k")


def test_without_an_address_nothing_is_sent() -> None:
    with pytest.raises(RailUnavailable) as refusal:
        SimulatedRail().find("k")
    assert refusal.value.code == "not_configured"


def _delivery(**changes: Any) -> bytes:
    event = {"id": "evt_1", "at": 1.5, "key": "k", "reference": "SIM-1", "status": "failed", "code": "account_closed"}
    return json.dumps({"id": "dlv_1", "events": [{**event, "message": "The account is closed.", **changes}]}).encode()


def test_a_signed_delivery_is_read() -> None:
    rail, body = SimulatedRail(secret="s"), _delivery()
    (event,) = rail.parse_event(Delivery({SIGNATURE_HEADER.upper(): signing.sign("s", body)}, body))
    assert (event.event_id, event.result.key, event.result.outcome) == ("evt_1", "k", Outcome.FAILED)
    assert_refusal(event.result.blame, event.result.message, event.result.cure, Blame.PAYEE)
    assert event.evidence["reference"] == "SIM-1"


@pytest.mark.parametrize("shift_s", [-301, 301])
def test_an_old_or_early_signature_is_refused(shift_s: int) -> None:
    rail, body = SimulatedRail(secret="s"), _delivery()
    header = signing.sign("s", body)
    with clock.at(utc_now() + timedelta(seconds=shift_s)), pytest.raises(BadSignature):
        rail.parse_event(Delivery({SIGNATURE_HEADER: header}, body))


@pytest.mark.parametrize(
    "header",
    ["", "t=,v1=", "v1=00", "t=1", "t=1,t=2,v1=00", "t=¹,v1=é", "nonsense", "t=99999999999999999999999,v1=00"],
)
def test_a_malformed_signature_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        SimulatedRail(secret="s").parse_event(Delivery({SIGNATURE_HEADER: header}, _delivery()))


def test_a_changed_body_or_another_secret_is_refused() -> None:
    rail, body = SimulatedRail(secret="s"), _delivery()
    now = int(time.time())
    for header in (signing.sign("other", body, now), signing.sign("s", body + b" ", now)):
        with pytest.raises(BadSignature):
            rail.parse_event(Delivery({SIGNATURE_HEADER: header}, body))
    rolled = f"{signing.sign('other', body, now)},{signing.sign('s', body, now).split(',')[1]}"
    assert rail.parse_event(Delivery({SIGNATURE_HEADER: rolled}, body))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events":[{}]}', b'{"events":3}'])
def test_a_signed_body_that_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(BadSignature):
        SimulatedRail(secret="s").parse_event(Delivery({SIGNATURE_HEADER: signing.sign("s", body)}, body))


def test_a_status_nobody_knows_is_about_nothing() -> None:
    body = _delivery(status="maybe")
    (event,) = SimulatedRail(secret="s").parse_event(Delivery({SIGNATURE_HEADER: signing.sign("s", body)}, body))
    assert (event.result, event.about) == (None, "maybe")


def test_sandbox_destinations_are_stable_valid_and_get_paid() -> None:
    made = sandbox_destination("Ashby", "oxford/123")
    assert made == sandbox_destination("Ashby", "oxford/123") != sandbox_destination("Ashby", "oxford/124")
    assert SimulatedRail().validate(made) == made
    assert made["account_number"][-4:] not in {f"000{n}" for n in range(10) if n != 5}
