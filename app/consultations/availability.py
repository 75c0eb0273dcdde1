"""When a consultant can be booked: weekly hours, days that are not as every week, what is taken. Pure, no clock.

Hours are minutes since midnight on the clock of the consultant's zone. A slot is offered only when every minute of it
is inside the hours on that clock, also on the days it is put forward or back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.core.errors import Invalid

DAY_MINUTES = 24 * 60
MOST_RANGES = 8  # of one day
_MINUTE = timedelta(minutes=1)

Range = tuple[int, int]  # [starts_minute, ends_minute)
Span = tuple[datetime, datetime]  # [start, end), aware


@dataclass(frozen=True, slots=True)
class Hours:
    """`weekly`: by weekday, 0 is Monday. `days`: what holds instead on one day; no ranges: away."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Range]] = field(default_factory=dict)
    days: Mapping[date, Sequence[Range]] = field(default_factory=dict)

    def of(self, day: date) -> Sequence[Range]:
        return self.days[day] if day in self.days else self.weekly.get(day.weekday(), ())


def checked(ranges: Iterable[Sequence[int]]) -> list[Range]:
    """The ranges of one day in order, touching ones joined. Raises Invalid for what is none or overlaps."""
    found: list[Range] = []
    for starts, ends in sorted((one[0], one[1]) for one in ranges):
        if not 0 <= starts < ends <= DAY_MINUTES:
            raise Invalid("Hours end after they start, within one day.")
        if found and starts < found[-1][1]:
            raise Invalid("These hours overlap. Write each time of the day once.")
        if found and starts == found[-1][1]:
            found[-1] = (found[-1][0], ends)
        else:
            found.append((starts, ends))
    if len(found) > MOST_RANGES:
        raise Invalid(f"A day has at most {MOST_RANGES} ranges of hours.")
    return found


def open_spans(hours: Hours, first: date, last: date) -> list[Span]:
    """The open times of the days `first` to `last` of the consultant's calendar, in UTC, touching ones joined."""
    found: list[Span] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for starts, ends in sorted(hours.of(day)):
            span = _span(day, starts, ends, hours.zone)
            if span is None:
                continue
            if found and span[0] <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], span[1]))
            else:
                found.append(span)
    return found


def slots(
    hours: Hours,
    *,
    earliest: datetime,
    latest: datetime,
    length: timedelta,
    step: timedelta,
    busy: Iterable[Span] = (),
) -> list[datetime]:
    """Starts of free slots from `earliest` to `latest` (both included), in UTC and in order.

    Slots begin with the hours and every `step` after; one that touches a busy span in its middle is not offered.
    """
    if earliest > latest:
        return []
    first = earliest.astimezone(hours.zone).date() - timedelta(days=1)  # hours of yesterday may run over midnight
    last = (latest + length).astimezone(hours.zone).date()
    taken = sorted(busy)
    found: list[datetime] = []
    for opens, closes in open_spans(hours, first, last):
        starts, next_busy = opens, 0
        while starts + length <= closes and starts <= latest:
            while next_busy < len(taken) and taken[next_busy][1] <= starts:
                next_busy += 1
            clashes = any(one[0] < starts + length and one[1] > starts for one in taken[next_busy:])
            if starts >= earliest and not clashes:
                found.append(starts)
            starts += step
    return found


def _span(day: date, starts: int, ends: int, zone: ZoneInfo) -> Span | None:
    """In UTC. A time the clock shows twice opens at the second showing and closes at the first, so that the hours keep
    their length and are never offered twice; one it never shows is the moment the clock jumps over it."""
    opens, closes = _moment(day, starts, zone, 1), _moment(day, ends, zone, 0)
    if opens >= closes:
        closes = _moment(day, ends, zone, 1)
    return (opens, closes) if opens < closes else None


def _moment(day: date, minute: int, zone: ZoneInfo, fold: int) -> datetime:
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return found
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # of a gap: before the jump, and after it
    high = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while high - low > _MINUTE:
        middle = low + _MINUTE * ((high - low) // _MINUTE // 2)
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high
