"""Deliverables of the demo's creator, one in each lane."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.deliverables import service, submitting
from app.deliverables.rules import DeliverableForm
from app.deliverables.states import Content, DeliverableStatus

S = DeliverableStatus
C = Content
# (title, kind, fee in cents or none, days until it is due, the steps it has gone)
DELIVERABLES: tuple[tuple[str, Content, int | None, int, tuple[DeliverableStatus, ...]], ...] = (
    ("Holiday gift guide post", C.POST, 350_00, 12, ()),
    ("Studio tour, part two", C.VIDEO, 900_00, 5, (S.IN_PROGRESS,)),
    ("Unboxing story", C.STORY, None, 1, (S.IN_PROGRESS,)),
    ("Winter collection reel", C.REEL, 600_00, 2, (S.SUBMITTED,)),
    ("How it is printed", C.BLOG, 450_00, 4, (S.SUBMITTED, S.REVISION_REQUESTED)),
    ("Autumn lookbook reel", C.REEL, 600_00, -6, (S.SUBMITTED, S.APPROVED)),
)


def load(session: ScopedSession, organization_id: UUID, owner: Actor, creator: Actor) -> None:
    assert creator.payee_id is not None
    for title, content, fee, days, way in DELIVERABLES:
        form = DeliverableForm(
            title, content, "Daylight, no filters; show the logo once. The product shots are in the shared folder.",
            today() + timedelta(days=days), Money(fee, "USD") if fee else None,
        )  # fmt: skip
        made = service.assign(session, owner, organization_id, [creator.payee_id], form)[0]
        for step in way:
            _step(session, owner, creator, made.id, step)


def _step(session: ScopedSession, owner: Actor, creator: Actor, deliverable_id: UUID, step: DeliverableStatus) -> None:
    if step is S.SUBMITTED:
        link = f"https://video.example/{deliverable_id.hex[-6:]}"
        submitting.submit(session, creator, deliverable_id, links=[link], note="First cut, sound is final.")
    elif step is S.IN_PROGRESS:
        service.start(session, creator, deliverable_id)
    elif step is S.REVISION_REQUESTED:
        service.request_revision(session, owner, deliverable_id, "Please name the paper in the second paragraph.")
    else:
        service.approve(session, owner, deliverable_id, published_url="https://social.example/p/autumn-lookbook")
