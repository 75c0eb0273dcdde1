from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import MAX_MINOR, Money
from app.core.words import amount_in_words, number_in_lakhs, number_in_words

_SMALL = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * tens for tens, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15}


def _read(words: str) -> int:
    """The other way round, as a bank clerk reads it."""
    total = group = 0
    for word in words.replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in _LARGE:
            total, group = total + group * _LARGE[word], 0
        else:
            group += _SMALL[word]
    return total + group


@given(st.one_of(st.integers(0, 2_000), st.integers(0, MAX_MINOR)))
def test_words_say_the_number(number: int) -> None:
    assert _read(number_in_words(number)) == number


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (123_450, "USD", "One thousand two hundred thirty-four US dollars and 50/100"),
        (100, "GBP", "One British pound and 00/100"),
        (5, "EUR", "Zero euros and 05/100"),
        (1_000_000, "JPY", "One million Japanese yen"),
        (21_015, "KWD", "Twenty-one Kuwaiti dinars and 015/1000"),
    ],
)
def test_amounts_as_a_check_spells_them(minor: int, currency: str, words: str) -> None:
    assert amount_in_words(Money(minor, currency)) == words


def test_less_than_nothing_cannot_be_spelled() -> None:
    with pytest.raises(ValueError, match="spelled"):
        amount_in_words(Money(-1, "USD"))


def _read_lakhs(words: str) -> int:
    if " crore" in words:
        crores, rest = words.rsplit(" crore", 1)
        return _read_lakhs(crores) * 10**7 + _read_lakhs(rest)
    lakhs, rest = words.split(" lakh") if " lakh" in words else ("", words)
    return _read(lakhs) * 10**5 + _read(rest)


@given(st.integers(0, 10**14))
def test_lakhs_and_crores_say_the_number(number: int) -> None:
    assert _read_lakhs(number_in_lakhs(number)) == number


def test_rupees_are_counted_in_lakh() -> None:
    assert amount_in_words(Money(12_34_567_50, "INR")) == (
        "Twelve lakh thirty-four thousand five hundred sixty-seven Indian rupees and 50/100"
    )
