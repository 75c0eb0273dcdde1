"""How a consultant's work goes: who comes back, how long sessions are, what falls through, how it is rated.

Part of the premium plan: whoever shows it asks `entitlements` first. Numbers only, nothing of a single client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_HELD = "status IN ('completed', 'no_show_client')"


@dataclass(frozen=True, slots=True)
class Month:
    """By the month of the session; `rating` is of the reviews written in the month, None without any."""

    first: date
    held: int = 0
    cancelled_by_client: int = 0
    cancelled_by_you: int = 0
    client_absent: int = 0
    you_absent: int = 0
    rating: Decimal | None = None
    reviews: int = 0


@dataclass(frozen=True, slots=True)
class Analytics:
    """`clients` had a session in the time; `returning` of them had more than one, then or before.

    `lengths`: minutes and how many sessions, shortest first. `months`: oldest first.
    """

    clients: int
    returning: int
    lengths: Sequence[tuple[int, int]]
    months: Sequence[Month]

    @property
    def held(self) -> int:
        return sum(month.held for month in self.months)

    @property
    def returning_percent(self) -> int | None:
        return round(self.returning * 100 / self.clients) if self.clients else None


_CLIENTS = text(
    f"""SELECT count(*) AS clients, count(*) FILTER (WHERE sessions > 1) AS returning FROM (
        SELECT client_account_id, count(*) AS sessions, max(starts_at AT TIME ZONE :zone) AS newest
        FROM consultations WHERE payee_id = :payee_id AND {_HELD} GROUP BY client_account_id
    ) c WHERE newest >= :since"""
)
_LENGTHS = text(
    f"""SELECT CAST(extract(epoch FROM ends_at - starts_at) / 60 AS int) AS minutes, count(*) AS sessions
    FROM consultations WHERE payee_id = :payee_id AND {_HELD} AND starts_at AT TIME ZONE :zone >= :since
    GROUP BY 1 ORDER BY 1"""
)
_MONTHS = text(
    """SELECT CAST(date_trunc('month', starts_at AT TIME ZONE :zone) AS date) AS first,
        count(*) FILTER (WHERE status = 'completed') AS held,
        count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'client') AS cancelled_by_client,
        count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'consultant') AS cancelled_by_you,
        count(*) FILTER (WHERE status = 'no_show_client') AS client_absent,
        count(*) FILTER (WHERE status = 'no_show_consultant') AS you_absent
    FROM consultations WHERE payee_id = :payee_id AND starts_at AT TIME ZONE :zone >= :since GROUP BY 1"""
)
_RATINGS = text(
    """SELECT CAST(date_trunc('month', created_at AT TIME ZONE :zone) AS date) AS first, count(*) AS reviews,
        round(avg(rating), 1) AS rating
    FROM reviews WHERE payee_id = :payee_id AND hidden_at IS NULL AND created_at AT TIME ZONE :zone >= :since
    GROUP BY 1"""
)
_COUNTS = ("held", "cancelled_by_client", "cancelled_by_you", "client_absent", "you_absent")


def of_payee(session: Session, payee_id: UUID, steps: Sequence[date], zone: str) -> Analytics:
    """Over the months that begin with `steps`, where the reader is: four statements for any number of sessions."""
    asked = {"payee_id": payee_id, "since": steps[0], "zone": zone}
    clients = session.execute(_CLIENTS, asked).one()
    lengths = [(row.minutes, row.sessions) for row in session.execute(_LENGTHS, asked)]
    counted = {row.first: row for row in session.execute(_MONTHS, asked)}
    rated = {row.first: row for row in session.execute(_RATINGS, asked)}
    months = []
    for first in steps:
        counts = {name: getattr(counted[first], name) for name in _COUNTS} if first in counted else {}
        stars = {"rating": rated[first].rating, "reviews": rated[first].reviews} if first in rated else {}
        months.append(Month(first, **counts, **stars))
    return Analytics(clients.clients, clients.returning, lengths, months)
