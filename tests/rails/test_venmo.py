"""Venmo by PayPal's API."""

from __future__ import annotations

import pytest

from app.rails.base import Rail
from app.rails.venmo import VenmoRail
from tests.rails.paypal_contract import PayPalContract


class TestVenmo(PayPalContract):
    @pytest.fixture
    def rail(self) -> Rail:
        return VenmoRail()

    @pytest.fixture
    def good(self) -> dict[str, str]:
        return {"venmo": "@Jo-Example"}

    @pytest.fixture(params=["@jo", "0755 123 4567", "+44 7700 900123", "jo@", "jo example", "@" + "j" * 31])
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        return {"venmo": request.param}, "venmo"

    @pytest.mark.parametrize(
        ("typed", "kept", "sent"),
        [
            ("jo-example", "@jo-example", ("USER_HANDLE", "jo-example")),
            ("@Jo_Example", "@Jo_Example", ("USER_HANDLE", "Jo_Example")),
            ("(415) 555-0123", "+14155550123", ("PHONE", "4155550123")),
            ("+1 415.555.0123", "+14155550123", ("PHONE", "4155550123")),
            ("Jo@Example.test", "jo@example.test", ("EMAIL", "jo@example.test")),
        ],
    )
    def test_what_may_be_given(self, typed: str, kept: str, sent: tuple[str, str]) -> None:
        rail = VenmoRail()
        assert rail.validate({"venmo": typed}) == {"venmo": kept}
        assert rail.receiver({"venmo": kept}) == sent

    def test_it_pays_dollars_in_the_united_states_only(self, rail: Rail) -> None:
        assert (rail.currencies, rail.countries) == ({"USD"}, {"US"})
