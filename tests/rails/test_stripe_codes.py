"""Every code of Stripe's lands in the class that fits it; the codes are those of the shared list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.rails.base import Blame
from app.rails.stripe_codes import PAYOUT, REQUEST, bounced, disabled, refusal, wanted
from tests.rails.contract import assert_refusal
from tests.rails.test_stripe_connect import SPECS

_FILE = SPECS / "codes.json"
CODES: dict[str, Any] = json.loads(_FILE.read_text()) if _FILE.exists() else {}
BLAME = {
    "payee_fix": Blame.PAYEE, "payer_fix": Blame.PAYER, "permanent": Blame.PERMANENT, "retry_new_key": Blame.RETRY,
}  # fmt: skip
needs_codes = pytest.mark.skipif(not CODES, reason="NO CODES: neither in $QUITTANCE_SPECS nor in ../shared/specs")


@needs_codes
@pytest.mark.parametrize("code", CODES.get("request_codes", ()))
def test_codes_of_refused_calls(code: str) -> None:
    wished = CODES["request_codes"][code]
    found = refusal(400, "invalid_request_error", code)
    if wished == "retry":
        assert found is None
        return
    assert found is not None
    assert_refusal(found.blame, found.message, found.cure, BLAME[wished])


@needs_codes
@pytest.mark.parametrize("code", CODES.get("payout_failure_codes", ()))
def test_codes_of_payouts_that_bounced(code: str) -> None:
    assert code in PAYOUT
    found = bounced(code)
    assert_refusal(found.blame, found.message, found.cure, BLAME[CODES["payout_failure_codes"][code]])


@needs_codes
@pytest.mark.parametrize("status", [int(one) for one in CODES.get("http", ()) if one.isdigit() and int(one) < 500])
def test_answers_that_decide_nothing(status: int) -> None:
    assert refusal(status, "api_error", "whatever") is None


def test_a_code_nobody_knows() -> None:
    found = refusal(400, "invalid_request_error", "brand_new")
    assert found is not None and found.blame is Blame.PERMANENT
    found = refusal(401, "invalid_request_error", "http_401")
    assert found is not None and found.blame is Blame.PAYER
    assert refusal(400, "idempotency_error", "idempotency_error") is None
    assert bounced("brand_new").blame is Blame.PAYEE
    assert all(reason.cure for reason in REQUEST.values())


def test_what_is_wanted_in_plain_words() -> None:
    names = ("external_account", "individual.first_name", "individual.last_name", "tos_acceptance.date", "odd.thing")
    said = wanted(names)
    assert said == ["A bank account to pay out to", "Your name and details", "Stripe’s terms, accepted", "More details"]
    assert disabled("") == "" and "overdue" in disabled("requirements.past_due")
    assert disabled("rejected.fraud") and disabled("brand_new")
