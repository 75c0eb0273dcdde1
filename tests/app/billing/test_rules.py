"""What packs cost and what their credits are worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import rules
from app.core.errors import Invalid
from app.core.money import Money


@pytest.mark.parametrize(("number", "minor"), [(5, 95_00), (10, 180_50), (25, 427_50)])
def test_volume_prices(number: int, minor: int) -> None:
    assert rules.price_of(Money(19_00, "USD"), rules.size_of(number)) == Money(minor, "USD")


@pytest.mark.parametrize("number", [0, 1, -5, 7, 1000])
def test_only_sizes_of_the_list(number: int) -> None:
    with pytest.raises(Invalid):
        rules.size_of(number)


def test_a_price_that_cannot_be_divided_has_no_packs() -> None:
    with pytest.raises(Invalid, match="no packs"):
        rules.price_of(Money(1, "USD"), rules.size_of(25))
    with pytest.raises(Invalid, match="no packs"):
        rules.price_of(Money(0, "USD"), rules.size_of(5))


@given(st.integers(25, 10**9), st.sampled_from(rules.SIZES))
def test_credits_are_worth_their_pack_to_the_cent(minor: int, size: rules.Size) -> None:
    price = Money(minor, "USD")
    values = [rules.value_of(price, size.credits, k + 1).minor for k in range(size.credits)]
    assert sum(values) == minor
    assert values == sorted(values, reverse=True) and max(values) - min(values) <= 1
    assert values == [minor // size.credits + (k < minor % size.credits) for k in range(size.credits)]  # as SQL does


@given(st.dictionaries(st.integers(1, 25), st.integers(100, 101)), st.integers(0, 3_000))
def test_never_more_is_taken_out_than_went_back(values: dict[int, int], amount: int) -> None:
    taken = rules.worth_withdrawing(values, amount)
    worth = sum(values[ordinal] for ordinal in taken)
    assert worth <= amount and len(set(taken)) == len(taken) and set(taken) <= set(values)
    assert all(worth + values[left] > amount for left in set(values) - set(taken))
