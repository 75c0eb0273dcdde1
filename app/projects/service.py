"""Projects: assigned and edited by the organization, moved by either side. The approval's money is in `approving`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.scope import Actor, Permission
from app.db import numbering
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations.models import Organization
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus, PayeeKind, ProjectBilling
from app.projects import approving, letters, rules
from app.projects.models import Project, ProjectComment
from app.projects.rules import ProjectForm
from app.projects.states import OPEN, STAGE_OF, Mover, ProjectStatus, RateKind

SUBJECT = "project"
S = ProjectStatus


class Moved(Conflict):
    """The project is not as `actor` saw it; `found` is where it stands now."""

    def __init__(self, project: Project, actor: Actor) -> None:
        what, column = f"“{project.title}”", STAGE_OF[project.status].label
        if project.cancelled_at is not None:
            says = f"{what} was cancelled in the meantime by {project.moved_by}."
        elif project.moved_by == actor.label:  # in another window, or the other side edited it
            says = f"{what} was changed in the meantime and is in {column} now. Look at it again first."
        else:
            says = f"{project.moved_by} was faster: {what} is in {column} now. Look at it again first."
        super().__init__(says)
        self.found = project.status


def assign(session: ScopedSession, actor: Actor, organization_id: UUID, form: ProjectForm) -> Project:
    """A new project for a contractor of the organization, who is told. Raises Forbidden, Invalid, Conflict."""
    _require_manager(actor, organization_id)
    form = form.cleaned()
    rules.check_form(form)
    rules.check_due(form.due_on, today())
    engagement = _engagement(session, organization_id, form.payee_id)
    number = numbering.take(session, organization_id, "projects", 0)
    project = Project(
        id=new_id(),
        organization_id=organization_id,
        payee_id=form.payee_id,
        reference=f"PRJ-{number:04d}",
        status=S.PENDING_CONTRACTOR,
        by_invoice=engagement.project_billing is ProjectBilling.INVOICE if form.by_invoice is None else form.by_invoice,
        worked_minutes=0,
        moved_at=utc_now(),
        moved_by=actor.label,
        created_at=utc_now(),
    )
    _fill(project, form)
    session.add(project)
    session.flush()
    _note(session, actor, project, None, "Assigned.", action="assigned")
    letters.to_contractor(session, project, "has a project for you")
    return project


def edit(
    session: ScopedSession, actor: Actor, organization_id: UUID, project_id: UUID, form: ProjectForm,
    *, version: int | None = None,
) -> Project:  # fmt: skip
    """Change what was written until the project is approved; the contractor stays the same, by_invoice None keeps it.

    Raises Forbidden, NotFound, Invalid (also for a rate below what was taken on), Conflict.
    """
    _require_manager(actor, organization_id)
    project = locked(session, actor, project_id)
    _refuse_other_version(project, actor, version)
    _refuse_closed(project)
    form = form.cleaned()
    rules.check_form(form)
    rules.check_due(form.due_on, today(), project.due_on)
    if form.payee_id != project.payee_id:
        raise Invalid("A project stays with its contractor.", fields={"payee": "Cancel it and assign a new one."})
    rules.check_change(project.status, project.rate_kind, project.rate, form)
    _fill(project, form)
    if form.by_invoice is not None:
        project.by_invoice = form.by_invoice
    _note(session, actor, project, project.status, "The project was edited.", action="edited")
    return project


def move(
    session: ScopedSession, actor: Actor, project_id: UUID, to: ProjectStatus, *, version: int | None = None,
    note: str = "",
) -> Project:  # fmt: skip
    """Put a project where this actor may: contractors work and submit, the organization approves or asks for changes.

    `version` is what the mover saw. Whoever finds it there already has lost nothing. Raises Forbidden, NotFound,
    Moved when somebody else was faster, InvalidTransition with the reason, Invalid for a revision without a comment.
    """
    mover = mover_of(actor)
    actor.require(Permission.PROJECT_WORK if mover is Mover.CONTRACTOR else Permission.PROJECT_MANAGE)
    project = locked(session, actor, project_id)
    if project.status is to and version != project.version:
        return project
    _refuse_other_version(project, actor, version)
    if project.cancelled_at is not None:
        raise Conflict("This project was cancelled.")
    if to not in rules.moves(mover, project.status):
        refusal = InvalidTransition("project", project.status, to)
        refusal.message = rules.why_not(mover, project.status, to, _organization_name(session, project))
        raise refusal
    note = " ".join(note.split())
    if to is S.REVISION_REQUESTED:
        note = _comment_text(note, "Say what to change: the contractor reads it.")
        add_comment(session, actor, project, note)
        project.revision_note = note
    if to is S.SUBMITTED and project.rate_kind is RateKind.HOURLY and not project.worked_minutes:
        raise Invalid("Log your hours before you submit: this project is paid by the hour.")
    before = project.status
    project.advance(mover, to)
    project.moved_at, project.moved_by = utc_now(), actor.label
    if to is S.APPROVED:
        approving.agree(session, actor, project)
    _note(session, actor, project, before, note or None, action=to.value)
    _tell(session, project, to, note)
    return project


def approve(session: ScopedSession, actor: Actor, project_id: UUID, *, version: int | None = None) -> Project:
    """The work is done: its price is owed, or waits for the contractor's invoice. Raises as `move`."""
    return move(session, actor, project_id, S.APPROVED, version=version)


def request_revision(
    session: ScopedSession, actor: Actor, project_id: UUID, note: str, *, version: int | None = None
) -> Project:
    """Give submitted work back with a comment. Raises as `move`."""
    return move(session, actor, project_id, S.REVISION_REQUESTED, version=version, note=note)


def cancel(
    session: ScopedSession, actor: Actor, project_id: UUID, reason: str, *, version: int | None = None
) -> Project:
    """Give up a project that is not approved: the organization any of them, a contractor one not taken on yet.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict.
    """
    mover = mover_of(actor)
    actor.require(Permission.PROJECT_WORK if mover is Mover.CONTRACTOR else Permission.PROJECT_MANAGE)
    reason = _comment_text(reason, "Say why: the other side reads it.", field="reason")
    project = locked(session, actor, project_id)
    _refuse_other_version(project, actor, version)
    _refuse_closed(project)
    declined = mover is Mover.CONTRACTOR
    if declined and project.status is not S.PENDING_CONTRACTOR:
        raise Conflict("You took this project on. Ask the organization to cancel it.")
    project.cancelled_at = project.moved_at = utc_now()
    project.moved_by = actor.label
    session.flush()
    audit.timeline(
        session, actor, SUBJECT, project.id, "cancelled", from_state=project.status.value, note=reason,
        organization_id=project.organization_id, payee_id=project.payee_id,
    )  # fmt: skip
    action = "declined" if declined else "cancelled"
    audit.record(
        session, actor, f"project.{action}", SUBJECT, project.id, organization_id=project.organization_id,
        reference=project.reference, reason=reason,
    )  # fmt: skip
    if declined:
        letters.to_organization(session, project, f"{actor.label} declined", reason)
    else:
        letters.to_contractor(session, project, "cancelled", reason)
    return project


def comment(session: ScopedSession, actor: Actor, project_id: UUID, text: str) -> ProjectComment:
    """A remark both sides read; the other side is told. Raises Forbidden, NotFound, Invalid."""
    mover = mover_of(actor)
    actor.require(Permission.PROJECT_WORK if mover is Mover.CONTRACTOR else Permission.PROJECT_MANAGE)
    text = _comment_text(text, "Write something first.", field="text")
    project = locked(session, actor, project_id)
    made = add_comment(session, actor, project, text)
    if mover is Mover.CONTRACTOR:
        letters.to_organization(session, project, f"{actor.label} commented on", text)
    else:
        letters.to_contractor(session, project, "commented on", text)
    return made


def add_comment(session: ScopedSession, actor: Actor, project: Project, text: str) -> ProjectComment:
    made = ProjectComment(
        organization_id=project.organization_id,
        payee_id=project.payee_id,
        project_id=project.id,
        author=actor.label,
        of_contractor=mover_of(actor) is Mover.CONTRACTOR,
        text=text,
        created_at=utc_now(),
    )
    session.add(made)
    session.flush()
    return made


def mover_of(actor: Actor) -> Mover:
    return Mover.CONTRACTOR if actor.payee_id is not None else Mover.ORGANIZATION


def locked(session: ScopedSession, actor: Actor, project_id: UUID) -> Project:
    """The project, read anew under its lock. Raises NotFound outside the actor's reach."""
    project = session.scalar(
        select(Project)
        .where(Project.id == project_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if project is None or actor.payee_id not in (None, project.payee_id):
        raise NotFound("There is no such project.")
    if actor.organization_id not in (None, project.organization_id):
        raise NotFound("There is no such project.")
    return project


def _require_manager(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.PROJECT_MANAGE)
    actor.require_organization(organization_id)
    if actor.payee_id is not None:
        raise Forbidden("Only the organization writes projects.")


def _refuse_other_version(project: Project, actor: Actor, version: int | None) -> None:
    if version is not None and project.version != version:
        raise Moved(project, actor)


def _refuse_closed(project: Project) -> None:
    if project.cancelled_at is not None:
        raise Conflict("This project was cancelled.")
    if project.status not in OPEN:
        raise Conflict("This project is approved and cannot be changed any more.")


def _comment_text(text: str, missing: str, *, field: str = "note") -> str:
    cleaned = text.strip()
    if not cleaned:
        raise Invalid(missing, fields={field: missing})
    if len(cleaned) > rules.LONGEST_COMMENT:
        raise Invalid("The comment is too long.", fields={field: f"At most {rules.LONGEST_COMMENT} letters."})
    return cleaned


def _engagement(session: ScopedSession, organization_id: UUID, payee_id: UUID) -> Engagement:
    found = session.execute(
        select(Engagement, Payee.kind)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
    ).one_or_none()
    if found is None or found.kind is not PayeeKind.CONTRACTOR:
        raise Invalid("Choose a contractor.", fields={"payee": "Choose a contractor of yours."})
    engagement: Engagement = found.Engagement
    if engagement.status is not EngagementStatus.ACTIVE:
        raise Conflict("The engagement of this contractor is not active.")
    return engagement


def _fill(project: Project, form: ProjectForm) -> None:
    project.title, project.description, project.due_on = form.title, form.description, form.due_on
    project.rate_kind, project.rate_minor, project.currency = form.rate_kind, form.rate.minor, form.rate.currency


def _organization_name(session: ScopedSession, project: Project) -> str:
    return session.scalars(select(Organization.name).where(Organization.id == project.organization_id)).one()


def _tell(session: ScopedSession, project: Project, to: ProjectStatus, note: str) -> None:
    if to is S.SUBMITTED:
        letters.to_organization(session, project, f"{project.moved_by} submitted", note)
    elif to is S.REVISION_REQUESTED:
        letters.to_contractor(session, project, "asks for a revision of", note)
    elif to is S.APPROVED:
        letters.to_contractor(session, project, "approved", approving.NEXT[project.by_invoice])


def _note(
    session: ScopedSession, actor: Actor, project: Project, before: ProjectStatus | None, note: str | None,
    *, action: str,
) -> None:  # fmt: skip
    session.flush()
    audit.timeline(
        session, actor, SUBJECT, project.id, project.status.value, from_state=before.value if before else None,
        note=note, organization_id=project.organization_id, payee_id=project.payee_id,
    )  # fmt: skip
    audit.record(
        session, actor, f"project.{action}", SUBJECT, project.id, organization_id=project.organization_id,
        reference=project.reference, rate_minor=project.rate_minor, currency=project.currency,
        agreed_minor=project.agreed_minor,
    )  # fmt: skip
