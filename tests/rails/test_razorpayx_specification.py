"""What we send to RazorpayX is what its documentation allows, and every reason it names lands in its class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.core.money import Money
from app.rails import razorpayx_reasons
from app.rails.base import Blame, Outcome, RailUnavailable, SendOrder
from app.rails.http import Client, Reply
from app.rails.pacing import Pace
from app.rails.razorpayx import RazorpayX
from app.rails.razorpayx_wire import OUTCOMES, Refused, contact_name, narration, refused, result
from tests.fakes import prism
from tests.fakes.razorpayx import ENVIRONMENT
from tests.specs import missing, specs
from tests.stores import environment

SPEC = specs("razorpayx", "razorpayx.openapi.json")
CODES = specs("razorpayx", "codes.json")
BANK = {
    "kind": "bank_account", "account_holder": "Asha Kulkarni", "account_number": "50200012345678",
    "ifsc": "HDFC0000060",
}  # fmt: skip
UPI = {"kind": "vpa", "vpa": "asha.kulkarni@okhdfcbank"}
BLAMES = {
    "retry_new_key": Blame.RETRY, "payee_fix": Blame.PAYEE, "payer_fix": Blame.PAYER, "permanent": Blame.PERMANENT,
}  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prism.needed(SPEC)
    with prism.serving(SPEC, tmp_path_factory.mktemp("prism") / "log") as found:
        yield found


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Reply]:
    """Every answer as it came."""
    replies: list[Reply] = []
    read = Client._read

    def keep(self: Client, response: httpx.Response) -> Reply:
        replies.append(read(self, response))
        return replies[-1]

    monkeypatch.setattr(Client, "_read", keep)
    return replies


def _rail() -> RazorpayX:
    made = RazorpayX()
    made._pace = Pace(0)
    return made


def _order(destination: dict[str, str], minor: int, name: str, attempt: int = 1) -> SendOrder:
    payout = uuid4()
    reference = "Ødegård & Söner AB, Q-1A2B3C4D"
    return SendOrder(f"{payout.hex}-a{attempt}", payout, Money(minor, "INR"), name, destination, reference)


@pytest.mark.parametrize("destination", [BANK, UPI], ids=["bank", "upi"])
@pytest.mark.parametrize("minor", [100, 500_000_01])
@pytest.mark.parametrize("name", ["Ashby Tree Surgeons Ltd", "Li", "李", "“Ørsted” & Sønner <" + "x" * 80])
def test_each_call_of_sending(url: str, heard: list[Reply], destination: dict[str, str], minor: int, name: str) -> None:
    order = _order(destination, minor, name)
    with environment(**ENVIRONMENT, RAZORPAYX_URL=url):
        if destination is UPI and minor > 100_000_00:
            assert _rail().send([order])[0].code == "upi_limit"
            return
        with pytest.raises(RailUnavailable) as example:  # any payout is answered with the example's
            _rail().send([order])
    assert example.value.code == "other_payout"
    assert [reply.status for reply in heard] == [200, 200, 200]


def test_each_call_of_asking(url: str, heard: list[Reply]) -> None:
    key = _order(BANK, 100, "Asha").key
    with environment(**ENVIRONMENT, RAZORPAYX_URL=url):
        assert _rail().find(key) is None
        with pytest.raises(RailUnavailable):
            _rail().find(key, "pout_00000000000001")
        with pytest.raises(RailUnavailable):
            _rail().send([_order(BANK, 100, "Asha", attempt=2)])
    assert len(heard) == 6 and {reply.status for reply in heard} == {200}


@pytest.mark.parametrize(
    ("change", "header"),
    [({"amount": 99}, True), ({"narration": "Q-1A"}, True), ({"currency": "USD"}, True), ({"mode": "imps"}, True),
     ({}, False)],
)  # fmt: skip
def test_it_refuses_what_the_documentation_does_not_allow(url: str, change: dict[str, Any], header: bool) -> None:
    body = {
        "account_number": "1", "fund_account_id": "fa_1", "amount": 100, "currency": "INR", "mode": "IMPS",
        "purpose": "payout", **change,
    }  # fmt: skip
    headers = {"X-Payout-Idempotency": "abcd"} if header else {}
    answer = httpx.post(f"{url}/v1/payouts", json=body, headers=headers, auth=("k", "s"), trust_env=False)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("prefer", "blame"),
    [("code=400, example=input_validation_failed", Blame.PERMANENT), ("code=400, example=bad_amount", Blame.PERMANENT),
     ("code=400, example=insufficient_funds", Blame.PAYER), ("code=400, example=idempotency_missing", None),
     ("code=401", None), ("code=500", None)],
)  # fmt: skip
def test_its_own_refusals(url: str, prefer: str, blame: Blame | None) -> None:
    client = Client("RazorpayX", url, headers={"Authorization": "Basic azpz", "Prefer": prefer}, proxies=False)
    body = {
        "account_number": "1", "fund_account_id": "fa_1", "amount": 100, "currency": "INR", "mode": "IMPS",
        "purpose": "payout",
    }  # fmt: skip
    if blame is None:
        with pytest.raises(RailUnavailable):
            refused("k", client.post("/v1/payouts", body, headers={"X-Payout-Idempotency": "abcd"}))
        return
    found = refused("k", client.post("/v1/payouts", body, headers={"X-Payout-Idempotency": "abcd"}))
    assert (found.result.outcome, found.result.blame) == (Outcome.FAILED, blame)


def _codes() -> Any:
    return json.loads(CODES.read_text()) if CODES.exists() else None


REASONS = (
    sorted(_codes()["reversed_or_failed_reasons"].items())
    if CODES.exists()
    else [pytest.param("", "", marks=missing(CODES))]
)


@pytest.mark.parametrize(("reason", "kind"), REASONS)
@pytest.mark.parametrize("status", ["failed", "reversed"])
def test_every_reason_is_in_its_class(status: str, reason: str, kind: str) -> None:
    details = {"reason": reason, "description": "What the bank said", "source": "beneficiary_bank"}
    found = result("k", {"id": "pout_1", "reference_id": "k", "status": status, "status_details": details})
    assert (found.outcome, found.code) == (OUTCOMES[status], reason)
    assert found.blame is BLAMES[kind]
    assert found.message.endswith(".") and found.cure.endswith(".")
    assert "What the bank said" not in found.message


@pytest.mark.skipif(not CODES.exists(), reason=f"NO {CODES.name}")
def test_every_other_word_of_the_documentation_is_known() -> None:
    codes = _codes()
    assert set(codes["statuses"]) == set(OUTCOMES)
    for reason, kind in codes["api_error_reasons"].items():
        error = {"code": "BAD_REQUEST_ERROR", "description": "No", "reason": reason}
        if kind == "query_first":
            with pytest.raises(RailUnavailable):
                refused("k", Reply(400, {"error": error}, {}))
        else:
            assert refused("k", Reply(400, {"error": error}, {})).result.blame is BLAMES[kind]
    for status in ("processing", "queued", "pending"):
        for reason in codes["other_reasons"][status]:
            details = {"reason": reason, "description": "Wait"}
            found = result("k", {"id": "pout_1", "reference_id": "k", "status": status, "status_details": details})
            assert found.outcome is Outcome.ACCEPTED
            assert (found.code, found.message) in ((reason, razorpayx_reasons.WAITING.get(reason)), ("", ""))


def test_a_reason_nobody_told_us_of_is_quoted() -> None:
    details = {"reason": "beneficiary_on_holiday", "description": "The beneficiary is away."}
    found = result("k", {"id": "pout_1", "reference_id": "k", "status": "failed", "status_details": details})
    assert found.message == "RazorpayX did not pay it: The beneficiary is away."
    assert found.blame is Blame.PAYER


def test_texts_within_its_limits() -> None:
    assert contact_name("Li") == "Li (payee)" and contact_name("李") == "Payee"
    assert contact_name("“Ørsted” & Sønner") == "'Orsted' Sonner"
    assert narration("Ødegård & Söner AB, Q-1A2B3C4D") == "Q1A2B3C4D Odegard Soner AB"
    assert len(narration("Twenty letters long! Q-1A2B3C4D")) <= 30


def test_a_refusal_is_a_result() -> None:
    assert isinstance(refused("k", Reply(400, {"error": {"code": "BAD_REQUEST_ERROR"}}, {})), Refused)
