"""Reminding creators of what is due."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.deliverables import reminding

SLICE = 500


def remind() -> None:
    """One unit of work each: a fault in one leaves the others done."""
    last: UUID | None = None
    while True:
        with unit_of_work(Scope.platform("deliverables that are due")) as session:
            ids = reminding.due_ids(session, last, SLICE)
        for deliverable_id in ids:
            with unit_of_work(Scope.platform("remind of a deliverable")) as session:
                reminding.remind(session, deliverable_id)
        if len(ids) < SLICE:
            return
        last = ids[-1]
