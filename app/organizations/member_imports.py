"""People to invite from files: lines kept as they were read, confirmed once, invited chunk by chunk by a job.

Whatever stops the job, the next run goes on where the last one ended, and no line is taken twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox, paging, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations import inviting, member_files
from app.organizations.invitation_models import MemberImport, MemberImportRow
from app.organizations.inviting import Person
from app.organizations.member_files import PersonLine
from app.organizations.models import Member
from app.organizations.states import InviteeOutcome, MemberImportStatus, MemberStatus, Role

SUBJECT = "member_import"
CHUNK = 50  # small, so that the bar on the page moves
_ROWS = text(
    """INSERT INTO member_import_rows (organization_id, import_id, line, email, name, role, department, outcome,
        reason)
    SELECT :organization_id, :import_id, n.line, n.email, n.name, n.role, n.department, n.outcome, n.reason
    FROM unnest(CAST(:lines AS bigint[]), CAST(:emails AS text[]), CAST(:names AS text[]), CAST(:roles AS text[]),
        CAST(:departments AS text[]), CAST(:outcomes AS text[]), CAST(:reasons AS text[]))
        AS n (line, email, name, role, department, outcome, reason)"""
)
_SETTLE = text(
    """UPDATE member_import_rows r SET outcome = n.outcome, reason = n.reason
    FROM unnest(CAST(:lines AS bigint[]), CAST(:outcomes AS text[]), CAST(:reasons AS text[]))
        AS n (line, outcome, reason)
    WHERE r.import_id = :import_id AND r.line = n.line AND r.outcome = 'waiting'"""
)


def read(actor: Actor, organization_id: UUID, body: bytes, role: Role) -> list[PersonLine]:
    """The lines of a file as this actor may invite them. Raises Forbidden, Invalid for the whole file or `role`."""
    inviting.require(actor, organization_id)
    if said := inviting.why_not(actor, role):
        raise Invalid(said, fields={"role": said})
    return member_files.read_people(body, role=role, refusal=lambda one: inviting.why_not(actor, one))


def keep(
    session: Session, actor: Actor, organization_id: UUID, *, name: str, sha256: str, lines: Sequence[PersonLine]
) -> MemberImport:
    """Note what was read of a file; nobody is asked yet. Raises Forbidden."""
    inviting.require(actor, organization_id)
    record = MemberImport(
        id=new_id(),
        organization_id=organization_id,
        status=MemberImportStatus.UPLOADED,
        **uploads.opened(actor, name=name, sha256=sha256),
    )
    session.add(record)
    session.flush()
    session.execute(
        _ROWS,
        {
            "organization_id": organization_id,
            "import_id": record.id,
            "lines": [one.line for one in lines],
            "emails": [one.email for one in lines],
            "names": [one.name for one in lines],
            "roles": [one.role for one in lines],
            "departments": [one.department for one in lines],
            "outcomes": [one.outcome.value for one in lines],
            "reasons": [one.reason for one in lines],
        },
    )
    audit.record(
        session, actor, "members.uploaded", SUBJECT, record.id, organization_id=organization_id, file=name,
        sha256=sha256,
    )  # fmt: skip
    return record


@dataclass(frozen=True, slots=True)
class Preview:
    """What inviting would do. `here`: line → why nobody is asked, of lines good in themselves."""

    read: int
    new: int
    twice: int
    bad: int
    here: dict[int, str]


def preview(session: Session, actor: Actor, record: MemberImport) -> Preview:
    """The lines held against members and invitations of this moment; nothing is written. Raises Forbidden."""
    inviting.require(actor, record.organization_id)
    found = counts(session, record.id)
    waiting = session.execute(
        select(MemberImportRow.line, MemberImportRow.email).where(
            MemberImportRow.import_id == record.id, MemberImportRow.outcome == InviteeOutcome.WAITING
        )
    ).all()
    there = inviting.known(session, record.organization_id, [row.email for row in waiting])
    here = {row.line: there[row.email] for row in waiting if row.email in there}
    return Preview(
        read=sum(found.values()),
        new=found[InviteeOutcome.WAITING] - len(here),
        twice=found[InviteeOutcome.KNOWN],
        bad=found[InviteeOutcome.REFUSED],
        here=here,
    )


def counts(session: Session, import_id: UUID) -> dict[InviteeOutcome, int]:
    """How many lines have each outcome."""
    rows = session.execute(
        select(MemberImportRow.outcome, func.count())
        .where(MemberImportRow.import_id == import_id)
        .group_by(MemberImportRow.outcome)
    )
    found: dict[InviteeOutcome, int] = {row[0]: int(row[1]) for row in rows}
    return {outcome: found.get(outcome, 0) for outcome in InviteeOutcome}


def lines(
    session: Session,
    import_id: UUID,
    *,
    outcome: InviteeOutcome | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """line, email, name, role, department, outcome, reason; in the order of the file."""
    query: paging.AnySelect = select(
        MemberImportRow.id, MemberImportRow.line, MemberImportRow.email, MemberImportRow.name, MemberImportRow.role,
        MemberImportRow.department, MemberImportRow.outcome, MemberImportRow.reason,
    ).where(MemberImportRow.import_id == import_id)  # fmt: skip
    if outcome is not None:
        query = query.where(MemberImportRow.outcome == outcome)
    key = paging.Key((MemberImportRow.line, MemberImportRow.id), ("line", "id"), descending=False)
    return paging.fetch(session, query, key, cursor, limit)


def refused_csv(session: Session, import_id: UUID) -> bytes:
    """The lines nobody was asked for because something is wrong with them, with what it is."""
    rows = session.execute(
        select(
            MemberImportRow.email, MemberImportRow.name, MemberImportRow.role, MemberImportRow.department,
            MemberImportRow.reason,
        )
        .where(MemberImportRow.import_id == import_id, MemberImportRow.outcome == InviteeOutcome.REFUSED)
        .order_by(MemberImportRow.line)
    )  # fmt: skip
    return member_files.lines_as_csv(
        (row.email, row.name, row.role, row.department or "", row.reason or "") for row in rows
    )


def confirm(
    session: ScopedSession, actor: Actor, organization_id: UUID, import_id: UUID, *, skip_bad: bool = False
) -> MemberImport:
    """Hand the lines that wait to the job, once.

    Raises Forbidden (also for a role this actor may not give), SwitchedOff, NotFound, Conflict when it runs already,
    Invalid while lines are faulty unless `skip_bad`, or when nobody is left to ask.
    """
    inviting.require(actor, organization_id)
    record = uploads.waiting(session, MemberImport, organization_id, import_id)
    found = preview(session, actor, record)
    uploads.agreed(found.bad, skip_bad, "skip_bad")
    if not found.new:
        raise Invalid("Nobody is left to invite from this file.")
    roles = session.scalars(
        select(MemberImportRow.role)
        .where(MemberImportRow.import_id == import_id, MemberImportRow.outcome == InviteeOutcome.WAITING)
        .distinct()
    )
    for role in roles.all():
        inviting.require_role(actor, Role(role))
    uploads.confirmed(actor, record)
    session.flush()
    outbox.emit(session, Topic.MEMBERS_IMPORT_CONFIRMED, import_id=import_id, organization_id=organization_id)
    return record


def discard(session: Session, actor: Actor, organization_id: UUID, import_id: UUID) -> None:
    """Give up an upload nobody was asked from; its lines go too. Raises Forbidden, NotFound, Conflict."""
    inviting.require(actor, organization_id)
    record = uploads.waiting(session, MemberImport, organization_id, import_id)
    name = record.file_name
    session.execute(delete(MemberImportRow).where(MemberImportRow.import_id == import_id))
    session.execute(delete(MemberImport).where(MemberImport.id == import_id))
    audit.record(
        session, actor, "members.upload_discarded", SUBJECT, import_id, organization_id=organization_id, file=name
    )


def take_chunk(session: ScopedSession, organization_id: UUID, import_id: UUID, size: int = CHUNK) -> bool:
    """Ask the next who wait; False when nobody is left, and the file is finished then. Raises NotFound, Refusal.

    Who confirmed it asks with the role they have by now: lines with a role they may not give (any more) are refused,
    and all that are left once they may not invite at all.
    """
    record = uploads.find(session, MemberImport, organization_id, import_id, lock=True)
    if record.status is not MemberImportStatus.RUNNING:
        return False
    locks.hold(session, "members", organization_id)  # roles stay what they are until the mails are written
    actor = _who_asks(session, record)
    if actor is None:
        _stop(session, record)
        return False
    rows = session.execute(
        select(
            MemberImportRow.line, MemberImportRow.email, MemberImportRow.name, MemberImportRow.role,
            MemberImportRow.department,
        )
        .where(MemberImportRow.import_id == import_id, MemberImportRow.outcome == InviteeOutcome.WAITING)
        .order_by(MemberImportRow.line)
        .limit(size)
        .with_for_update()
    ).all()  # fmt: skip
    if not rows:
        _finish(session, record)
        return False
    barred = {role: inviting.why_not(actor, Role(role)) for role in {row.role for row in rows}}
    people = [Person(row.email, row.name, Role(row.role), row.department) for row in rows if barred[row.role] is None]
    asked = inviting.invite(session, actor, organization_id, people)
    session.execute(
        _SETTLE,
        {
            "import_id": import_id,
            "lines": [row.line for row in rows],
            "outcomes": [
                (_REFUSED if barred[row.role] else _INVITED if row.email in asked.sent else _KNOWN).value
                for row in rows
            ],
            "reasons": [barred[row.role] or asked.known.get(row.email) for row in rows],
        },
    )
    return True


def _who_asks(session: Session, record: MemberImport) -> Actor | None:
    """Who confirmed the file, with the role of this moment; None when they may not invite any more."""
    if record.imported_by_account_id is None:  # nobody's account: the system itself
        return uploads.actor_of(record)
    role = session.scalar(
        select(Member.role).where(
            Member.organization_id == record.organization_id,
            Member.account_id == record.imported_by_account_id,
            Member.status == MemberStatus.ACTIVE,
        )
    )
    if role is None:
        return None
    actor = Actor(
        record.imported_by, role.value, record.imported_by_account_id, organization_id=record.organization_id,
        rank=role.rank,
    )  # fmt: skip
    return actor if actor.can(Permission.MEMBER_MANAGE) else None


def _stop(session: Session, record: MemberImport) -> None:
    """All lines that wait are refused: nobody stands behind them."""
    said = f"{record.imported_by}, who confirmed this file, may not invite people any more."
    session.execute(
        update(MemberImportRow)
        .where(MemberImportRow.import_id == record.id, MemberImportRow.outcome == InviteeOutcome.WAITING)
        .values(outcome=InviteeOutcome.REFUSED, reason=said)
        .execution_options(synchronize_session=False)
    )
    fail(session, record.organization_id, record.id, f"{said} Nobody was asked since.")
    audit.record(
        session, uploads.actor_of(record), "members.import_stopped", SUBJECT, record.id,
        organization_id=record.organization_id, file=record.file_name, reason=said,
    )  # fmt: skip


_INVITED, _KNOWN, _REFUSED = InviteeOutcome.INVITED, InviteeOutcome.KNOWN, InviteeOutcome.REFUSED


def _summary(session: Session, record: MemberImport) -> dict[str, int]:
    return {outcome.value: count for outcome, count in counts(session, record.id).items()}


def _finish(session: Session, record: MemberImport) -> None:
    uploads.finish(record)
    found = _summary(session, record)
    record.summary = {**found}
    audit.record(
        session, uploads.actor_of(record), "members.imported", SUBJECT, record.id,
        organization_id=record.organization_id, file=record.file_name, **found,
    )  # fmt: skip


def fail(session: Session, organization_id: UUID, import_id: UUID, reason: str) -> None:
    """The job could not go on; who was asked stays asked. Raises NotFound."""
    record = uploads.find(session, MemberImport, organization_id, import_id, lock=True)
    record.status, record.finished_at = MemberImportStatus.FAILED, utc_now()
    record.summary = {**_summary(session, record), "stopped": reason}
