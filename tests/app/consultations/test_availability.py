"""Slots: inside the hours on the consultant's clock whatever the clock does, never on what is taken, none left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.consultations.availability import DAY_MINUTES, Hours, Range, checked, open_spans, slots
from app.core.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")  # 29 March 2026: 2:00 becomes 3:00; 25 October: 3:00 becomes 2:00
ZONES = [ZoneInfo(z) for z in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                               "America/Santiago", "Africa/Nairobi", "Pacific/Auckland")]  # fmt: skip
HALF = timedelta(minutes=30)


def _day(hours: Hours, day: date, **more: object) -> list[str]:
    """Starts on the consultant's clock."""
    given = {"length": HALF, "step": HALF, "busy": (), **more}
    starts = datetime(day.year, day.month, day.day, tzinfo=hours.zone)
    found = slots(hours, earliest=starts.astimezone(UTC), latest=starts.astimezone(UTC) + timedelta(hours=23), **given)  # type: ignore[arg-type]
    return [one.astimezone(hours.zone).strftime("%H:%M") for one in found if one.astimezone(hours.zone).date() == day]


def test_a_week_an_exception_and_a_day_away() -> None:
    monday = date(2026, 11, 23)
    hours = Hours(BERLIN, {0: [(540, 600), (840, 900)], 1: [(540, 600)]}, {monday + timedelta(7): [(600, 660)],
                  monday + timedelta(1): []})  # fmt: skip
    assert _day(hours, monday) == ["09:00", "09:30", "14:00", "14:30"]
    assert _day(hours, monday + timedelta(1)) == []
    assert _day(hours, monday + timedelta(2)) == []
    assert _day(hours, monday + timedelta(7)) == ["10:00", "10:30"]


def test_what_is_taken_is_not_offered() -> None:
    monday = date(2026, 11, 23)
    hours = Hours(BERLIN, {0: [(540, 660)]})
    taken = datetime(2026, 11, 23, 9, 45, tzinfo=BERLIN).astimezone(UTC)
    assert _day(hours, monday, busy=[(taken, taken + HALF)]) == ["09:00", "10:30"]
    touching = datetime(2026, 11, 23, 9, 30, tzinfo=BERLIN).astimezone(UTC)
    assert _day(hours, monday, busy=[(touching, touching + HALF)]) == ["09:00", "10:00", "10:30"]


@pytest.mark.parametrize(
    ("day", "ranges", "expected"),
    [
        (date(2026, 3, 29), [(60, 240)], ["01:00", "01:30", "03:00", "03:30"]),  # an hour is missing
        (date(2026, 3, 29), [(150, 240)], ["03:00", "03:30"]),  # begins in what is missing
        (date(2026, 3, 29), [(120, 180)], []),  # is missing
        (date(2026, 10, 25), [(120, 180)], ["02:00", "02:30"]),  # shown twice, offered once
        (date(2026, 10, 25), [(60, 150)], ["01:00", "01:30", "02:00"]),
        (date(2026, 10, 25), [(150, 240)], ["02:30", "03:00", "03:30"]),
    ],
)
def test_days_the_clock_changes(day: date, ranges: list[Range], expected: list[str]) -> None:
    assert _day(Hours(BERLIN, {}, {day: ranges}), day) == expected


def test_hours_over_midnight() -> None:
    hours = Hours(BERLIN, {0: [(1380, DAY_MINUTES)], 1: [(0, 60)]})
    starts = datetime(2026, 11, 23, 23, 45, tzinfo=BERLIN)
    found = slots(
        hours, earliest=starts - HALF, latest=starts + 4 * HALF, length=HALF, step=timedelta(minutes=15)
    )  # fmt: skip
    assert starts in found and found[-1] == starts + 1.5 * HALF  # the last one ends with the hours


def test_hours_are_checked() -> None:
    assert checked([(600, 660), (540, 600)]) == [(540, 660)]
    for wrong in (
        [(600, 600)],
        [(-1, 60)],
        [(0, 1441)],
        [(540, 620), (600, 660)],
        [(n * 100, n * 100 + 1) for n in range(9)],
    ):
        with pytest.raises(Invalid):
            checked(wrong)


_ranges = st.lists(st.tuples(st.integers(0, 95), st.integers(1, 24)), max_size=3).map(
    lambda found: _apart([(start * 15, min((start + length) * 15, DAY_MINUTES)) for start, length in found])
)


def _apart(ranges: list[Range]) -> list[Range]:
    kept: list[Range] = []
    for one in sorted(ranges):
        if not kept or one[0] >= kept[-1][1]:
            kept.append(one)
    return kept


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    weekly=st.dictionaries(st.integers(0, 6), _ranges, max_size=7),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 1)),
    length=st.sampled_from([15, 30, 60]),
    busy=st.lists(st.tuples(st.integers(0, 3 * 1440), st.integers(5, 200)), max_size=6),
)
def test_slots_hold_what_they_promise(
    zone: ZoneInfo, weekly: dict[int, list[Range]], first: date, length: int, busy: list[tuple[int, int]]
) -> None:
    hours = Hours(zone, weekly)
    earliest = datetime(first.year, first.month, first.day, 7, tzinfo=UTC)
    taken = [(earliest + timedelta(minutes=s), earliest + timedelta(minutes=s + n)) for s, n in busy]
    latest, long = earliest + timedelta(days=3), timedelta(minutes=length)
    found = slots(hours, earliest=earliest, latest=latest, length=long, step=timedelta(minutes=15), busy=taken)
    assert found == sorted(set(found))
    spans = open_spans(hours, first - timedelta(days=2), first + timedelta(days=5))
    for starts in found:
        assert earliest <= starts <= latest
        assert not any(start < starts + long and end > starts for start, end in taken)
        assert any(opens <= starts and starts + long <= closes for opens, closes in spans)
        for minute in range(length):
            wall = (starts + timedelta(minutes=minute)).astimezone(zone)
            assert any(s <= wall.hour * 60 + wall.minute < e for s, e in hours.of(wall.date()))
