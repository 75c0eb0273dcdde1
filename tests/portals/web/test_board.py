"""How many cards of each column a board shows at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.projects.states import Stage
from portals.shared.board import shares, version_of


@given(st.dictionaries(st.sampled_from(Stage), st.integers(0, 600)), st.integers(0, 80), st.integers(0, 10))
def test_columns_share_the_room(counts: dict[Stage, int], room: int, least: int) -> None:
    shown = shares(counts, room, least)
    assert all(min(counts[s], least) <= shown[s] <= counts[s] for s in counts)
    assert sum(shown.values()) <= max(room, 6 * least)
    if sum(counts.values()) >= max(room, 6 * least):
        assert sum(shown.values()) >= room


def test_a_version_is_a_small_number() -> None:
    assert [version_of(text) for text in ("12", 12, "²", "", None, "-1", "x", "1" * 40)] == [
        12,
        12,
        None,
        None,
        None,
        None,
        None,
        None,
    ]
