"""What every step of a consultation shares: the locked row, who may take the step, and the line in its timeline."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.consultations.models import Consultation
from app.consultations.states import CancelledBy
from app.core.errors import NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.identity.models import Account

SUBJECT = "consultation"


def locked(session: ScopedSession, consultation_id: UUID) -> Consultation:
    """The row as it is now, kept from others until the end. Only rows the scope shows. Raises NotFound."""
    found = session.scalar(
        select(Consultation)
        .where(Consultation.id == consultation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such consultation.")
    return found


def side_of(actor: Actor, found: Consultation) -> CancelledBy:
    """On whose side the actor stands here: the client's, the consultant's, or everybody else's.

    Raises Forbidden, NotFound for somebody else's consultation.
    """
    if actor.role == "client":
        actor.require(Permission.CONSULTATION_BOOK)
        if found.client_account_id != actor.account_id:
            raise NotFound("There is no such consultation.")
        return CancelledBy.CLIENT
    if actor.payee_id is not None:
        actor.require(Permission.CONSULTATION_OWN)
        if found.payee_id != actor.payee_id:
            raise NotFound("There is no such consultation.")
        return CancelledBy.CONSULTANT
    actor.require(Permission.CONSULTATION_MANAGE)
    actor.require_organization(found.organization_id)
    return CancelledBy.PLATFORM


def client_of(session: ScopedSession, found: Consultation) -> Account:
    """Who booked, with name and address: for mails to themselves, and for taking their name out of words."""
    with session.elevated("the client's own account"):
        return session.get_one(Account, found.client_account_id)


def note(
    session: ScopedSession, actor: Actor, found: Consultation, before: str | None, text: str, *, action: str
) -> None:
    """One line of the audit trail and one of the timeline, which the consultant reads: first names only."""
    with session.elevated("clients write to a timeline that is not theirs"):
        audit.timeline(
            session, actor, SUBJECT, found.id, found.status.value, from_state=before, note=text,
            organization_id=found.organization_id, payee_id=found.payee_id,
        )  # fmt: skip
    audit.record(
        session, actor, f"consultation.{action}", SUBJECT, found.id, organization_id=found.organization_id, note=text
    )
