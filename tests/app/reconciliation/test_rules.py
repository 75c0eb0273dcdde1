"""References as banks write them, and how old a line is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest

from app.db.types import new_id
from app.payouts.rules import send_key
from app.reconciliation import rules


@pytest.mark.parametrize("make", [send_key, lambda payout_id, number: f"payout-{payout_id}-{number}"])
def test_our_keys_are_found_however_the_bank_breaks_them(make: Callable[[UUID, int], str]) -> None:
    """Those of earlier payouts too."""
    for number in (1, 12):
        key = make(new_id(), number)
        for cut in (5, 20, 33):
            words = f"FACADE {key[:cut].upper()}\n{key[cut:]} thanks"
            assert rules.plain(key) in rules.tokens(words)


def test_words_with_digits_and_check_numbers_are_tokens() -> None:
    found = rules.tokens("Pay Q-1A2B3C4D to Ada", "chq no. 000123")
    assert {"Q1A2B3C4D", "CHECK:123"} <= set(found) and "ADA" not in found
    assert rules.tokens(check_number="00045") == ["CHECK:45"]
    assert len(rules.tokens(" ".join(f"word{n:05d}" for n in range(500)))) == rules.MOST_TOKENS


def test_alike_bookings_are_counted_and_files_agree() -> None:
    once = rules.dedupe_keys([("a", 1), ("a", 1), ("b", 1)])
    assert len(set(once)) == 3 and rules.dedupe_keys([("a", 1)]) == once[:1]


def test_ages_and_their_spans_say_the_same() -> None:
    now = date(2026, 11, 21)
    for days, label in ((0, "0–3"), (3, "0–3"), (4, "4–7"), (7, "4–7"), (8, "8–30"), (30, "8–30"), (31, "30+")):
        day = date.fromordinal(now.toordinal() - days)
        assert rules.age_of(day, now) == label
        first, last = rules.age_span(label, now)
        assert (first is None or first <= day) and (last is None or day <= last)
    assert rules.age_of(date(2026, 11, 22), now) == "0–3"


def test_months() -> None:
    assert rules.month_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert rules.month_start(date(2026, 2, 28)) == date(2026, 2, 1)


def test_the_proposer_does_not_decide() -> None:
    me, you = new_id(), new_id()
    assert rules.may_decide(me, "Anna", me, "Anna")
    assert rules.may_decide(me, "Anna", you, "Anna") is None
    assert rules.may_decide(None, "cli", None, "cli")
