"""Free times of a consultant as a page offers them: a week on the reader's calendar, each day with its times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.consultations import hours
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.db.session import ScopedSession

DAYS = 7


@dataclass(frozen=True, slots=True)
class Week:
    """`days`: each day with its starts, days without any left out. The neighbours are None where nothing can be."""

    first: date
    last: date
    days: list[tuple[date, list[datetime]]]
    earlier: date | None
    later: date | None


def week(
    session: ScopedSession, payee_id: UUID, minutes: int, zone: str, wanted: date | None, but: UUID | None = None
) -> Week:
    """The week from `wanted` on (today, unless it lies ahead); without `wanted` the first week that has a time."""
    here, now = ZoneInfo(zone), utc_now()
    today, end = now.astimezone(here).date(), (now + hours.HORIZON).astimezone(here).date()
    first = min(max(wanted or today, today), end)
    if wanted is None:
        latest = now + hours.HORIZON
        soonest = next(iter(hours.free(session, payee_id, minutes, earliest=now, latest=latest, but=but)), None)
        first = soonest.astimezone(here).date() if soonest else today
    last = first + timedelta(days=DAYS - 1)
    free = hours.free(
        session, payee_id, minutes, earliest=_midnight(first, here),
        latest=_midnight(last + timedelta(days=1), here) - timedelta(seconds=1), but=but,
    )  # fmt: skip
    days: dict[date, list[datetime]] = {}
    for one in free:
        days.setdefault(one.astimezone(here).date(), []).append(one)
    return Week(
        first, last, sorted(days.items()), max(today, first - timedelta(days=DAYS)) if first > today else None,
        last + timedelta(days=1) if last < end else None,
    )  # fmt: skip


def chosen(args: Mapping[str, str], name: str = "starts_at") -> datetime:
    """The moment a form or a program sends, with its zone. Raises Invalid naming the field."""
    try:
        found = datetime.fromisoformat(args.get(name, ""))
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(_("Choose a time."), fields={name: _("Choose one of the times.")}) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
