"""Typed amounts: what is clear is read, what could mean two sums is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import Money
from portals.web.amounts import Unreadable, read_amount

pytestmark = pytest.mark.usefixtures("in_request")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.50", "USD", 123450),
        ("1,234.50", "USD", 123450),
        ("1,234", "USD", 123400),
        ("12,34,567.80", "INR", 123456780),
        ("1 234,50", "EUR", 123450),
        ("1.234,50", "EUR", 123450),
        ("1'234.50", "CHF", 123450),
        ("1\u202f234\u00a0567", "EUR", 123456700),
        ("12,5", "EUR", 1250),
        (".5", "USD", 50),
        ("−250.00", "USD", -25000),
        ("1.234.567", "EUR", 123456700),
        ("1000", "JPY", 1000),
        ("1,000", "JPY", 1000),
        ("1.234", "KWD", 1234),
        ("0", "USD", 0),
        ("10.000000", "USD", 1000),
    ],
)
def test_clear_amounts(text: str, currency: str, minor: int) -> None:
    assert read_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "said"),
    [
        ("", "USD", "figures"),
        ("abc", "USD", "figures"),
        ("$5", "USD", "figures"),
        ("1e9", "USD", "figures"),
        ("5.", "USD", "figures"),
        ("--5", "USD", "figures"),
        ("١٢", "USD", "figures"),
        ("1.234", "USD", "2 decimals, this has 3"),
        ("1,2345", "USD", "not clear"),
        ("1,23,4", "USD", "not clear"),
        ("1.23.4", "USD", "not clear"),
        ("1,234", "KWD", "not clear"),
        ("12.34,56", "EUR", "not clear"),
        (",5", "USD", "not clear"),
        ("1.5", "JPY", "no decimals"),
        ("99999999999999999", "USD", "too large"),
    ],
)
def test_unclear_amounts_are_refused_with_the_reason(text: str, currency: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_amount(text, currency)


@given(minor=st.integers(-(10**14), 10**14), currency=st.sampled_from(["USD", "JPY", "INR", "EUR"]))
def test_what_we_write_is_read_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert read_amount(f"{money.major:,f}", currency) == money
    assert read_amount(money.plain(), currency) == money
