"""Bars drawn by the server: they fit, they add up, they say the same as their table."""

from __future__ import annotations

import pytest

from portals.web.charts import BASE_Y, TOP_Y, bar_chart, nice_ceiling

pytestmark = pytest.mark.usefixtures("in_request")


def chart(columns: list[tuple[str, list[int]]]) -> object:
    return bar_chart("Paid", "Week", ["Ann", "Bo"], columns, currency="USD", summary="Rising.")


@pytest.mark.parametrize(
    ("value", "top"),
    [(1, 3), (3, 3), (4, 6), (7, 12), (13, 15), (16, 30), (864, 1200), (1300, 1500), (99_999, 120_000)],
)
def test_the_scale_ends_at_a_round_figure_in_thirds(value: int, top: int) -> None:
    assert nice_ceiling(value) == top
    assert top % 3 == 0


def test_bars_stand_on_the_line_and_stay_below_the_highest_tick() -> None:
    drawn = chart([("Nov 2", [10_000, 20_000]), ("Nov 9", [0, 5_000]), ("Nov 16", [0, 0])])
    first = drawn.columns[0].blocks
    assert first[0].y + first[0].height == pytest.approx(BASE_Y, abs=0.2)
    assert first[1].y + first[1].height < first[0].y, "a gap tells the blocks apart"
    assert min(block.y for column in drawn.columns for block in column.blocks) >= TOP_Y
    assert [tick.text for tick in drawn.ticks] == ["$0", "$100", "$200", "$300"]
    assert [block.series for block in drawn.columns[1].blocks] == [2]
    assert drawn.columns[2].blocks == ()


def test_the_table_says_what_the_bars_show() -> None:
    drawn = chart([("Nov 2", [10_000, 20_050])])
    column = drawn.columns[0]
    assert (column.cells, column.total) == (("$100.00", "$200.50"), "$300.50")
    assert column.tooltip == "Nov 2: $300.50\nAnn $100.00\nBo $200.50"


def test_a_wrong_shape_is_refused_and_nothing_to_draw_is_fine() -> None:
    with pytest.raises(ValueError, match="series"):
        chart([("Nov 2", [1])])
    assert chart([]).columns == ()
