from __future__ import annotations

from datetime import date, datetime

import pytest

from app.rails.indian_transfers import LAKH, ZONE, Mode, banks_open, to_account, to_upi, working_day
from app.rails.razorpayx import more_holidays
from tests.stores import environment

OPEN, SHUT = "2026-11-23T11:00", "2026-11-23T19:00"  # a Monday
RUPEE = 100


@pytest.mark.parametrize(
    ("paise", "at", "avoid", "mode"),
    [
        (RUPEE, OPEN, (), Mode.IMPS),
        (RUPEE, SHUT, (), Mode.IMPS),
        (5 * LAKH, SHUT, (), Mode.IMPS),
        (5 * LAKH + 1, OPEN, (), Mode.RTGS),
        (5 * LAKH + 1, SHUT, (), Mode.NEFT),
        (500 * LAKH, OPEN, (), Mode.RTGS),
        (RUPEE, OPEN, (Mode.IMPS,), Mode.NEFT),
        (2 * LAKH - 1, OPEN, (Mode.IMPS,), Mode.NEFT),
        (2 * LAKH, OPEN, (Mode.IMPS,), Mode.RTGS),
        (2 * LAKH, SHUT, (Mode.IMPS,), Mode.NEFT),
        (2 * LAKH, SHUT, (Mode.IMPS, Mode.NEFT), Mode.RTGS),
        (RUPEE, OPEN, (Mode.IMPS, Mode.NEFT), Mode.NEFT),
        (6 * LAKH, OPEN, (Mode.NEFT,), Mode.RTGS),
        (6 * LAKH, OPEN, (Mode.RTGS,), Mode.NEFT),
    ],
)
def test_the_mode(paise: int, at: str, avoid: tuple[Mode, ...], mode: Mode) -> None:
    assert to_account(paise, datetime.fromisoformat(at).replace(tzinfo=ZONE), avoid=avoid) is mode


@pytest.mark.parametrize(("paise", "mode"), [(RUPEE, Mode.UPI), (LAKH, Mode.UPI), (LAKH + 1, None)])
def test_upi(paise: int, mode: Mode | None) -> None:
    assert to_upi(paise) is mode


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23T03:29+00:00", False), ("2026-11-23T03:30+00:00", True),  # nine in the morning there
        ("2026-11-23T11:59+00:00", True), ("2026-11-23T12:00+00:00", False),
        ("2026-11-22T11:00+05:30", False),  # Sunday
        ("2026-11-07T11:00+05:30", True), ("2026-11-14T11:00+05:30", False),  # first and second Saturday
        ("2026-11-21T11:00+05:30", True), ("2026-11-28T11:00+05:30", False),  # third and fourth
        ("2026-11-24T11:00+05:30", False), ("2030-10-02T11:00+05:30", False),  # holidays
        ("2026-11-23T20:00-05:00", False),  # Tuesday there, a holiday
    ],
)  # fmt: skip
def test_hours(at: str, is_open: bool) -> None:
    assert banks_open(datetime.fromisoformat(at)) is is_open


def test_a_deployment_adds_holidays() -> None:
    with environment(RAZORPAYX_HOLIDAYS="2027-03-22, soon,2027-10-29"):
        added = more_holidays()
    assert added == {date(2027, 3, 22), date(2027, 10, 29)}
    assert working_day(date(2027, 3, 22)) and not working_day(date(2027, 3, 22), added)
