"""How money travels between banks in India: IMPS, NEFT, RTGS and UPI, their limits and the hours banks keep.

IMPS and UPI work at any hour. NEFT and RTGS wait for the next working hour by themselves, so a closed bank is no
reason to hold a payout back; it only decides which of the two is quicker.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Kolkata")
LAKH = 100_000_00  # paise
IMPS_MOST = 5 * LAKH
UPI_MOST = 1 * LAKH
RTGS_LEAST = 2 * LAKH
OPENS, CLOSES = time(9), time(17, 30)
_SATURDAY, _SUNDAY = 5, 6

# The same day every year: month and day.
EVERY_YEAR = frozenset({(1, 26), (4, 1), (4, 14), (5, 1), (8, 15), (10, 2), (12, 25)})
# Those that move, as banks in Mumbai keep them; a deployment adds later years by RAZORPAYX_HOLIDAYS.
MOVING = frozenset(
    date.fromisoformat(day)
    for day in (
        "2026-03-03", "2026-03-19", "2026-04-03", "2026-05-28", "2026-06-26", "2026-08-26", "2026-09-14", "2026-10-20",
        "2026-11-10", "2026-11-24",
    )
)  # fmt: skip


class Mode(StrEnum):
    IMPS = "IMPS"
    NEFT = "NEFT"
    RTGS = "RTGS"
    UPI = "UPI"


def working_day(day: date, more_holidays: Collection[date] = ()) -> bool:
    """Monday to Friday and the first, third and fifth Saturday, without holidays."""
    if day.weekday() == _SUNDAY or (day.weekday() == _SATURDAY and 8 <= day.day <= 14):
        return False
    if day.weekday() == _SATURDAY and 22 <= day.day <= 28:
        return False
    return (day.month, day.day) not in EVERY_YEAR and day not in MOVING and day not in more_holidays


def banks_open(at: datetime, more_holidays: Collection[date] = ()) -> bool:
    """Whether banks work at that moment (aware). The last half hour is left to them."""
    there = at.astimezone(ZONE)
    return working_day(there.date(), more_holidays) and OPENS <= there.time() < CLOSES


def to_account(paise: int, at: datetime, *, avoid: Collection[Mode] = (), more_holidays: Collection[date] = ()) -> Mode:
    """The mode for an account: IMPS where it takes the amount, then RTGS while banks work, else NEFT.

    `avoid`: those that did not work for this account; NEFT is the last resort also then.
    """
    if paise <= IMPS_MOST and Mode.IMPS not in avoid:
        return Mode.IMPS
    rtgs = paise >= RTGS_LEAST and Mode.RTGS not in avoid
    if rtgs and (banks_open(at, more_holidays) or Mode.NEFT in avoid):
        return Mode.RTGS
    return Mode.NEFT


def to_upi(paise: int) -> Mode | None:
    """UPI, or None: no mode takes so much to a UPI address."""
    return Mode.UPI if paise <= UPI_MOST else None
