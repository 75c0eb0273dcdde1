"""Prices shared: the numbers people were promised, and that nothing is ever lost or made."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.money import Money
from app.earnings import splits
from app.earnings.splits import ADVISOR, CONSULTANT, PROVIDER, Rates, Split, split, with_override

PRICES = st.integers(0, 10**12)


@st.composite
def rates(draw: st.DrawFn) -> Rates:
    platform = draw(st.integers(0, 10_000))
    organization = draw(st.integers(0, 10_000 - platform))
    return Rates(platform, organization, 10_000 - platform - organization, "any", 1)


def minors(parts: Split) -> tuple[int, int, int]:
    return parts.platform.minor, parts.organization.minor, parts.consultant.minor


@pytest.mark.parametrize(
    ("price", "rule", "parts"),
    [
        (Money(10_000_00, "INR"), PROVIDER, (1_000_00, 500_00, 8_500_00)),
        (Money(900, "USD"), ADVISOR, (270, 0, 630)),
        (Money(1900, "USD"), ADVISOR, (570, 0, 1330)),
        (Money(3500, "USD"), ADVISOR, (1050, 0, 2450)),
        (Money(120_00, "GBP"), CONSULTANT, (24_00, 0, 96_00)),
        (Money(10_000_00, "INR"), with_override(PROVIDER, 8_800), (1_000_00, 200_00, 8_800_00)),
        (Money(10_000_00, "INR"), with_override(PROVIDER, 9_000), (1_000_00, 0, 9_000_00)),
        (Money(0, "USD"), ADVISOR, (0, 0, 0)),
        (Money(5, "USD"), PROVIDER, (1, 0, 4)),  # 0.5 is rounded up, 0.25 down
        (Money(1, "USD"), Rates(5_000, 5_000, 0, "nothing", 1), (1, 0, 0)),
    ],
)
def test_known_splits(price: Money, rule: Rates, parts: tuple[int, int, int]) -> None:
    assert minors(split(price, rule)) == parts


@given(PRICES, rates())
def test_the_parts_are_the_price(price: int, rule: Rates) -> None:
    parts = minors(split(Money(price, "USD"), rule))
    assert sum(parts) == price and min(parts) >= 0
    for part, share in zip(parts, (rule.platform_bps, rule.organization_bps, rule.consultant_bps), strict=True):
        assert abs(part * 10_000 - price * share) <= 10_000  # never a whole unit away from the exact share


@given(PRICES, rates(), st.integers(-1, 10_001))
def test_an_override_moves_the_organizations_part_alone(price: int, rule: Rates, share: int) -> None:
    if not 0 <= share <= 10_000 - rule.platform_bps:
        with pytest.raises(Invalid) as refused:
            with_override(rule, share)
        assert "consultant_bps" in refused.value.fields
        return
    other = with_override(rule, share)
    assert (other.platform_bps, other.consultant_bps, other.override) == (rule.platform_bps, share, True)
    before, after = split(Money(price, "USD"), rule), split(Money(price, "USD"), other)
    assert before.platform == after.platform
    assert sum(minors(after)) == price


@given(PRICES, st.lists(st.integers(1, 10_000), min_size=1, max_size=8))
def test_collaborators_share_by_weight(amount: int, weights: list[int]) -> None:
    people = [(uuid4(), weight) for weight in weights]
    shares = splits.by_weight(Money(amount, "USD"), people)
    assert [payee_id for payee_id, _ in shares] == [payee_id for payee_id, _ in people]
    assert sum(share.minor for _, share in shares) == amount
    for (_, weight), (_, share) in zip(people, shares, strict=True):
        assert abs(share.minor * sum(weights) - amount * weight) < sum(weights)


def test_the_remainder_goes_to_the_largest_rest_then_to_the_first() -> None:
    first, second, third = UUID(int=1), UUID(int=2), UUID(int=3)
    shares = splits.by_weight(Money(100, "USD"), [(first, 1), (second, 1), (third, 1)])
    assert [share.minor for _, share in shares] == [34, 33, 33]


def test_what_is_no_rate() -> None:
    with pytest.raises(ValueError, match="add up"):
        Rates(1_000, 500, 8_000, "less", 1)
    with pytest.raises(ValueError, match="below zero"):
        split(Money(-1, "USD"), ADVISOR)


@pytest.mark.parametrize(("value", "text"), [(8500, "85 %"), (1250, "12.5 %"), (1, "0.01 %"), (10_000, "100 %")])
def test_rates_as_people_say_them(value: int, text: str) -> None:
    assert splits.percent(value) == text


@given(PRICES, rates(), st.integers(0, 10_000), st.lists(st.integers(1, 9_999), max_size=6))
def test_returns_take_from_everybody_and_never_more_than_there_is(
    price: int, rule: Rates, discount: int, steps: list[int]
) -> None:
    promotion = price * discount // 10_000
    paid, left = price - promotion, list(minors(split(Money(price, "USD"), rule)))
    for step in [*steps, 10_000]:
        amount = paid * step // 10_000
        back, parts = splits.taken_back(amount, paid_left=paid, promotion_left=promotion, parts_left=left)
        assert sum(parts) == amount + back and 0 <= back <= promotion
        for part, had in zip(parts, left, strict=True):
            assert 0 <= part <= had
            assert abs(part * sum(left) - had * (amount + back)) < max(1, sum(left))  # in proportion, to the unit
        paid, promotion = paid - amount, promotion - back
        left = [had - part for had, part in zip(left, parts, strict=True)]
    assert (paid, promotion, left) == (0, 0, [0, 0, 0])


def test_a_return_beyond_what_is_left() -> None:
    with pytest.raises(ValueError, match="more goes back"):
        splits.taken_back(11, paid_left=10, promotion_left=0, parts_left=[10])
    assert splits.taken_back(0, paid_left=0, promotion_left=900, parts_left=[270, 0, 630]) == (900, [270, 0, 630])
