"""The quick way of writing amounts says what Babel says, for every currency and locale it is used for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.formats import _currency_format, format_money
from app.core.money import CURRENCIES, Money, exponent

LOCALES = ("en_US", "en_GB", "en_IN", "hi_IN", "de_DE", "de_CH", "fr_FR", "es_ES", "sv_SE", "ja_JP", "ar_EG", "sw_KE")


@given(
    st.sampled_from(LOCALES),
    st.sampled_from(sorted(CURRENCIES)),
    st.one_of(st.integers(0, 10**14), st.integers(0, 10**9).map(lambda n: n * 1000)),
    st.booleans(),
)
def test_the_same_text_as_babel(locale: str, currency: str, minor: int, whole: bool) -> None:
    round_sum = whole and minor % 10 ** exponent(currency) == 0
    style = _currency_format(locale, currency, 0 if round_sum else exponent(currency))
    assert format_money(Money(minor, currency), locale, drop_zeros=whole) == style.by_babel(minor, currency)


@pytest.mark.parametrize(("locale", "quick"), [("en_US", True), ("de_CH", True), ("en_IN", False), ("hi_IN", False)])
def test_groups_that_are_not_of_three_are_left_to_babel(locale: str, quick: bool) -> None:
    assert (_currency_format(locale, "INR", 2).around is not None) is quick
