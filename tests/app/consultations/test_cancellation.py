"""The 24 hours, to the second, and that moving is no way around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consultations.cancellation import Why, clock_after_move, is_early, on_cancel, on_no_show
from app.consultations.states import CancelledBy

START = datetime(2026, 12, 10, 15, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("by", "before", "refund", "why"),
    [
        (CancelledBy.CLIENT, DAY + timedelta(seconds=1), True, Why.EARLY),
        (CancelledBy.CLIENT, DAY, False, Why.LATE),
        (CancelledBy.CLIENT, DAY - timedelta(seconds=1), False, Why.LATE),
        (CancelledBy.CONSULTANT, timedelta(minutes=1), True, Why.BY_CONSULTANT),
        (CancelledBy.PLATFORM, timedelta(minutes=1), True, Why.BY_PLATFORM),
    ],
)
def test_who_gets_it_back(by: CancelledBy, before: timedelta, refund: bool, why: Why) -> None:
    decision = on_cancel(by, START - before, START)
    assert (decision.refund, decision.why) == (refund, why)
    assert ("everything back" in decision.why.sentence) is refund


def test_who_does_not_appear() -> None:
    assert on_no_show(CancelledBy.CONSULTANT).refund is True
    assert on_no_show(CancelledBy.CLIENT).refund is False
    with pytest.raises(ValueError, match="absent"):
        on_no_show(CancelledBy.PLATFORM)


def test_a_late_move_does_not_reset_the_clock() -> None:
    now = START - timedelta(hours=3)
    moved = clock_after_move(CancelledBy.CLIENT, now, START, START + timedelta(days=10))
    assert moved == START
    assert on_cancel(CancelledBy.CLIENT, now, moved).refund is False


def test_an_early_move_counts_to_the_new_start() -> None:
    now = START - timedelta(days=3)
    assert clock_after_move(CancelledBy.CLIENT, now, START, START + DAY) == START + DAY
    assert on_cancel(CancelledBy.CLIENT, START, START + timedelta(days=2)).refund is True


def test_who_is_moved_by_the_consultant_may_decline() -> None:
    now = START - timedelta(hours=3)
    new = START + timedelta(days=4)
    assert clock_after_move(CancelledBy.CONSULTANT, now, START, new) == new


@given(st.lists(st.tuples(st.integers(0, 60 * 24 * 20), st.integers(0, 60 * 24 * 40)), min_size=1, max_size=12))
def test_no_history_of_moves_frees_who_was_late_once(moves: list[tuple[int, int]]) -> None:
    """Minutes that pass before each move, and where it moves to (minutes from then)."""
    now, clock, was_late = START - timedelta(days=20), START, False
    for wait, ahead in moves:
        now += timedelta(minutes=wait)
        was_late = was_late or not is_early(now, clock)
        clock = clock_after_move(CancelledBy.CLIENT, now, clock, now + timedelta(minutes=ahead))
        if was_late:
            assert on_cancel(CancelledBy.CLIENT, now, clock).refund is False
