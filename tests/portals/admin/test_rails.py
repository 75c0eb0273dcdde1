"""The page of rails: how each stands, and what is missing by name."""

from __future__ import annotations

import pytest

from app.rails import registry
from app.rails.base import Limits, Need
from app.rails.simulated import SimulatedRail
from tests.portals.conftest import Browser


class Abroad(SimulatedRail):
    name, label, sandbox_only, hook = "abroad", "Abroad", False, "abroad-payouts"
    currencies, countries = frozenset({"KES"}), frozenset({"KE"})
    needs = (Need("MPESA_NOT_GIVEN"),)
    hosts = {"sandbox": "https://sandbox.abroad.test", "live": "https://abroad.test"}
    limits = {"KES": Limits(least=10_00, most=250_000_00)}


def test_every_rail_is_there_and_what_is_missing_is_named(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.RAILS, "abroad", Abroad())
    page = browser.get("/admin/rails").text
    assert all(rail.label in page for rail in registry.RAILS.values())
    assert "Missing: MPESA_NOT_GIVEN" in page
    assert "/api/webhooks/abroad-payouts" in page and "250,000.00" in page
    assert browser.post("/api/webhooks/abroad-payouts").status_code == 404  # nobody listens for a rail that is off


def test_nobody_else_sees_it(client: Browser) -> None:
    assert client.get("/admin/rails").status_code in (302, 303, 404)
