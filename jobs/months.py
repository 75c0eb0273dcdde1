"""The runs of a month: found due by the calendar, and worked off in pieces."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Refusal
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.payouts import runs

_PLATFORM = Scope.platform("runs of a month")


def start_due() -> None:
    """Open a run for each month that is over and not calculated yet; the same hour twice opens none twice."""
    with unit_of_work(_PLATFORM) as session:
        found = runs.due(session)
    for one in found:
        with unit_of_work(_PLATFORM) as session:
            if runs.still_due(session, one):
                runs.start(session, SYSTEM, one.organization_id, one.span, due_on=one.due_on)


def work(run_id: str, organization_id: str) -> None:
    """A run, piece by piece: killed between two, it goes on where it was."""
    run, organization = UUID(run_id), UUID(organization_id)
    try:
        more = True
        while more:
            with unit_of_work(_PLATFORM) as session:
                more = runs.step(session, organization, run)
    except Refusal as refusal:
        with unit_of_work(_PLATFORM) as session:
            runs.fail(session, run, refusal.message)
