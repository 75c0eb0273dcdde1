"""Deliverables made through their services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.deliverables import service, submitting
from app.deliverables.models import Deliverable
from app.deliverables.rules import DeliverableForm
from app.deliverables.states import Content, DeliverableStatus
from app.identity.states import Portal
from app.payees.states import PayeeKind
from tests.factories import payees, people

S = DeliverableStatus
LINK = "https://video.example/autumn"
# The steps from the assignment to each status.
WAY: dict[DeliverableStatus, tuple[DeliverableStatus, ...]] = {
    S.ASSIGNED: (),
    S.IN_PROGRESS: (S.IN_PROGRESS,),
    S.SUBMITTED: (S.SUBMITTED,),
    S.REVISION_REQUESTED: (S.SUBMITTED, S.REVISION_REQUESTED),
    S.APPROVED: (S.SUBMITTED, S.APPROVED),
    S.CANCELLED: (S.CANCELLED,),
}


def creator(organization_id: UUID, name: str = "Amara Okafor", email: str = "amara@creator.test") -> Actor:
    """Somebody signed in for a creator of the organization."""
    return people.payee(payees.vendor(organization_id, name, kind=PayeeKind.CREATOR), email, Portal.CREATOR)


def form(fee: int | None = None, **more: Any) -> DeliverableForm:
    currency = more.pop("currency", "GBP")
    more = {"title": "Autumn reel", "content": Content.REEL, **more}
    return DeliverableForm(fee=None if fee is None else Money(fee, currency), **more)


def deliverable(
    organization_id: UUID, actor: Actor, status: DeliverableStatus = S.ASSIGNED, fee: int | None = None, **more: Any
) -> UUID:
    """A deliverable of the creator `actor`, brought to `status` step by step."""
    assert actor.payee_id is not None
    with unit_of_work(Scope.organization(organization_id)) as session:
        made = service.assign(session, operator(), organization_id, [actor.payee_id], form(fee, **more))[0].id
    for step in WAY[status]:
        if step in (S.APPROVED, S.REVISION_REQUESTED, S.CANCELLED):
            move(operator(), made, step, organization_id, text="Match the new green")
        elif step is S.SUBMITTED:
            submit(actor, made)
        else:
            move(actor, made, step)
    return made


def scope_of(actor: Actor, organization_id: UUID | None) -> Scope:
    if actor.payee_id is not None:
        return Scope.payee(actor.payee_id)
    assert organization_id is not None
    return Scope.organization(organization_id)


def move(
    actor: Actor, deliverable_id: UUID, to: DeliverableStatus, organization_id: UUID | None = None, **more: Any
) -> Deliverable:
    """In the scope of the actor: the creator's, or the organization's."""
    with unit_of_work(scope_of(actor, organization_id)) as session:
        return service.move(session, actor, deliverable_id, to, **more)


def submit(actor: Actor, deliverable_id: UUID, *links: str, **more: Any) -> Deliverable:
    with unit_of_work(scope_of(actor, None)) as session:
        return submitting.submit(session, actor, deliverable_id, links=links or (LINK,), **more)
