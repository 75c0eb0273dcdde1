"""Projects made through their service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees.states import PayeeKind
from app.projects import service
from app.projects.models import Project
from app.projects.rules import ProjectForm
from app.projects.states import ProjectStatus, RateKind
from tests.factories import payees, people

S = ProjectStatus
# The steps from the assignment to each status, with who makes them.
WAY: dict[ProjectStatus, tuple[ProjectStatus, ...]] = {
    S.PENDING_CONTRACTOR: (),
    S.DRAFT: (S.DRAFT,),
    S.IN_PROGRESS: (S.IN_PROGRESS,),
    S.SUBMITTED: (S.IN_PROGRESS, S.SUBMITTED),
    S.REVISION_REQUESTED: (S.IN_PROGRESS, S.SUBMITTED, S.REVISION_REQUESTED),
    S.APPROVED: (S.IN_PROGRESS, S.SUBMITTED, S.APPROVED),
}


def contractor(organization_id: UUID, name: str = "Tomas Rivera", email: str = "tomas@contractor.test") -> Actor:
    """Somebody signed in for a contractor of the organization."""
    return people.payee(payees.vendor(organization_id, name, kind=PayeeKind.CONTRACTOR), email, Portal.CONTRACTOR)


def form(payee_id: UUID, minor: int = 900_00, **more: Any) -> ProjectForm:
    more = {"title": "Loyalty email series", "rate_kind": RateKind.FIXED, **more}
    return ProjectForm(payee_id, rate=Money(minor, more.pop("currency", "GBP")), **more)


def project(
    organization_id: UUID, actor: Actor, minor: int = 900_00, status: ProjectStatus = S.PENDING_CONTRACTOR, **more: Any
) -> UUID:
    """A project of the contractor `actor`, brought to `status` step by step."""
    assert actor.payee_id is not None
    with unit_of_work(Scope.organization(organization_id)) as session:
        made = service.assign(session, operator(), organization_id, form(actor.payee_id, minor, **more))
    for step in WAY[status]:
        theirs = step in (S.APPROVED, S.REVISION_REQUESTED)
        move(operator() if theirs else actor, made.id, step, organization_id=organization_id, note="Change the green")
    return made.id


def move(
    actor: Actor, project_id: UUID, to: ProjectStatus, *, organization_id: UUID | None = None, **more: Any
) -> Project:
    """One step in a transaction of its own, as that side."""
    scope = Scope.payee(actor.payee_id) if actor.payee_id else Scope.organization(organization_id or UUID(int=0))
    with unit_of_work(scope) as session:
        return service.move(session, actor, project_id, to, **more)
