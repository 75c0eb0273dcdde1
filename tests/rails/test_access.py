"""How rails stand in a deployment, and what they pay at once."""

from __future__ import annotations

import pytest

from app.core.money import Money
from app.core.settings import load
from app.db.types import new_id
from app.rails import access, limits, registry
from app.rails.access import Mode
from app.rails.base import Limits, Need, Outcome, RailUnavailable, SendOrder
from app.rails.simulated import SimulatedRail


class Abroad(SimulatedRail):
    name, label, sandbox_only = "abroad", "Abroad", False
    currencies = frozenset({"KES", "USD"})
    needs = (Need("MPESA_KEY", live=r"live_\w+", sandbox=r"test_\w+"), Need("MPESA_SECRET"))
    hosts = {"sandbox": "https://sandbox.abroad.test", "live": "https://abroad.test"}
    limits = {"KES": Limits(least=10_00, most=250_000_00, step=100)}


def _stands(monkeypatch: pytest.MonkeyPatch, **env: str) -> access.Standing:
    found = load({"SECRET_KEY": "s" * 32, "PAYOUT_ENCRYPTION_KEY": "e" * 32, **env})
    monkeypatch.setattr("app.rails.access.settings", lambda: found)
    return access.standing(Abroad())


TEST = {"MPESA_KEY": "test_1", "MPESA_SECRET": "x"}
LIVE = {"MPESA_KEY": "live_1", "MPESA_SECRET": "x", "QUITTANCE_MODE": "live"}


def test_credentials_of_the_mode_reach_the_address_of_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _stands(monkeypatch, **TEST) == access.Standing(Mode.SANDBOX, "https://sandbox.abroad.test")
    assert _stands(monkeypatch, **LIVE) == access.Standing(Mode.LIVE, "https://abroad.test")
    # Only in sandbox may another address be named: live credentials go to the provider and nowhere else.
    assert _stands(monkeypatch, **TEST, ABROAD_URL="http://127.0.0.1:4010").mode is Mode.SANDBOX
    assert _stands(monkeypatch, **LIVE, ABROAD_URL="http://127.0.0.1:4010").url == "https://abroad.test"


def test_what_is_missing_is_named_and_test_keys_are_missing_in_live(monkeypatch: pytest.MonkeyPatch) -> None:
    off = _stands(monkeypatch, **{**LIVE, "MPESA_KEY": "test_1"})
    assert (off.mode, off.missing, off.why) == (Mode.OFF, ("MPESA_KEY",), "Missing settings: MPESA_KEY.")
    with pytest.raises(RailUnavailable, match="MPESA_KEY"):
        access.reach(Abroad())
    assert _stands(monkeypatch).missing == ("MPESA_KEY", "MPESA_SECRET")


def test_without_credentials_the_simulator_stands_in_sandbox_only(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _stands(monkeypatch, SIMULATOR_URL="http://127.0.0.1:8900")
    assert (found.mode, found.url) == (Mode.SIMULATED, "http://127.0.0.1:8900/abroad")
    assert access.credential(Abroad(), "MPESA_KEY") == access.simulated_credential("abroad", "MPESA_KEY")
    assert _stands(monkeypatch, SIMULATOR_URL="http://127.0.0.1:8900", **LIVE).mode is Mode.LIVE
    live_without = _stands(monkeypatch, SIMULATOR_URL="http://127.0.0.1:8900", QUITTANCE_MODE="live")
    assert live_without.mode is Mode.OFF


def test_every_rail_says_how_it_stands() -> None:
    for rail in registry.RAILS.values():
        assert access.standing(rail).mode in Mode
        assert not rail.needs or {"sandbox", "live"} <= set(rail.hosts)
        assert all(url.startswith("https://") for url in rail.hosts.values())


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        (Money(9_00, "KES"), "or more"),
        (Money(10_00, "KES"), ""),
        (Money(250_000_00, "KES"), ""),
        (Money(250_001_00, "KES"), "at most"),
        (Money(10_50, "KES"), "steps"),
        (Money(5, "USD"), ""),
        (Money(10_00, "EUR"), "EUR"),
    ],
)
def test_limits_are_said_in_a_sentence(amount: Money, says: str) -> None:
    why = limits.refusal(Abroad(), amount)
    assert bool(why) == bool(says) and says in why


def test_what_cannot_be_paid_is_answered_without_a_call() -> None:
    orders = [
        SendOrder(f"k{minor}", new_id(), Money(minor, "KES"), "Ann", {}, "r") for minor in (5_00, 20_00, 999_999_00)
    ]
    fit, refused = limits.sort_out(Abroad(), orders)
    assert [order.key for order in fit] == ["k2000"]
    assert {result.key: result.outcome for result in refused} == {"k500": Outcome.FAILED, "k99999900": Outcome.FAILED}
    assert all(result.cure for result in refused)


def test_what_may_have_been_sent_is_asked_about_whatever_the_limit_is_by_now() -> None:
    order = SendOrder("k", new_id(), Money(5_00, "KES"), "Ann", {}, "r", again=True)
    assert limits.sort_out(Abroad(), [order]) == ([order], [])
