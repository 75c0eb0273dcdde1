from __future__ import annotations

import pytest

from app.webhooks.rules import MASK, masked


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
        ("order 1234567", "order 1234567"),
        ("payout-01a1fc64-7220-76fd-883e-ff8829d66789-1", "payout-01a1fc64-7220-76fd-883e-ff8829d66789-1"),
    ],
)
def test_free_text_loses_addresses_and_long_numbers(text: str, shown: str) -> None:
    assert masked(text) == shown
