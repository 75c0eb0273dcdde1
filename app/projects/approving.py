"""What an approval owes: the earning at once, or nothing before the contractor's invoice."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.earnings import recording
from app.earnings.models import EarningKind
from app.earnings.rules import terms_end
from app.organizations.models import Organization
from app.payees.models import Engagement
from app.projects import rules
from app.projects.models import Project
from app.projects.states import ProjectStatus

NEXT = {
    False: "The amount is in your balance once the payment terms have passed.",
    True: "Send your invoice for it, and it is paid by its terms.",
}


def agree(session: ScopedSession, actor: Actor, project: Project) -> None:
    """Fix the price of a project just approved and, unless it waits for an invoice, record the earning.

    The caller has checked the permission and the step. The terms run from today where the organization is.
    """
    project.agreed_minor = rules.worth(project.rate_kind, project.rate_minor, project.worked_minutes)
    session.flush()
    if project.by_invoice:
        return
    zone, terms_days = session.execute(
        select(Organization.time_zone, Engagement.terms_days)
        .join(Engagement, Engagement.organization_id == Organization.id)
        .where(Organization.id == project.organization_id, Engagement.payee_id == project.payee_id)
    ).one()
    today = utc_now().astimezone(ZoneInfo(zone)).date()
    recording.record(
        session,
        actor,
        project.organization_id,
        project.payee_id,
        Money(project.agreed_minor, project.currency),
        kind=EarningKind.BILL,
        rule=f"project_{project.rate_kind.value}",
        source_kind="project",
        source_id=project.id,
        earned_on=today,
        description=project.title,
        reference=project.reference,
        available_at=terms_end(invoice_on=today, due_on=None, terms_days=terms_days, time_zone=zone),
    )


_CLOSED = text("SELECT status IN ('cancelled') FROM payment_requests WHERE id = :id")


def bill(session: ScopedSession, actor: Actor, project_id: UUID, request_id: UUID) -> None:
    """Tie the contractor's payment request to the approved project it is for.

    Raises Forbidden, NotFound, Conflict unless the project waits for an invoice.
    """
    actor.require(Permission.PROJECT_WORK)
    project = billable(session, actor, project_id)
    project.request_id = request_id
    session.flush()
    audit.timeline(
        session, actor, "project", project.id, project.status.value, from_state=project.status.value,
        note="The invoice was sent.", organization_id=project.organization_id, payee_id=project.payee_id,
    )  # fmt: skip


def billable(session: ScopedSession, actor: Actor, project_id: UUID) -> Project:
    """The approved project that waits for this contractor's invoice, locked. Raises NotFound, Conflict."""
    project = session.scalar(
        select(Project).where(Project.id == project_id).with_for_update().execution_options(populate_existing=True)
    )
    if project is None or actor.payee_id is None or project.payee_id != actor.payee_id:
        raise NotFound("There is no such project.")
    if project.status is not ProjectStatus.APPROVED:
        raise Conflict("An invoice can be sent once the project is approved.")
    if not project.by_invoice:
        raise Conflict("This project needs no invoice: its approval made it payable.")
    if project.request_id and not session.execute(_CLOSED, {"id": project.request_id}).scalar_one():
        raise Conflict("The invoice for this project was sent already.")
    return project
