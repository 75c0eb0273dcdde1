"""A batch from plan to done: made by one person, submitted, approved by another, run in chunks by workers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.models import Audience
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import numbering, outbox
from app.db.session import ScopedSession
from app.organizations.models import Organization
from app.payouts import content, funding, letters, planning
from app.payouts.models import Batch
from app.payouts.moves import give_back, move
from app.payouts.states import BatchStatus, PayoutStatus
from app.rails import registry


def get(session: Session, batch_id: UUID, *, lock: bool = False) -> Batch:
    """Raises NotFound."""
    query = select(Batch).where(Batch.id == batch_id)
    batch = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if batch is None:
        raise NotFound("There is no such batch.")
    return batch


def create(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    title: str = "",
    currency: str | None = None,
    rail: str | None = None,
) -> Batch:
    """Open a batch; a job plans it. Raises Conflict when nothing is ready or another batch is being planned."""
    actor.require(Permission.BATCH_MANAGE)
    organization = session.get(Organization, organization_id, with_for_update=True)
    if organization is None:
        raise NotFound("There is no such organization.")
    planning_now = select(Batch.number).where(
        Batch.organization_id == organization_id, Batch.status == BatchStatus.PLANNING
    )
    if number := session.scalars(planning_now).first():
        raise Conflict(f"Batch {number} of this organization is being planned right now. Wait until it is ready.")
    if not planning.preview(session, organization_id, currency=currency, rail=rail).rails:
        raise Conflict("Nothing is ready to be paid with these choices.")
    title = title.strip() or f"Payout run for {organization.name}"
    batch = _open(session, actor, organization_id, title, currency=currency, rail=rail)
    outbox.emit(session, Topic.BATCH_PLANNED, batch_id=batch.id, actor_label=actor.label, account_id=actor.account_id)
    return batch


def _open(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    title: str,
    *,
    currency: str | None = None,
    rail: str | None = None,
    own: bool = False,
) -> Batch:
    year = utc_now().year
    sequence = numbering.take(session, organization_id, "batch", year)
    batch = Batch(
        organization_id=organization_id,
        number=f"PB-{year}-{sequence:03d}",
        title=title,
        currency=currency,
        rail=rail,
        own=own,
        created_by=actor.label,
        created_by_account_id=actor.account_id,
    )
    session.add(batch)
    session.flush()
    _note(session, actor, batch, None, "Batch opened.")
    audit.record(session, actor, "batch.created", "batch", batch.id, organization_id=organization_id, own=own)
    return batch


def ask_own(session: ScopedSession, actor: Actor, organization_id: UUID) -> Batch:
    """An owner asks for everything the organization itself has ready: planned, and submitted for approval, at once.

    Raises Forbidden, NotFound, or Conflict when there is nothing to pay, saying what stands in the way.
    """
    actor.require(Permission.ORGANIZATION_PAYOUT)
    actor.require_organization(organization_id)
    with session.elevated("an owner asks for what their organization earned"):
        organization = session.get(Organization, organization_id, with_for_update=True)
        if organization is None:
            raise NotFound("There is no such organization.")
        ready = planning.preview(session, organization_id, own=True)
        if not ready.rails:
            reasons = [planning.blocked_text(row.blocked) for row in ready.blocked]
            raise Conflict(" ".join(dict.fromkeys(reasons)) or "Nothing is ready to be paid out yet.")
        batch = _open(session, actor, organization_id, f"What {organization.name} earned", own=True)
        planning.plan(session, actor, batch)
        _advance(session, actor, batch, BatchStatus.DRAFT, "Planned with everything that is ready.")
        return _submit(session, actor, batch)


OWN_OPEN = frozenset({BatchStatus.DRAFT, BatchStatus.SUBMITTED})  # nobody has approved it yet


def take_back(session: ScopedSession, actor: Actor, batch_id: UUID) -> Batch:
    """An owner wants what their organization asked for not paid after all: everything in it is ready again.

    Raises Forbidden, NotFound for any other batch and that of another organization, Conflict once it is approved.
    """
    actor.require(Permission.ORGANIZATION_PAYOUT)
    with session.elevated("an owner takes back what they asked for"):
        batch = get(session, batch_id, lock=True)
        if not batch.own or batch.organization_id != actor.organization_id:
            raise NotFound("There is no such batch.")
        if batch.status is BatchStatus.CANCELLED:
            raise Conflict(f"Batch {batch.number} is cancelled already.")
        if batch.status not in OWN_OPEN:
            raise Conflict(f"Batch {batch.number} is approved and cannot be taken back any more.")
        return _cancel(session, actor, batch, "The organization took it back.")


def plan(session: Session, actor: Actor, batch_id: UUID) -> int:
    """The job's part: claim what is ready. Harmless when the batch is past planning."""
    batch = get(session, batch_id, lock=True)
    if batch.status is not BatchStatus.PLANNING:
        return 0
    count = planning.plan(session, actor, batch)
    if count:
        _advance(session, actor, batch, BatchStatus.DRAFT, f"{_payouts(count)} planned.")
    else:
        _advance(session, actor, batch, BatchStatus.CANCELLED, "Nothing was ready any more.")
    return count


def submit(session: ScopedSession, actor: Actor, batch_id: UUID) -> Batch:
    """Offer the batch, exactly as it is, for approval by somebody else. Raises InvalidTransition."""
    actor.require(Permission.BATCH_MANAGE)
    return _submit(session, actor, get(session, batch_id, lock=True))


def _submit(session: ScopedSession, actor: Actor, batch: Batch) -> Batch:
    batch.content_sha256 = content.batch_hash(session, batch.id)
    batch.submitted_by, batch.submitted_by_account_id = actor.label, actor.account_id
    batch.submitted_at = utc_now()
    _advance(session, actor, batch, BatchStatus.SUBMITTED, "Submitted for approval.")
    audit.record(session, actor, "batch.submitted", "batch", batch.id, organization_id=batch.organization_id)
    letters.batch_submitted(session, batch)
    return batch


def approve(session: Session, actor: Actor, batch_id: UUID) -> Batch:
    """The second pair of eyes: approves every pending payout of the batch and draws on the funds.

    Raises Forbidden for its maker or submitter, Conflict when the content changed since it was submitted.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    batch = get(session, batch_id, lock=True)
    if actor.account_id is None or actor.account_id in (batch.submitted_by_account_id, batch.created_by_account_id):
        raise Forbidden("You made or submitted this batch; somebody else has to approve it.")
    if batch.status is not BatchStatus.SUBMITTED:
        _advance(session, actor, batch, BatchStatus.APPROVED)  # raises, with the sentence
    if content.batch_hash(session, batch_id) != batch.content_sha256:
        raise Conflict("The batch changed after it was submitted. Submit it again, then approve it.")
    ids = _payout_ids(session, batch_id, PayoutStatus.PENDING)
    content.sign(session, ids, batch.submitted_by_account_id, batch.submitted_by or "")
    content.sign(session, ids, actor.account_id, actor.label)
    move(session, actor, ids, PayoutStatus.APPROVED, note=f"Batch {batch.number} approved.")
    covered = funding.fund(session, actor, ids)
    batch.approved_by, batch.approved_by_account_id, batch.approved_at = actor.label, actor.account_id, utc_now()
    waiting = len(ids) - len(covered)
    note = f"{_payouts(len(covered))} approved" + (f", {waiting} wait for funds." if waiting else ".")
    _advance(session, actor, batch, BatchStatus.APPROVED, note)
    audit.record(
        session, actor, "batch.approved", "batch", batch.id, organization_id=batch.organization_id, payouts=len(ids)
    )
    return batch


def reopen(session: Session, actor: Actor, batch_id: UUID, reason: str) -> Batch:
    """Send a submitted batch back to draft with a reason."""
    actor.require(Permission.BATCH_MANAGE)
    batch = get(session, batch_id, lock=True)
    batch.content_sha256 = None
    _advance(session, actor, batch, BatchStatus.DRAFT, f"Sent back: {reason}")
    audit.record(session, actor, "batch.reopened", "batch", batch.id, organization_id=batch.organization_id)
    return batch


def cancel(session: Session, actor: Actor, batch_id: UUID, reason: str) -> Batch:
    """Give everything back to the ready queue. Only before it runs."""
    actor.require(Permission.BATCH_MANAGE)
    return _cancel(session, actor, get(session, batch_id, lock=True), reason)


def _cancel(session: Session, actor: Actor, batch: Batch, reason: str) -> Batch:
    _advance(session, actor, batch, BatchStatus.CANCELLED, f"Cancelled: {reason}")
    ids = [
        payout_id
        for status in (PayoutStatus.PENDING, PayoutStatus.APPROVED, PayoutStatus.ON_HOLD)
        for payout_id in _payout_ids(session, batch.id, status)
    ]
    moved = move(session, actor, ids, PayoutStatus.CANCELLED, note=f"Batch {batch.number} was cancelled: {reason}")
    give_back(session, moved)
    audit.record(session, actor, "batch.cancelled", "batch", batch.id, organization_id=batch.organization_id)
    return batch


_CHUNKS = text(
    """WITH numbered AS (
        SELECT p.id, p.rail, p.currency,
            (row_number() OVER (PARTITION BY p.rail, p.currency ORDER BY p.id) - 1) / s.size AS slice
        FROM payouts p JOIN unnest(CAST(:rails AS text[]), CAST(:sizes AS bigint[])) AS s (rail, size) USING (rail)
        WHERE p.batch_id = :batch_id AND p.status = 'approved' AND NOT EXISTS (
            SELECT FROM batch_chunks c WHERE c.batch_id = :batch_id AND c.done_at IS NULL AND c.rail = p.rail
            AND c.currency = p.currency AND p.id BETWEEN c.first_payout_id AND c.last_payout_id)
    ), made AS (
        INSERT INTO batch_chunks (organization_id, batch_id, number, rail, currency, first_payout_id, last_payout_id)
        SELECT :organization_id, :batch_id,
            (SELECT coalesce(max(number), 0) FROM batch_chunks WHERE batch_id = :batch_id)
                + row_number() OVER (ORDER BY rail, currency, slice),
            rail, currency, (array_agg(id ORDER BY id))[1], (array_agg(id ORDER BY id DESC))[1]
        FROM numbered GROUP BY rail, currency, slice RETURNING id
    )
    SELECT id FROM made"""
)
_WHOLE = 10**9  # a file or a run of checks is one instruction: never sliced


def _enqueue(session: Session, batch: Batch) -> int:
    """Slice what is approved and not yet in an open chunk; one job each."""
    names = list(registry.RAILS)
    sizes = [_WHOLE if registry.rail(name).exports else registry.rail(name).chunk for name in names]
    session.flush()
    chunk_ids = session.execute(
        _CHUNKS,
        {"batch_id": batch.id, "organization_id": batch.organization_id, "rails": names, "sizes": sizes},
    ).scalars()
    count = 0
    for chunk_id in chunk_ids:
        outbox.emit(session, Topic.BATCH_CHUNK, chunk_id=chunk_id)
        count += 1
    return count


def run(session: Session, actor: Actor, batch_id: UUID) -> Batch:
    """Hand the approved payouts to their rails, in chunks. Raises InvalidTransition; Conflict: nothing to send."""
    actor.require(Permission.BATCH_MANAGE)
    batch = get(session, batch_id, lock=True)
    _advance(session, actor, batch, BatchStatus.RUNNING, "Run started.")
    batch.started_by, batch.started_by_account_id = actor.label, actor.account_id
    batch.started_at, batch.finished_at = utc_now(), None
    open_chunks = text("SELECT id FROM batch_chunks WHERE batch_id = :id AND done_at IS NULL")
    waiting = list(session.execute(open_chunks, {"id": batch.id}).scalars())
    for chunk_id in waiting:  # paused before: offer them again
        outbox.emit(session, Topic.BATCH_CHUNK, chunk_id=chunk_id)
    if not _enqueue(session, batch) and not waiting:
        raise Conflict("No payout of this batch is approved and funded yet.")
    audit.record(session, actor, "batch.started", "batch", batch.id, organization_id=batch.organization_id)
    return batch


def pause(session: Session, actor: Actor, batch_id: UUID) -> Batch:
    """Chunks that have not started wait; what is with a rail goes on."""
    actor.require(Permission.BATCH_MANAGE)
    batch = get(session, batch_id, lock=True)
    _advance(session, actor, batch, BatchStatus.PAUSED, "Run paused.")
    audit.record(session, actor, "batch.paused", "batch", batch.id, organization_id=batch.organization_id)
    return batch


def funds_arrived(session: Session, actor: Actor, organization_id: UUID) -> int:
    """Release what waited for funds; batches that were started already go on with it. Returns how many payouts."""
    released = funding.funds_arrived(session, actor, organization_id)
    started = text(
        """SELECT DISTINCT b.id FROM batches b JOIN payouts p ON p.batch_id = b.id
        WHERE p.id = ANY(:ids) AND b.status IN ('running', 'done')"""
    )
    for batch_id in session.execute(started, {"ids": released}).scalars().all():
        batch = get(session, batch_id, lock=True)
        if batch.status is BatchStatus.DONE:
            _advance(session, actor, batch, BatchStatus.RUNNING, "Funds arrived; the run goes on.")
        _enqueue(session, batch)
    return len(released)


_FINISH_CHUNK = text("UPDATE batch_chunks SET done_at = :now WHERE id = :id AND done_at IS NULL")
_OPEN = text("SELECT EXISTS (SELECT FROM batch_chunks WHERE batch_id = :id AND done_at IS NULL)")


def finish_chunk(session: Session, actor: Actor, chunk_id: UUID, batch_id: UUID) -> None:
    """Mark a chunk done; with the last one the batch is done (its payouts settle on their own)."""
    batch = get(session, batch_id, lock=True)
    session.execute(_FINISH_CHUNK, {"id": chunk_id, "now": utc_now()})
    if batch.status is BatchStatus.RUNNING and not session.execute(_OPEN, {"id": batch_id}).scalar_one():
        batch.finished_at = utc_now()
        _advance(session, actor, batch, BatchStatus.DONE, "Everything was handed to its rail.")


def _payouts(count: int) -> str:
    return "1 payout" if count == 1 else f"{count} payouts"


def _payout_ids(session: Session, batch_id: UUID, status: PayoutStatus) -> list[UUID]:
    query = text("SELECT id FROM payouts WHERE batch_id = :batch_id AND status = :status ORDER BY created_at, id")
    return list(session.execute(query, {"batch_id": batch_id, "status": status.value}).scalars())


def _advance(session: Session, actor: Actor, batch: Batch, to: BatchStatus, note: str | None = None) -> None:
    before = batch.status
    batch.advance(to)
    session.flush()
    _note(session, actor, batch, before, note)


def _note(session: Session, actor: Actor, batch: Batch, before: BatchStatus | None, note: str | None) -> None:
    audit.timeline(
        session,
        actor,
        "batch",
        batch.id,
        batch.status.value,
        from_state=before.value if before else None,
        note=note,
        organization_id=batch.organization_id,
        audience=Audience.STAFF,
    )
