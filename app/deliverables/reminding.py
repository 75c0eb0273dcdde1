"""What the clock does to deliverables: the creator is told the day before one is due and when it is late, once each.

Days are those of the organization; reminders go out in its daytime.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text, update

from app.core.clock import utc_now
from app.core.scope import SYSTEM
from app.db.session import ScopedSession
from app.deliverables import letters, service
from app.deliverables.models import Deliverable

TOMORROW, OVERDUE = "tomorrow", "overdue"
_DUE = """SELECT d.id, CASE WHEN d.due_on < t.today THEN 'overdue' ELSE 'tomorrow' END AS what
FROM deliverables d
JOIN organizations o ON o.id = d.organization_id
JOIN engagements g ON g.organization_id = d.organization_id AND g.payee_id = d.payee_id AND g.status = 'active'
CROSS JOIN LATERAL (SELECT CAST(:now AT TIME ZONE o.time_zone AS date) AS today,
    extract(hour FROM :now AT TIME ZONE o.time_zone) AS hour) t
WHERE d.status IN ('assigned', 'in_progress', 'revision_requested') AND t.hour BETWEEN 8 AND 19
AND (d.due_on < t.today AND d.overdue_told_on IS DISTINCT FROM d.due_on
    OR d.due_on = t.today + 1 AND d.due_told_on IS DISTINCT FROM d.due_on)"""
_SLICE = text(f"{_DUE} AND (CAST(:after AS uuid) IS NULL OR d.id > :after) ORDER BY d.id LIMIT :limit")
_ONE = text(f"{_DUE} AND d.id = :id")


def due_ids(session: ScopedSession, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Deliverables whose creator has to be reminded now, in the order of their ids. Needs a platform scope."""
    return session.scalars(_SLICE, {"now": utc_now(), "after": after, "limit": limit}).all()


def remind(session: ScopedSession, deliverable_id: UUID) -> str:
    """Tell one creator; says of what: tomorrow, overdue or nothing. Running it again does nothing more."""
    found = service.locked(session, SYSTEM, deliverable_id)
    row = session.execute(_ONE, {"now": utc_now(), "id": deliverable_id}).one_or_none()
    if row is None or found.due_on is None:
        return ""
    told = "overdue_told_on" if row.what == OVERDUE else "due_told_on"
    # Not a change of the deliverable: whoever has it on screen still has its version.
    session.execute(
        update(Deliverable).where(Deliverable.id == deliverable_id).values({told: found.due_on}),
        execution_options={"synchronize_session": False},
    )
    news = "still waits for" if row.what == OVERDUE else "expects tomorrow"
    letters.to_creator(
        session, found, "deliverable_due", news, dedupe=f"deliverable:{found.id}:{row.what}:{found.due_on}"
    )  # fmt: skip
    return str(row.what)
