"""Dates, and the order of day and month."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.errors import Invalid
from app.payables.importing.dates import choose_style, detect_style, read_date

DMY, MDY = choose_style("DD/MM/YYYY"), choose_style("mdy")
JULY_4 = date(2017, 7, 4)


@pytest.mark.parametrize(
    "text",
    [
        "04/07/2017",
        "4/7/2017",
        "4/7/17",
        "04-07-2017",
        "04.07.2017",
        "4. 7. 2017",
        "04 07 2017",
        "2017-07-04",
        "2017/07/04",
        "2017-7-4",
        "20170704",
        "04-Jul-2017",
        "04-JUL-17",
        "4 July 2017",
        "4th July 2017",
        "04Jul2017",
        "Jul 4, 2017",
        "July 4 2017",
        "July 4th, 2017",
        "2017-Jul-04",
        "Tue, 4 Jul 2017",
        "Tuesday 4 July 2017",
        "04/07/2017 00:00",
        "04/07/2017 00:00:00",
        "04/07/2017, 12:00:00 AM",
        "2017-07-04T00:00:00Z",
        "2017-07-04T09:30:15.123+01:00",
        " 04/07/2017 ",
    ],
)
def test_one_day_in_many_hands(text: str) -> None:
    assert read_date(text, DMY) == JULY_4


def test_the_american_order() -> None:
    assert read_date("07/04/2017", MDY) == JULY_4
    assert read_date("7/4/17 12:00:00 AM", MDY) == JULY_4
    assert read_date("2017-07-04", MDY) == JULY_4
    assert read_date("4 July 2017", MDY) == JULY_4


def test_two_digit_years() -> None:
    assert read_date("01/01/69", DMY).year == 2069
    assert read_date("01/01/70", DMY).year == 1970


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31/02/2017", "no day of the calendar"),
        ("13/13/2017", "no day of the calendar"),
        ("29/02/2017", "no day of the calendar"),
        ("00/01/2017", "no day of the calendar"),
        ("20171301", "no day of the calendar"),
        ("01/07/0017", "between 1970 and 2100"),
        ("2999-01-01", "between 1970 and 2100"),
        ("42948", "not a date written like DD/MM/YYYY"),
        ("1/7", "not a date"),
        ("01/07-2017", "not a date"),
        ("July 2017", "not a date"),
        ("4 Juillember 2017", "not a date"),
        ("tomorrow", "not a date"),
        ("٠٤/٠٧/٢٠١٧", "not a date"),
        ("x" * 5000, "not a date"),
    ],
)
def test_what_is_no_date(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_date(text, DMY)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("cells", "currency", "month_first", "label"),
    [
        (["01/07/2017", "18/07/2017"], "USD", False, "DD/MM/YYYY"),
        (["01/07/2017", "07/18/2017"], "GBP", True, "MM/DD/YYYY"),
        (["7-18-17"], "GBP", True, "MM-DD-YY"),
        (["18.07.2017"], "EUR", False, "DD.MM.YYYY"),
        (["2017-07-18"], "GBP", False, "YYYY-MM-DD"),
        (["20170718"], "GBP", False, "YYYYMMDD"),
        (["18-Jul-2017"], "GBP", False, "DD-Mon-YYYY"),
        (["July 18, 2017"], "USD", True, "Mon DD, YYYY"),
        ([], "GBP", False, "DD/MM/YYYY"),
        (["nonsense", ""], "GBP", False, "DD/MM/YYYY"),
    ],
)
def test_the_order_shows_in_the_column(cells: list[str], currency: str, month_first: bool, label: str) -> None:
    style = detect_style(cells, currency=currency)
    assert (style.month_first, style.label, style.note) == (month_first, label, "")


@pytest.mark.parametrize(
    ("cell", "currency", "month_first"),
    [("01/07/2017", "GBP", False), ("01/07/2017", "USD", True), ("01.07.2017", "USD", False)],
)
def test_an_order_nothing_tells_is_assumed_and_shown(cell: str, currency: str, month_first: bool) -> None:
    style = detect_style([cell], currency=currency)
    assert style.month_first is month_first
    assert "assumed" in style.fact()[1] and cell in style.fact()[1]


def test_both_orders_in_one_column() -> None:
    style = detect_style(["18/07/2017", "19/07/2017", "07/20/2017"], currency="GBP")
    assert not style.month_first and style.note == "1 dates the other way"


def test_only_two_orders_can_be_chosen() -> None:
    with pytest.raises(Invalid, match="not an order"):
        choose_style("YYYY")
