"""Deliverables: assigned and edited by the organization, worked on and submitted by the creator, then reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.scope import Actor, Permission
from app.db import numbering
from app.db.session import ScopedSession
from app.db.types import new_id
from app.deliverables import approving, letters, rules
from app.deliverables.models import Deliverable
from app.deliverables.rules import DeliverableForm
from app.deliverables.states import DeliverableStatus, Mover
from app.organizations.models import Organization
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus, PayeeKind

SUBJECT = "deliverable"
COMMENT = "commented"  # comments stand in the timeline under this word
S = DeliverableStatus


class Moved(Conflict):
    """Somebody else changed the deliverable first; `found` is where it stands now."""

    def __init__(self, found: Deliverable) -> None:
        who, what = found.moved_by, found.status.label.lower()
        super().__init__(f"{who} was faster: “{found.title}” is {what} now. Look at it again, then move it.")
        self.found = found.status


def assign(
    session: ScopedSession, actor: Actor, organization_id: UUID, payee_ids: Sequence[UUID], form: DeliverableForm
) -> list[Deliverable]:
    """One deliverable for each of the creators, who are told. All or none.

    Raises Forbidden, Invalid, Conflict for an engagement that is not active.
    """
    _require_manager(actor, organization_id)
    form = form.cleaned()
    rules.check_form(form)
    wanted = list(dict.fromkeys(payee_ids))
    _check_creators(session, organization_id, wanted)
    return [_assign(session, actor, organization_id, payee_id, form) for payee_id in wanted]


def _assign(
    session: ScopedSession, actor: Actor, organization_id: UUID, payee_id: UUID, form: DeliverableForm
) -> Deliverable:
    number = numbering.take(session, organization_id, "deliverables", 0)
    made = Deliverable(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee_id,
        reference=f"DLV-{number:04d}",
        status=S.ASSIGNED,
        submissions=0,
        moved_at=utc_now(),
        moved_by=actor.label,
        created_at=utc_now(),
    )
    _fill(made, form)
    session.add(made)
    note(session, actor, made, None, "Assigned.", action="assigned")
    letters.to_creator(session, made, "deliverable_assigned", "assigned you a deliverable", note=made.brief[:400])
    return made


def edit(
    session: ScopedSession, actor: Actor, organization_id: UUID, deliverable_id: UUID, form: DeliverableForm,
    *, version: int | None = None,
) -> Deliverable:  # fmt: skip
    """Change what was written while it is the creator's turn; the creator stays the same and is told.

    Raises Forbidden, NotFound, Invalid (also for a fee below the one that was begun at), Conflict, Moved.
    """
    _require_manager(actor, organization_id)
    found = locked(session, actor, deliverable_id)
    _refuse_other_version(found, version)
    if not rules.editable(found.status):
        raise Conflict(f"This deliverable is {found.status.label.lower()} and cannot be changed any more.")
    form = form.cleaned()
    rules.check_form(form)
    rules.check_change(found.status, found.fee, form)
    _fill(found, form)
    note(session, actor, found, found.status, "The brief was edited.", action="edited")
    letters.to_creator(session, found, "deliverable_assigned", "changed the brief of", note=found.brief[:400])
    return found


def start(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, *, version: int | None = None
) -> Deliverable:  # fmt: skip
    """The creator works on it; also takes a submission back. Raises as `move`."""
    return move(session, actor, deliverable_id, S.IN_PROGRESS, version=version)


def approve(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, *, version: int | None = None, published_url: str = ""
) -> Deliverable:
    """The work is done: its fee, if it has one, is owed. Raises as `move`, Invalid for an address that is none."""
    return move(session, actor, deliverable_id, S.APPROVED, version=version, published_url=published_url)


def request_revision(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, text: str, *, version: int | None = None
) -> Deliverable:
    """Give a submission back with a comment. Raises as `move`."""
    return move(session, actor, deliverable_id, S.REVISION_REQUESTED, version=version, text=text)


def cancel(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, reason: str, *, version: int | None = None
) -> Deliverable:
    """Give up what is not approved. Raises as `move`."""
    return move(session, actor, deliverable_id, S.CANCELLED, version=version, text=reason)


def reopen(session: ScopedSession, actor: Actor, deliverable_id: UUID, *, version: int | None = None) -> Deliverable:
    """A cancelled deliverable is assigned again. Raises as `move`, Conflict when the creator is not active any more."""
    return move(session, actor, deliverable_id, S.ASSIGNED, version=version)


def move(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, to: DeliverableStatus, *, version: int | None = None,
    text: str = "", published_url: str = "",
) -> Deliverable:  # fmt: skip
    """Every step but the submission (`submitting.submit`). `version` is what the mover saw.

    Whoever finds it there already has lost nothing. Raises Forbidden, NotFound, Moved when somebody else was faster,
    InvalidTransition with the reason, Invalid for a revision or cancellation without words.
    """
    found = steppable(session, actor, deliverable_id, to, version)
    if found is None:
        return locked(session, actor, deliverable_id)
    if to is S.SUBMITTED:
        raise Invalid("Send a link or a file with it.", fields={"links": "Send at least one link or file."})
    if to is S.REVISION_REQUESTED:
        text = words(text, "Say what to change: the creator reads it.")
        found.revision_note = text
    elif to is S.CANCELLED:
        text = words(text, "Say why: the creator reads it.")
    elif to is S.ASSIGNED:
        _check_creators(session, found.organization_id, [found.payee_id])
    elif to is S.APPROVED and published_url.strip():
        found.published_url = _address(published_url)
    before = found.status
    found.advance(mover_of(actor), to)
    found.moved_at, found.moved_by = utc_now(), actor.label
    if to is S.APPROVED:
        approving.owe_fee(session, actor, found)
    said = f"{to.label}: {text}" if text else _SAYS.get(to)
    note(session, actor, found, before, said, action=_ACTS.get(to, to.value))
    _tell(session, found, to, text)
    return found


_ACTS = {S.ASSIGNED: "reopened", S.IN_PROGRESS: "started"}
_SAYS = {S.ASSIGNED: "Assigned again."}


def steppable(
    session: ScopedSession, actor: Actor, deliverable_id: UUID, to: DeliverableStatus, version: int | None
) -> Deliverable | None:
    """The deliverable under its lock, ready for the step; None when it stands there already. Raises as `move`."""
    mover = mover_of(actor)
    _require_part(actor)
    found = locked(session, actor, deliverable_id)
    if found.status is to and version != found.version:
        return None
    _refuse_other_version(found, version)
    if to not in rules.moves(mover, found.status):
        refusal = InvalidTransition(SUBJECT, found.status, to)
        name = session.scalars(select(Organization.name).where(Organization.id == found.organization_id)).one()
        refusal.message = rules.why_not(mover, found.status, to, name)
        raise refusal
    return found


def publish(session: ScopedSession, actor: Actor, deliverable_id: UUID, url: str) -> Deliverable:
    """Where the approved piece can be seen, said by either side. Raises Forbidden, NotFound, Invalid, Conflict."""
    _require_part(actor)
    found = locked(session, actor, deliverable_id)
    if found.status is not S.APPROVED:
        raise Conflict("A deliverable is published once it is approved.")
    found.published_url = _address(url)
    note(session, actor, found, found.status, f"Published: {found.published_url}", action="published")
    return found


def comment(session: ScopedSession, actor: Actor, deliverable_id: UUID, text: str) -> None:
    """A remark both sides read; the other side is told. Raises Forbidden, NotFound, Invalid."""
    _require_part(actor)
    text = words(text, "Write something first.", field="text")
    found = locked(session, actor, deliverable_id)
    audit.timeline(
        session, actor, SUBJECT, found.id, COMMENT, note=text,
        organization_id=found.organization_id, payee_id=found.payee_id,
    )  # fmt: skip
    if mover_of(actor) is Mover.CREATOR:
        letters.to_organization(session, found, "deliverable_submitted", f"{actor.label} commented on", text)
    else:
        letters.to_creator(session, found, "deliverable_reviewed", "commented on", note=text)


def mover_of(actor: Actor) -> Mover:
    return Mover.CREATOR if actor.payee_id is not None else Mover.ORGANIZATION


def locked(session: ScopedSession, actor: Actor, deliverable_id: UUID) -> Deliverable:
    """The deliverable, read anew under its lock. Raises NotFound outside the actor's reach."""
    found = session.scalar(
        select(Deliverable)
        .where(Deliverable.id == deliverable_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if found is None or actor.payee_id not in (None, found.payee_id):
        raise NotFound("There is no such deliverable.")
    if actor.organization_id not in (None, found.organization_id):
        raise NotFound("There is no such deliverable.")
    return found


def words(text: str, missing: str, *, field: str = "reason") -> str:
    """What a person wrote, without outer spaces. Raises Invalid when nothing or too much."""
    cleaned = text.strip()
    if not cleaned:
        raise Invalid(missing, fields={field: missing})
    if len(cleaned) > rules.LONGEST_COMMENT:
        raise Invalid("The comment is too long.", fields={field: f"At most {rules.LONGEST_COMMENT} letters."})
    return cleaned


def note(
    session: ScopedSession, actor: Actor, found: Deliverable, before: DeliverableStatus | None, said: str | None,
    *, action: str,
) -> None:  # fmt: skip
    """Append to the timeline and the audit trail."""
    session.flush()
    audit.timeline(
        session, actor, SUBJECT, found.id, found.status.value, from_state=before.value if before else None,
        note=said, organization_id=found.organization_id, payee_id=found.payee_id,
    )  # fmt: skip
    audit.record(
        session, actor, f"{SUBJECT}.{action}", SUBJECT, found.id, organization_id=found.organization_id,
        reference=found.reference, fee_minor=found.fee_minor, currency=found.currency,
    )  # fmt: skip


def _require_manager(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.DELIVERABLE_MANAGE)
    actor.require_organization(organization_id)
    if actor.payee_id is not None:
        raise Forbidden("Only the organization writes deliverables.")


def _require_part(actor: Actor) -> None:
    work = mover_of(actor) is Mover.CREATOR
    actor.require(Permission.DELIVERABLE_WORK if work else Permission.DELIVERABLE_MANAGE)


def _refuse_other_version(found: Deliverable, version: int | None) -> None:
    if version is not None and found.version != version:
        raise Moved(found)


def _address(url: str) -> str:
    try:
        return rules.clean_link(url)
    except Invalid as refusal:
        raise Invalid(refusal.message, fields={"published_url": refusal.message}) from None


def _check_creators(session: ScopedSession, organization_id: UUID, payee_ids: Sequence[UUID]) -> None:
    if not payee_ids:
        raise Invalid("Choose a creator.", fields={"creators": "Choose at least one creator."})
    if len(payee_ids) > rules.MOST_CREATORS:
        says = f"At most {rules.MOST_CREATORS} creators at once."
        raise Invalid(says, fields={"creators": says})
    rows = session.execute(
        select(Engagement.payee_id, Engagement.status, Payee.name)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(
            Engagement.organization_id == organization_id, Payee.kind == PayeeKind.CREATOR,
            Engagement.payee_id.in_(payee_ids),
        )
    ).all()  # fmt: skip
    if len(rows) != len(payee_ids):
        raise Invalid("Choose a creator.", fields={"creators": "Choose creators of yours."})
    for row in rows:
        if row.status is not EngagementStatus.ACTIVE:
            raise Conflict(f"The engagement of {row.name} is not active.")


def _fill(found: Deliverable, form: DeliverableForm) -> None:
    found.title, found.brief, found.content, found.due_on = form.title, form.brief, form.content, form.due_on
    found.fee_minor = form.fee.minor if form.fee else None
    found.currency = form.fee.currency if form.fee else None


def _tell(session: ScopedSession, found: Deliverable, to: DeliverableStatus, text: str) -> None:
    if to is S.REVISION_REQUESTED:
        letters.to_creator(session, found, "deliverable_reviewed", "asks for a revision of", note=text)
    elif to is S.APPROVED:
        said = approving.NEXT if found.fee_minor else ""
        letters.to_creator(session, found, "deliverable_reviewed", "approved", note=said)
    elif to is S.CANCELLED:
        letters.to_creator(session, found, "deliverable_reviewed", "cancelled", note=text)
    elif to is S.ASSIGNED:
        letters.to_creator(session, found, "deliverable_assigned", "assigned you again")
