"""How a column of amounts is understood, and what one cell of it is worth."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.payables.importing.amounts import MAX_BILL_MINOR, choose_style, detect_style, read_amount

POINT, COMMA = choose_style("1,234.56"), choose_style("1.234,56")


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("198.35", 19835),
        ("500", 50000),
        ("6203.9", 620390),
        ("-71.58", -7158),
        ("1,234.56", 123456),
        ("1,234,567.80", 123456780),
        ("12,34,567.80", 123456780),
        ("1 234.56", 123456),
        ("1\u00a0234.56", 123456),
        ("1\u202f234.56", 123456),
        ("1'234.56", 123456),
        ("1’234.56", 123456),
        (".50", 50),
        ("5.", 500),
        ("0012.50", 1250),
        ("£12.50", 1250),
        ("£ 12.50", 1250),
        ("£.50", 50),
        ("-£12.50", -1250),
        ("£-12.50", -1250),
        ("£12.50-", -1250),
        ("12.50-", -1250),
        ("12.50 -", -1250),
        ("−12.50", -1250),
        ("–12.50", -1250),
        ("(12.50)", -1250),
        ("(£12.50)", -1250),
        ("£(12.50)", -1250),
        ("( 1,012.50 )", -101250),
        ("12.50 CR", -1250),
        ("12.50CR", -1250),
        ("12.50 cr.", -1250),
        ("CR 12.50", -1250),
        ("12.50 DR", 1250),
        ("12.50 C", -1250),
        ("+12.50", 1250),
        ("GBP 12.50", 1250),
        ("12.50 GBP", 1250),
        ("gbp12.50", 1250),
        ("12.5000", 1250),
        ("１２.５０", 1250),
        ("0", 0),
        ("0.00", 0),
    ],
)
def test_amounts_with_a_decimal_point(text: str, minor: int) -> None:
    assert read_amount(text, "GBP", POINT) == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1.234,56", 123456),
        ("1 234,56", 123456),
        ("1\u00a0234,56 €", 123456),
        ("1234,5", 123450),
        ("1'234,56", 123456),
        ("-1.234.567,80", -123456780),
        ("1.234", 123400),
        ("€ 12,50", 1250),
        ("EUR 12,50-", -1250),
    ],
)
def test_amounts_with_a_decimal_comma(text: str, minor: int) -> None:
    assert read_amount(text, "EUR", COMMA) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("$1,234.50", "USD", 123450),
        ("US$5.00", "USD", 500),
        ("Rs.500", "INR", 50000),
        ("₹1,00,000.00", "INR", 10000000),
        ("¥500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("KSh 1,000", "KES", 100000),
        ("500 kr", "SEK", 50000),
        ("500 zł", "PLN", 50000),
    ],
)
def test_other_currencies(text: str, currency: str, minor: int) -> None:
    assert read_amount(text, currency, POINT) == minor


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the amount is missing"),
        ("-", "the amount is missing"),
        ("–", "the amount is missing"),
        ("£ -", "the amount is missing"),
        ("£", "the amount is missing"),
        ("n/a", "the amount is missing"),
        ("12.345", "GBP has 2 decimal places"),
        ("198.35000000000002", "GBP has 2 decimal places"),
        ("12,50", "is not an amount written like 1,234.56"),
        ("1.234,56", "is not an amount written like 1,234.56"),
        ("1,23.50", "is not an amount"),
        ("1,2345", "is not an amount"),
        ("12 34", "is not an amount"),
        ("1.5E+05", "is not an amount"),
        ("1e5", "is not an amount"),
        ("twelve", "is not an amount"),
        ("12 abc 5", "is not an amount"),
        ("#REF!", "is not an amount"),
        ("#####", "is not an amount"),
        ("NaN", "is not an amount"),
        ("inf", "is not an amount"),
        (",", "is not an amount"),
        (".", "is not an amount"),
        ("()", "the amount is missing"),
        ("-(5.00)", "two minus signs"),
        ("--5.00", "two minus signs"),
        ("(5.00) CR", "two minus signs"),
        ("£5 USD", "is not an amount"),
        ("€5.00", "is not in GBP"),
        ("$5.00", "is not in GBP"),
        ("5.00 EUR", "is not in GBP"),
        ("٥", "is not an amount"),
        ("9" * 5000, "too large"),
        ("100000000000.01", "too large"),
    ],
)
def test_cells_that_are_no_amount(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_amount(text, "GBP", POINT)
    assert len(str(caught.value)) < 200


def test_the_largest_bill() -> None:
    assert read_amount("100000000000.00", "GBP", POINT) == MAX_BILL_MINOR


@pytest.mark.parametrize(
    ("cells", "decimal", "label"),
    [
        (["198.35", "500", "6203.9"], ".", "1,234.56"),
        (["1,234.50", "7"], ".", "1,234.56"),
        (["1,234,567", "7"], ".", "1,234.56"),
        (["1.234,50", "7"], ",", "1.234,56"),
        (["12,5", "7"], ",", "1.234,56"),
        (["1.234.567", "7"], ",", "1.234,56"),
        (["1 234,50"], ",", "1 234,56"),
        (["1'234.50"], ".", "1'234.56"),
        (["0,500"], ",", "1.234,56"),
        (["1234.567"], ".", "1,234.56"),
        (["500", "-3", "-", ""], ".", "1,234.56"),
        ([], ".", "1,234.56"),
        (["£1.234,00", "abc", "(2.000)"], ",", "1.234,56"),
    ],
)
def test_a_column_tells_how_it_is_written(cells: list[str], decimal: str, label: str) -> None:
    style = detect_style(cells, currency="GBP")
    assert (style.decimal, style.label, style.note, style.unsure) == (decimal, label, "", False)


def test_thousands_without_decimals_are_assumed_and_shown() -> None:
    style = detect_style(["1,234", "950"], currency="GBP")
    assert read_amount("1,234", "GBP", style) == 123400
    assert "1,234" in style.note
    continental = detect_style(["1.234", "950"], currency="EUR", comma_likely=True)
    assert read_amount("1.234", "EUR", continental) == 123400
    assert "assumed" in continental.fact()[1]


@pytest.mark.parametrize(
    ("cells", "comma_likely"), [(["1.234", "950"], False), (["1,234", "950"], True), (["1,234", "1.234"], False)]
)
def test_what_could_be_wrong_a_thousandfold_is_refused_until_chosen(cells: list[str], comma_likely: bool) -> None:
    style = detect_style(cells, currency="GBP", comma_likely=comma_likely)
    assert style.unsure and "choose" in style.note
    doubtful = next(cell for cell in cells if style.decimal in cell)
    with pytest.raises(ValueError, match="thousands or decimals"):
        read_amount(doubtful, "GBP", style)
    assert read_amount("950", "GBP", style) == 95000
    assert read_amount("1.234", "GBP", COMMA) == 123400


def test_three_decimals_are_normal_where_the_currency_has_them() -> None:
    style = detect_style(["1.234", "0.500"], currency="KWD")
    assert read_amount("1.234", "KWD", style) == 1234


def test_the_few_that_are_written_otherwise_are_errors() -> None:
    style = detect_style(["1.50", "2.50", "3,50"], currency="GBP")
    assert style.decimal == "." and style.note == "1 written otherwise"
    with pytest.raises(ValueError, match="not an amount written like"):
        read_amount("3,50", "GBP", style)


def test_a_style_is_chosen_by_example() -> None:
    assert choose_style("comma").decimal == "," and choose_style("1234.56").decimal == "."
    with pytest.raises(Invalid, match="not a way to write amounts"):
        choose_style("roman")
