"""Writing lines off: proposed by one person, decided by another, never above the limit."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import new_id
from app.reconciliation import desk, rules
from app.reconciliation.models import WriteOff
from app.reconciliation.statements import hold_desk
from app.reconciliation.states import Resolution, TargetKind, WriteOffStatus


def propose(session: ScopedSession, actor: Actor, line_id: UUID, reason: str) -> WriteOff:
    """Raises Forbidden, NotFound, Conflict for a line that is explained or proposed, Invalid above the limit."""
    actor.require(Permission.RECONCILE)
    hold_desk(session)
    this = desk.line(session, line_id)
    if not reason.strip() or len(reason.strip()) > desk.LONGEST_NOTE:
        said = f"Say why, in at most {desk.LONGEST_NOTE} letters: a second person decides by it."
        raise Invalid(said, fields={"reason": said})
    most = rules.write_off_limit(this.currency, settings().write_off_limit)
    if abs(this.amount_minor) > most:
        shown = f"{Money(most, this.currency).plain()} {this.currency}"
        raise Invalid(f"Nothing above {shown} is written off. Find out what it is, or put it into suspense.")
    made = WriteOff(
        id=new_id(), line_id=line_id, reason=reason.strip(), _status=WriteOffStatus.PROPOSED,
        proposed_by=actor.label, proposed_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    queued = text(
        """UPDATE open_statement_lines SET write_off_id = :id WHERE line_id = :line_id AND write_off_id IS NULL
        RETURNING line_id"""
    )
    if session.execute(queued, {"id": made.id, "line_id": line_id}).first() is None:
        raise Conflict("This line is explained already, or a write-off of it waits for a second person.")
    audit.record(
        session, actor, "write_off.proposed", desk.SUBJECT, line_id, amount_minor=this.amount_minor,
        currency=this.currency, reason=made.reason,
    )  # fmt: skip
    return made


def approve(session: ScopedSession, actor: Actor, write_off_id: UUID) -> WriteOff:
    """The second person's yes: the line is posted and leaves the queue. Raises Forbidden (also for who proposed it),
    NotFound, InvalidTransition."""
    found = _to_decide(session, actor, write_off_id)
    found.advance(WriteOffStatus.APPROVED)
    _decided(found, actor)
    _free(session, found)
    this = desk.line(session, found.line_id)
    parts = [(TargetKind.WRITE_OFF, None, this.amount_minor)]
    note = f"{found.reason} (proposed by {found.proposed_by})"[: desk.LONGEST_NOTE]
    desk.settle(session, actor, this, Resolution.WRITTEN_OFF, parts, note=note)
    return found


def reject(session: ScopedSession, actor: Actor, write_off_id: UUID, reason: str) -> WriteOff:
    """The line waits again. Whoever proposed it may take it back so. Raises Forbidden, NotFound, Invalid."""
    if not reason.strip() or len(reason.strip()) > desk.LONGEST_NOTE:
        raise Invalid("Say why.", fields={"reason": "Say why."})
    found = _to_decide(session, actor, write_off_id, own=True)
    found.advance(WriteOffStatus.REJECTED)
    _decided(found, actor)
    found.decision_reason = reason.strip()
    _free(session, found)
    audit.record(session, actor, "write_off.rejected", desk.SUBJECT, found.line_id, reason=found.decision_reason)
    return found


def find(session: Session, write_off_id: UUID, *, lock: bool = False) -> WriteOff:
    """Raises NotFound."""
    query = select(WriteOff).where(WriteOff.id == write_off_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such write-off.")
    return found


def _to_decide(session: ScopedSession, actor: Actor, write_off_id: UUID, *, own: bool = False) -> WriteOff:
    actor.require(Permission.RECONCILE)
    hold_desk(session)
    found = find(session, write_off_id, lock=True)
    refused = rules.may_decide(found.proposed_by_account_id, found.proposed_by, actor.account_id, actor.label)
    if refused and not own:
        raise Forbidden(refused)
    return found


def _decided(found: WriteOff, actor: Actor) -> None:
    found.decided_by, found.decided_by_account_id, found.decided_at = actor.label, actor.account_id, utc_now()


def _free(session: ScopedSession, found: WriteOff) -> None:
    session.flush()
    session.execute(
        text("UPDATE open_statement_lines SET write_off_id = NULL WHERE write_off_id = :id"), {"id": found.id}
    )
