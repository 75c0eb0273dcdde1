"""What Stripe and PayPal say they hold for us and what moved it, in their own words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from app.core import clock
from app.core.clock import utc_now
from app.core.money import Money
from app.rails import paypal_reports, registry
from app.rails.access import simulated_credential
from app.rails.base import Rail, RailUnavailable, SendOrder, TellsBalance, Untold
from app.rails.paypal import PayPalRail
from app.rails.paypal_client import PayPalClient
from app.rails.stripe_api import Api
from app.rails.stripe_connect import StripeConnect
from tests.fakes.paypal import Peer, peer, reached_at, simulated_at
from tests.fakes.simulator import SimulatorPeer, wait_until

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)


def order(destination: dict[str, str], minor: int, currency: str = "USD") -> SendOrder:
    payout = uuid4()
    return SendOrder(f"{payout.hex}-a1", payout, Money(minor, currency), "N", destination, "R", call=uuid4().hex)


def moved(rail: TellsBalance, since: datetime) -> set[tuple[str, str, int]]:
    return {(one.key, one.kind, one.amount.minor) for one in rail.activity(since)}


@pytest.fixture
def stripe(simulator: SimulatorPeer) -> StripeConnect:
    key = simulated_credential("stripe_connect", "STRIPE_SECRET_KEY")
    return StripeConnect(f"{simulator.url}/stripe_connect", key=key)


def test_who_tells() -> None:
    telling = {name for name, rail in registry.RAILS.items() if isinstance(rail, TellsBalance)}
    assert telling == {"stripe_connect", "paypal", "venmo", "razorpayx", "simulated"}
    assert registry.RAILS["venmo"].provider == "paypal"  # the same account: asked once


def test_stripe_tells_what_it_holds_and_what_moved(stripe: StripeConnect, simulator: SimulatorPeer) -> None:
    began = utc_now() - timedelta(minutes=1)
    assert (stripe.balances(), stripe.activity(began)) == ([], [])
    paid, euros = order({"account": "acct_123456ab"}, 25_00), order({"account": "acct_123456ab"}, 7_00, "EUR")
    back = order({"account": "acct_12340001"}, 3_00)
    for one in (paid, euros, back):
        stripe.send([one])
    wait_until(lambda: len(stripe.activity(began)) == 4)
    assert stripe.balances() == [Money(-7_00, "EUR"), Money(-25_00, "USD")]
    assert moved(stripe, began) == {
        (paid.key, "transfer", -25_00), (euros.key, "transfer", -7_00), (back.key, "transfer", -3_00),
        ("", "transfer_refund", 3_00),
    }  # fmt: skip
    assert [one.kind for one in stripe.activity(began)][-1] == "transfer_refund"  # oldest first
    assert stripe.activity(utc_now() + timedelta(minutes=1)) == []
    first = stripe.api().get("/v1/balance_transactions", {"limit": "3"})
    rest = stripe.api().get("/v1/balance_transactions", {"limit": "3", "starting_after": first["data"][-1]["id"]})
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert len({one["id"] for one in [*first["data"], *rest["data"]]}) == 4


def test_only_transfers_are_of_payouts(monkeypatch: pytest.MonkeyPatch) -> None:
    charge = {"type": "charge", "net": 970, "currency": "usd", "created": 1, "source": {"metadata": {"attempt": "1"}}}
    transfer = {**charge, "type": "transfer", "net": -500, "source": {"metadata": {"attempt": "k-a1"}}}
    monkeypatch.setattr(Api, "all", lambda *_, **__: [transfer, charge])
    rail = StripeConnect("http://127.0.0.1:1", key="sk_test_x")
    assert [(one.key, one.kind) for one in rail.activity(utc_now())] == [("", "charge"), ("k-a1", "transfer")]


def test_what_stripe_holds_back_is_ours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {
        "available": [{"amount": 5_00, "currency": "usd"}, {"amount": 0, "currency": "xyz"}],
        "pending": [{"amount": -1_00, "currency": "usd"}, {"amount": 300, "currency": "isk"}],
        "connect_reserved": [{"amount": 2_00, "currency": "usd"}],
    }
    rail = StripeConnect("http://127.0.0.1:1", key="sk_test_x")
    monkeypatch.setattr(Api, "get", lambda *_: said)
    assert rail.balances() == [Money(3, "ISK"), Money(6_00, "USD")]
    said["available"] = [{"amount": "much", "currency": "usd"}]
    with pytest.raises(RailUnavailable):
        rail.balances()


def test_a_key_that_may_not_read_says_so(simulator: SimulatorPeer) -> None:
    rail = StripeConnect(f"{simulator.url}/stripe_connect", key="sk_test_other")
    with pytest.raises(Untold, match="Balance transactions"):
        rail.balances()
    with pytest.raises(Untold):
        rail.activity(LONG_AGO)


@pytest.mark.parametrize("name", ["paypal", "venmo"])
def test_paypal_tells_hours_later(simulator: SimulatorPeer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    simulated_at(monkeypatch, simulator.url)
    rail: Rail = registry.RAILS[name]
    assert isinstance(rail, TellsBalance)
    began = utc_now() - timedelta(minutes=1)
    to = {"paypal": ("email", "jo{}@x.test"), "venmo": ("venmo", "@payee{}")}[name]
    paid, back = (order({to[0]: to[1].format(end)}, 12_50) for end in ("5555", "0001"))
    for one in (paid, back):
        rail.send([one])
    wait_until(lambda: len(rail.activity(began)) == 3)
    assert moved(rail, began) == {
        (paid.key, "T0001", -12_50), (back.key, "T0001", -12_50), (back.key, "T1114", 12_50),
    }  # fmt: skip
    assert rail.balances() == []
    with clock.at(utc_now() + rail.tells_late + timedelta(seconds=2)):
        assert rail.balances() == [Money(-12_50, "USD")]
        assert len(rail.activity(utc_now() - timedelta(days=40))) == 3  # more than one search


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PayPalRail, Peer]]:
    with peer() as found:
        reached_at(monkeypatch, found.url)
        rail = PayPalRail()
        rail._http = PayPalClient(rail)
        yield rail, found


def a_row(key: str, code: str, at: str = "2026-11-20T10:00:00Z", value: str = "-10.00", **more: str) -> dict[str, Any]:
    amount = {"currency_code": more.pop("currency", "USD"), "value": value}
    info = {"transaction_event_code": code, "transaction_initiation_date": at, "transaction_amount": amount}
    return {"transaction_info": {**info, "custom_field": key, "transaction_status": "S", **more}}


def test_paypals_reports_are_read_page_by_page(asked: tuple[PayPalRail, Peer]) -> None:
    rail, paypal = asked
    key = f"{uuid4().hex}-a1"
    pages = [
        [a_row(key, "T0001"), a_row(key, "T0200", value="-11.00"), a_row("of another", "T0001")],
        [a_row(key, "T1114", "2026-11-19T10:00:00+0000", "10.00"), a_row(key, "T0001", transaction_status="D"),
         a_row(key, "T0001", currency="XTS")],
    ]  # fmt: skip
    paypal.answers = [(200, {"transaction_details": rows, "total_pages": 2}) for rows in pages]
    found = [(one.key, one.kind, one.amount) for one in rail.activity(utc_now() - timedelta(days=7))]
    assert found == [
        (key, "T1114", Money(10_00, "USD")), (key, "T0001", Money(-10_00, "USD")), ("", "T0200", Money(-11_00, "USD")),
        ("", "T0001", Money(-10_00, "USD")),
    ]  # fmt: skip
    queries = [parse_qs(urlsplit(one.path).query) for one in paypal.asked]
    assert [query["page"] for query in queries] == [["1"], ["2"]]
    assert all(query["fields"] == ["transaction_info"] and query["page_size"] == ["500"] for query in queries)
    assert queries[0]["start_date"][0].endswith("Z") and queries[0] | {"page": ["2"]} == queries[1]


def test_too_much_for_one_search_is_asked_for_in_halves(asked: tuple[PayPalRail, Peer]) -> None:
    rail, paypal = asked
    too_many = {"name": paypal_reports.TOO_MANY, "message": "Result set size is greater than the maximum limit."}
    one_page = {"transaction_details": [a_row(f"{uuid4().hex}-a1", "T0001")], "total_pages": 1}
    paypal.answers = [(400, too_many), (200, one_page), (200, one_page)]
    began = utc_now() - timedelta(days=7)
    assert len(rail.activity(began)) == 2
    whole, first, second = (parse_qs(urlsplit(one.path).query) for one in paypal.asked)
    assert (whole["start_date"], whole["end_date"]) == (first["start_date"], second["end_date"])
    gap = datetime.fromisoformat(second["start_date"][0]) - datetime.fromisoformat(first["end_date"][0])
    assert gap == timedelta(seconds=1)


def test_paypals_balance_with_what_it_holds_back(asked: tuple[PayPalRail, Peer]) -> None:
    rail, paypal = asked
    shown = [
        {"currency": code, "total_balance": {"currency_code": code, "value": value}}
        for code, value in (("USD", "120.40"), ("JPY", "-5000"), ("EUR", "0.00"), ("XTS", "1.00"))
    ]
    paypal.answers = [(200, {"balances": shown})]
    assert rail.balances() == [Money(-5000, "JPY"), Money(120_40, "USD")]
    as_of = parse_qs(urlsplit(paypal.asked[0].path).query)["as_of_time"][0]
    assert utc_now() - datetime.fromisoformat(as_of) > timedelta(hours=3, minutes=59)


def test_an_application_that_may_not_search_says_so(asked: tuple[PayPalRail, Peer]) -> None:
    rail, paypal = asked
    paypal.answers = [(403, {"name": "NOT_AUTHORIZED"}), (403, {"name": "NOT_AUTHORIZED"})]
    with pytest.raises(Untold, match="Transaction Search"):
        rail.balances()
    with pytest.raises(Untold):
        rail.activity(utc_now() - timedelta(days=1))
    nonsense = {"balances": [{"total_balance": {"currency_code": "USD"}}]}
    paypal.answers = [(200, nonsense), (400, {"name": "OTHER"}), (503, {})]
    for _ in range(3):
        with pytest.raises(RailUnavailable):
            rail.balances()
