from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Invalid
from app.core.money import Money
from app.core.settings import settings
from app.rails.base import Blame, Outcome, RailRejected
from app.rails.check import TRANSITIONS, CheckRail, CheckStatus, address_lines, settled_as
from app.rails.registry import RAILS, available, rail
from tests.rails.contract import MakeOrder, RailContract, assert_refusal

UK = {
    "payee_name": "Ashby Tree Surgeons Ltd",
    "address_1": "4 Mill Lane",
    "city": "Oxford",
    "postal_code": "ox1 1bx",
    "country": "uk",
}
US = {
    "payee_name": "Jo Bell",
    "address_1": "22 College Avenue",
    "address_2": "Apt 3",
    "city": "Burlington",
    "region": "VT",
    "postal_code": "05401",
    "country": "US",
}


class TestContract(RailContract):
    @pytest.fixture
    def rail(self) -> CheckRail:
        return CheckRail()

    @pytest.fixture(params=[UK, US], ids=["uk", "us"])
    def good(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return dict(request.param)

    @pytest.fixture(
        params=[
            ({**UK, "postal_code": "05401"}, "postal_code"),
            ({**UK, "postal_code": ""}, "postal_code"),
            ({**UK, "country": "XQ"}, "country"),
            ({**UK, "payee_name": "x" * 71}, "payee_name"),
            ({**US, "region": ""}, "region"),
            ({**US, "postal_code": "0540"}, "postal_code"),
        ]
    )
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        fields, name = request.param
        return dict(fields), name

    def test_what_cannot_be_printed_is_refused(self, rail: CheckRail, order: MakeOrder) -> None:
        for amount in (Money(0, "GBP"), Money(100, "JPY")):
            with pytest.raises(RailRejected):
                rail.send([order(amount=amount)])


def test_the_address_as_the_postman_reads_it() -> None:
    check = CheckRail()
    assert address_lines(check.validate(UK)) == ("4 Mill Lane", "Oxford, OX1 1BX", "UNITED KINGDOM")
    assert address_lines(check.validate(US)) == (
        "22 College Avenue",
        "Apt 3",
        "Burlington, VT 05401",
        "UNITED STATES",
    )


@pytest.mark.parametrize(
    ("status", "was_cleared", "outcome", "blame"),
    [
        (CheckStatus.PRINTED, False, Outcome.ACCEPTED, None),
        (CheckStatus.MAILED, False, Outcome.ACCEPTED, None),
        (CheckStatus.CLEARED, False, Outcome.PAID, None),
        (CheckStatus.VOID, False, Outcome.FAILED, Blame.PAYEE),
        (CheckStatus.STOPPED, False, Outcome.FAILED, Blame.PAYER),
        (CheckStatus.STOPPED, True, Outcome.RETURNED, Blame.PAYER),
    ],
)
def test_what_a_status_means_for_the_payout(
    status: CheckStatus, was_cleared: bool, outcome: Outcome, blame: Blame | None
) -> None:
    result = settled_as("k", status, "000123", was_cleared=was_cleared)
    assert (result.key, result.outcome, result.reference) == ("k", outcome, "000123")
    if blame is None:
        assert result.blame is None
    else:
        assert_refusal(result.blame, result.message, result.cure, blame)


def test_every_status_has_its_moves_and_the_last_ones_none() -> None:
    assert set(TRANSITIONS) == set(CheckStatus)
    assert not TRANSITIONS[CheckStatus.VOID] and not TRANSITIONS[CheckStatus.STOPPED]
    assert CheckStatus.VOID not in TRANSITIONS[CheckStatus.CLEARED]  # cashed is cashed


def _offered(monkeypatch: pytest.MonkeyPatch, mode: str, currency: str) -> list[str]:
    found = replace(settings(), mode=mode)
    monkeypatch.setattr("app.rails.access.settings", lambda: found)
    return [one.name for one in available(currency) if not one.needs]


def test_the_registry_offers_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name: one.name for name, one in RAILS.items()} == {name: name for name in RAILS}
    assert rail("check").name == "check"
    with pytest.raises(Invalid):
        rail("carrier_pigeon")
    assert _offered(monkeypatch, "sandbox", "GBP") == ["bank_file", "check", "simulated"]
    assert _offered(monkeypatch, "live", "GBP") == ["bank_file", "check"]
    assert _offered(monkeypatch, "live", "JPY") == ["bank_file"]
