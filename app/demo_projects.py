"""Projects of the demo's contractor, one in each column that is a person's."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.projects import hours, service
from app.projects.rules import ProjectForm
from app.projects.states import ProjectStatus, RateKind

S = ProjectStatus
# (title, cents, days until it is due, by the hour, the contractor's and the organization's steps)
PROJECTS: tuple[tuple[str, int, int, bool, tuple[ProjectStatus, ...]], ...] = (
    ("Spring lookbook shot list", 900_00, 17, False, ()),
    ("Packaging icons, 12 pieces", 650_00, 24, False, (S.DRAFT,)),
    ("Loyalty email series", 1_450_00, 3, False, (S.IN_PROGRESS,)),
    ("Store signage, production support", 85_00, 9, True, (S.IN_PROGRESS,)),
    ("Landing page illustrations", 2_400_00, 1, False, (S.IN_PROGRESS, S.SUBMITTED)),
    ("Product page banners", 780_00, 1, False, (S.IN_PROGRESS, S.SUBMITTED, S.REVISION_REQUESTED)),
    ("Unboxing insert", 540_00, 2, False, (S.IN_PROGRESS, S.SUBMITTED, S.APPROVED)),
)


def load(session: ScopedSession, organization_id: UUID, owner: Actor, contractor: Actor) -> None:
    assert contractor.payee_id is not None
    for title, minor, days, hourly, way in PROJECTS:
        form = ProjectForm(
            contractor.payee_id, title, Money(minor, "USD"), RateKind.HOURLY if hourly else RateKind.FIXED,
            "Files and measures are in the shared folder; ask in the comments.", today() + timedelta(days=days),
        )  # fmt: skip
        made = service.assign(session, owner, organization_id, form)
        for step in way:
            theirs = step in (S.APPROVED, S.REVISION_REQUESTED)
            note = "Swap the hero crop and match the new green." if step is S.REVISION_REQUESTED else ""
            service.move(session, owner if theirs else contractor, made.id, step, note=note)
        if hourly:
            hours.log(session, contractor, made.id, worked_on=today(), minutes=150, note="Site visit, measures")
