"""Transfers by Stripe Connect, against the simulator that speaks its wire format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.core import stamps
from app.core.clock import utc_now
from app.core.money import Money
from app.core.stripe_wire import SIGNATURE
from app.rails.access import simulated_credential
from app.rails.base import BadSignature, Blame, Delivery, Outcome, Rail, RailRejected, RailUnavailable, SendOrder
from app.rails.reasons import Reason
from app.rails.stripe_api import Api, Refused
from app.rails.stripe_connect import StripeConnect, group_of
from tests.fakes.simulator import SimulatorPeer
from tests.rails.contract import MakeOrder, RailContract, assert_refusal

SPECS = Path(os.environ.get("QUITTANCE_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs") / "stripe"
SECRET = "whsec_of_this_test"  # made up


@pytest.fixture
def connect(simulator: SimulatorPeer) -> StripeConnect:
    key = simulated_credential("stripe_connect", "STRIPE_SECRET_KEY")
    return StripeConnect(f"{simulator.url}/stripe_connect", key=key, secrets=("", SECRET))


def sums(simulator: SimulatorPeer) -> list[tuple[int, int]]:
    found = simulator.summary_of("stripe_connect")["instructions"]
    return [(one["paid"], one["returned"]) for one in found]


class TestContract(RailContract):
    @pytest.fixture
    def rail(self, connect: StripeConnect) -> Rail:
        return connect

    @pytest.fixture
    def good(self) -> dict[str, str]:
        return {"account": "acct_1PgafTB7WZ01zgkW"}

    @pytest.fixture(params=["ba_123456789", "acct_", "acct_12 34-56 78", "4242"])
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        return {"account": request.param}, "account"

    def test_it_is_paid_when_it_is_made_and_found_without_its_name(self, rail: Rail, order: MakeOrder) -> None:
        one = order()
        (sent,) = rail.send([one])
        assert sent.outcome is Outcome.PAID and sent.reference.startswith("tr_")
        assert rail.find(one.key) == rail.find(one.key, sent.reference) == sent

    def test_another_attempt_of_the_payout_is_another_transfer(self, rail: Rail, order: MakeOrder) -> None:
        one = order()
        rail.send([one])
        assert rail.find(f"{group_of(one.key)}-a2") is None

    @pytest.mark.parametrize("fault", ["lose_replies", "refuse_500"])
    def test_whatever_becomes_of_the_answer_there_is_one_transfer(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer, fault: str
    ) -> None:
        simulator.faults_of("stripe_connect", **{fault: 1})
        one = order()
        with pytest.raises(RailUnavailable):
            rail.send([one])
        found = rail.find(one.key)
        assert (found is None) is (fault == "refuse_500")
        assert rail.send([one])[0].outcome is Outcome.PAID
        assert sums(simulator) == [(1, 0)]

    def test_an_error_after_it_was_taken_leaves_one_transfer(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        simulator.faults_of("stripe_connect", chance=1.0, seed=3)
        one = order()
        for _ in range(6):
            try:
                rail.send([one])
            except RailUnavailable:
                continue
        simulator.faults_of("stripe_connect", chance=0.0)
        assert rail.send([one])[0].outcome is Outcome.PAID
        assert sums(simulator) == [(1, 0)]

    def test_the_key_of_another_transfer_is_looked_up_not_failed(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        first = order(100)
        rail.send([first])
        with pytest.raises(RailUnavailable) as refusal:
            rail.send([order(101, key=first.key)])
        assert refusal.value.code == "idempotency_error"
        assert sums(simulator) == [(1, 0)]

    @pytest.mark.parametrize(
        ("ending", "code", "blame"),
        [("0000", "insufficient_capabilities_for_transfer", Blame.PAYEE), ("0004", "account_invalid", Blame.PAYEE),
         ("0006", "balance_insufficient", Blame.PAYER), ("0007", "payouts_limit_exceeded", Blame.RETRY)],
    )  # fmt: skip
    def test_refusals(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer, ending: str, code: str, blame: Blame
    ) -> None:
        (refused,) = rail.send([order(destination={"account": f"acct_12345678{ending}"})])
        assert (refused.outcome, refused.code) == (Outcome.FAILED, code)
        assert_refusal(refused.blame, refused.message, refused.cure, blame)
        assert sums(simulator) == []

    def test_a_transfer_taken_back(self, connect: StripeConnect, order: MakeOrder, simulator: SimulatorPeer) -> None:
        one = order()
        (sent,) = connect.send([one])
        assert connect.take_back(one.key, sent.reference).outcome is Outcome.RETURNED
        found = connect.find(one.key, sent.reference)
        assert found is not None and found.outcome is Outcome.RETURNED
        assert connect.take_back(one.key, sent.reference).outcome is Outcome.RETURNED  # its answer was lost, say
        assert sums(simulator) == [(1, 1)]

    def test_what_stripe_does_not_take_back_stays_paid(
        self, connect: StripeConnect, order: MakeOrder, simulator: SimulatorPeer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = order()
        (sent,) = connect.send([one])

        def refuses(*_: Any) -> Any:
            raise Refused(Reason("Their balance does not cover it.", "", Blame.PAYER), "balance_insufficient", 400)

        monkeypatch.setattr(Api, "post", refuses)
        with pytest.raises(RailRejected, match="does not cover"):
            connect.take_back(one.key, sent.reference)
        assert sums(simulator) == [(1, 0)]

    def test_a_wrong_key_fails_no_look_up(self, simulator: SimulatorPeer) -> None:
        with pytest.raises(RailUnavailable):
            StripeConnect(f"{simulator.url}/stripe_connect", key="sk_test_other").find("k-a1")


def test_amounts_it_cannot_take_are_refused_here(simulator: SimulatorPeer) -> None:
    rail = StripeConnect(f"{simulator.url}/stripe_connect", key="sk_test_x")
    order = SendOrder("p-a1", uuid4(), Money(1_001, "KWD"), "N", {"account": "acct_1234567"}, "R")
    (refused,) = rail.send([order])
    assert (refused.outcome, refused.blame) == (Outcome.FAILED, Blame.PERMANENT)


@pytest.mark.parametrize(("email", "ends"), [("jo0001@x.test", "0001"), ("jo1234@x.test", "9999"), ("", "9999")])
def test_an_account_made_there_has_the_fate_of_its_address(connect: StripeConnect, email: str, ends: str) -> None:
    made = connect.api().post("/v1/accounts", {"country": "US", "email": email}, f"key-{email}")
    assert made["id"].startswith("acct_") and made["id"].endswith(ends)


# --- events


def read(body: bytes, header: str | None = None, **given: Any) -> Any:
    rail = StripeConnect("http://127.0.0.1:1", key=given.get("key", "sk_test_x"), secrets=("whsec_other", SECRET))
    signed = stamps.sign(SECRET, body) if header is None else header
    (event,) = rail.parse_event(Delivery({SIGNATURE.lower(): signed}, body))
    return event


def sample(name: str) -> dict[str, Any]:
    path = SPECS / "webhooks" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"NO PAYLOAD {name}: neither in $QUITTANCE_SPECS nor in ../shared/specs")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def body_of(event: dict[str, Any]) -> bytes:
    return json.dumps(event, indent=2).encode()


@pytest.mark.parametrize("name", ["transfer.created", "transfer.updated", "transfer.reversed"])
def test_transfers_told(name: str) -> None:
    event = sample(name)
    assert read(body_of(event)).result is None  # not one of ours: it has no attempt of ours in it
    event["data"]["object"]["metadata"] = {"attempt": "ab12-a1"}
    told = read(body_of(event))
    wanted = {"transfer.created": Outcome.PAID, "transfer.updated": None, "transfer.reversed": Outcome.RETURNED}[name]
    assert (told.result.outcome if told.result else None) is wanted
    if told.result:
        assert (told.result.key, told.result.reference) == ("ab12-a1", event["data"]["object"]["id"])


@pytest.mark.parametrize("noun", ["created", "paid", "failed", "canceled", "updated"])
def test_payouts_to_banks_are_about_no_transfer_of_ours(noun: str) -> None:
    event = sample(f"payout.{noun}")
    told = read(body_of(event))
    assert told.result is None
    if "account" not in event:
        event["account"] = "acct_1PgafTB7WZ01zgkW"
        told = read(body_of(event))
    assert told.about == "bank payout" and told.evidence["account"] == "acct_1PgafTB7WZ01zgkW"
    assert told.evidence["payout"] == event["data"]["object"]["id"] and int(told.evidence["amount"]) == 1100


@pytest.mark.parametrize("name", ["account.updated", "account.application.deauthorized", "capability.updated"])
def test_news_of_accounts(name: str) -> None:
    told = read(body_of(sample(name)))
    assert (told.about, told.evidence["account"]) == ("account", "acct_1PgafTB7WZ01zgkW")


def test_every_event_there_is_a_sample_of_is_read() -> None:
    for path in sorted((SPECS / "webhooks").glob("*.json")):
        event = json.loads(path.read_text())
        assert read(body_of(event)).event_id == event["id"]


def test_events_of_the_other_mode_are_kept_and_mean_nothing() -> None:
    event = sample("transfer.reversed")
    event["data"]["object"]["metadata"] = {"attempt": "ab12-a1"}
    assert read(body_of(event), key="sk_live_x").about == "another mode"
    event["livemode"] = True
    assert read(body_of(event)).about == "another mode"
    assert read(body_of(event), key="sk_live_x").result is not None


def test_one_flipped_byte_is_refused() -> None:
    body = body_of(sample("transfer.reversed"))
    header = stamps.sign(SECRET, body)
    assert read(body, header)
    for at in range(0, len(body), 97):
        flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(BadSignature):
            read(flipped, header)


@pytest.mark.parametrize("shift_s", [-301, 301])
def test_old_and_early_signatures_are_refused(shift_s: int) -> None:
    body = body_of(sample("transfer.reversed"))
    with pytest.raises(BadSignature):
        read(body, stamps.sign(SECRET, body, int(utc_now().timestamp()) + shift_s))


def test_without_secrets_nothing_is_believed() -> None:
    rail, body = StripeConnect("http://127.0.0.1:1", key="sk_test_x", secrets=("", "")), b"{}"
    with pytest.raises(BadSignature):
        rail.parse_event(Delivery({SIGNATURE: stamps.sign("", body)}, body))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": "evt_1", "type": "transfer.created", "data": []}'])
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadSignature):
        read(body)


def test_the_address_decides_where_accounts_are_connected() -> None:
    assert Api("https://api.stripe.com", "sk_test_x").oauth_url == "https://connect.stripe.com"
    assert Api("http://127.0.0.1:1", "sk_test_x").oauth_url == "http://127.0.0.1:1"
