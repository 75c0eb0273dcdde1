from __future__ import annotations

import json
from typing import Any

import pytest

from app.webhooks.rules import MASK, masked, masked_text
from tests.specs import needs, specs


def test_what_tells_of_a_person_is_gone_and_the_rest_stays() -> None:
    said = {
        "id": "evt_1",
        "amount": 1200,
        "status": "paid",
        "created": "2026-11-21T04:00:00Z",
        "recipient": {"anything": "here", "also": ["below", 5]},
        "data": {"full_name": "Jane Doe", "IBAN": "GB29NWBK60161331926819", "active": True, "none": None},
        "lines": [{"phone_number": 254700000000, "reference": "payout-0199-1"}],
    }
    assert masked(said) == {
        "id": "evt_1",
        "amount": 1200,
        "status": "paid",
        "created": "2026-11-21T04:00:00Z",
        "recipient": {"anything": MASK, "also": [MASK, MASK]},
        "data": {"full_name": MASK, "IBAN": MASK, "active": True, "none": None},
        "lines": [{"phone_number": MASK, "reference": "payout-0199-1"}],
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sent to jane.doe+x@mail.example.test today", f"sent to {MASK} today"),
        ("account 12345678 refused", f"account {MASK}5678 refused"),
        ("+254712345678", f"{MASK}5678"),
        ("call +254 712 345 678 or +1 (415) 555-0100", f"call {MASK}5678 or {MASK}0100"),
        ("paid to asha.k@okbank", f"paid to {MASK}"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", f"IBAN {MASK}6819"),
        ("IBAN DE89370400440532013000.", f"IBAN {MASK}3000."),
        (
            f"https://us.test/api/webhooks/mpesa-b2c/k/result/100/{'0a' * 20}",
            f"https://us.test/api/webhooks/mpesa-b2c/k/result/100/{MASK}",
        ),
        ("at 2026-11-21T04:00:00+05:30", "at 2026-11-21T04:00:00+05:30"),
        ("order 1234567", "order 1234567"),
        ("payout-01a1fc64-7220-76fd-883e-ff8829d66789-1", "payout-01a1fc64-7220-76fd-883e-ff8829d66789-1"),
    ],
)
def test_free_text_loses_addresses_and_long_numbers(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"Key": "PartyPublicName", "Value": "JOHN DOE"}, {"Key": "PartyPublicName", "Value": MASK}),
        ({"Key": "TransactionAmount", "Value": 10}, {"Key": "TransactionAmount", "Value": 10}),
        ({"PartyB": 254705912645, "Amount": 10}, {"PartyB": MASK, "Amount": 10}),
        ({"recipient_type": "EMAIL", "receiver": "x"}, {"recipient_type": "EMAIL", "receiver": MASK}),
        (
            {"fund_account": {"id": "fa_Fa6Rq1WwNrpMoK", "account_type": "vpa", "vpa": {"username": "asha_k12345678"}}},
            {"fund_account": {"id": "fa_Fa6Rq1WwNrpMoK", "account_type": "vpa", "vpa": {"username": MASK}}},
        ),
        ({"account": "acct_1PgafTB7WZ01zgkW"}, {"account": "acct_1PgafTB7WZ01zgkW"}),
        ({"account": "GB29 somewhere"}, {"account": MASK}),
        ({"client_secret": "pi_1PgafyB7WZ01zgkWSjxsAJo3"}, {"client_secret": MASK}),
        ({"billing": {"line1": "1 High St"}, "dob": {"day": 4}}, {"billing": {"line1": MASK}, "dob": {"day": MASK}}),
        ({"jane@example.test": {"n": 1}}, {MASK: {"n": 1}}),
        ({"velocity": "high", "script": "a", "tax": 162}, {"velocity": "high", "script": "a", "tax": 162}),
    ],
)  # fmt: skip
def test_fields_of_providers(said: Any, shown: Any) -> None:
    assert masked(said) == shown


def test_what_is_no_json_is_not_shown() -> None:
    assert masked_text(b"name=Jane") == ""
    assert masked_text(b"\xff\xfe") == ""
    assert masked_text(b"[" * 100_000) == ""


SAMPLES = {
    "paypal/webhooks": ("beamdaddy@paypal.com",),
    "mpesa/callbacks": ("JOHN DOE", "John Doe", "254705912645", "254708374149"),
    "razorpayx/webhooks": ("Gaurav Kumar", "1121431121541121", "HDFC0000053", "exampleupi", "00228130001287"),
    "stripe/webhooks": ("Jenny Rosen", "jenny.rosen@example.com", "site@stripe.com", "110000000", "4242"),
}


@needs(specs("paypal"))
@pytest.mark.parametrize("folder", SAMPLES)
def test_samples_of_providers_tell_of_nobody(folder: str) -> None:
    said = [json.loads(path.read_text()) for path in sorted(specs(folder).glob("*.json")) if "sign" not in path.name]
    raw, shown = json.dumps(said), json.dumps(masked(said), ensure_ascii=False)
    for secret in SAMPLES[folder]:
        assert secret in raw and secret not in shown, secret
