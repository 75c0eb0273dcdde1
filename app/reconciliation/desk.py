"""What a person says about a line: what it is, that nobody knows, or that an earlier answer was wrong.

Lines move between the queue and their matches; nothing is changed in either. A match moves money in three cases only:
suspense and write-offs are posted in the platform's own books, and payouts by file or check follow the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.billing.profiles import house_of
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.reconciliation import matching, targets
from app.reconciliation.models import MatchPart, StandingMatch, StatementLine, StatementMatch, TakenTarget
from app.reconciliation.statements import hold_desk
from app.reconciliation.states import TAKEN, How, Resolution, TargetKind
from app.reconciliation.targets import Target

SUBJECT = "statement_line"
LONGEST_NOTE = 500
MOST_TARGETS = 200
Part = tuple[TargetKind, UUID | None, int]
POSTED = {
    TargetKind.SUSPENSE: recipes.LINE_SUSPENDED,
    TargetKind.WRITE_OFF: recipes.LINE_WRITTEN_OFF,
}


def line(session: Session, line_id: UUID) -> StatementLine:
    """Raises NotFound."""
    found = session.get(StatementLine, line_id)
    if found is None:
        raise NotFound("There is no such line.")
    return found


def match(
    session: ScopedSession,
    actor: Actor,
    line_id: UUID,
    chosen: Sequence[tuple[TargetKind, UUID]],
    *,
    note: str = "",
    rest_to_suspense: bool = False,
) -> StatementMatch:
    """Say what a line is about: one thing, or several whose amounts add up to it; the rest may go to suspense.

    Raises Forbidden, NotFound, Conflict for what is explained already, Invalid for amounts that do not add up.
    """
    actor.require(Permission.RECONCILE)
    hold_desk(session)
    this = line(session, line_id)
    if not 0 < len(chosen) <= MOST_TARGETS or len(set(chosen)) != len(chosen):
        raise Invalid(f"Choose one to {MOST_TARGETS} different things this line is about.")
    targets.refuse_counting_twice(session, chosen)
    found = [targets.find(session, kind, target_id) for kind, target_id in chosen]
    parts = [_part(this, target) for target in found]
    rest = this.amount_minor - sum(minor for _kind, _id, minor in parts)
    if rest and not rest_to_suspense:
        said = f"What you chose differs from the line by {Money(rest, this.currency).plain()} {this.currency}."
        raise Invalid(f"{said} Choose more or less, or put the rest into suspense.", fields={"rest_to_suspense": said})
    if rest:
        parts.append((TargetKind.SUSPENSE, None, rest))
    made = settle(session, actor, this, Resolution.MATCHED, parts, note=note)
    for kind in {target.kind for target in found}:
        ids = [target.id for target in found if target.kind is kind]
        matching.settle(session, actor, kind, matching.line_rows(this.id, this.booked_on, ids))
    return made


def _part(this: StatementLine, target: Target) -> Part:
    if target.amount.currency != this.currency or target.account != this.account:
        raise Invalid(f"{target.label} is of another account or currency than this line.")
    if (target.amount.minor < 0) != (this.amount_minor < 0):
        raise Invalid(f"{target.label} went the other way than this line.")
    return target.kind, target.id, target.amount.minor


def suspend(session: ScopedSession, actor: Actor, line_id: UUID, note: str) -> StatementMatch:
    """Nobody knows yet: the line is posted to suspense until somebody does. Raises Forbidden, Conflict, Invalid."""
    actor.require(Permission.RECONCILE)
    hold_desk(session)
    if not note.strip():
        raise Invalid("Say what is known, for whoever finds out.", fields={"note": "Say what is known."})
    this = line(session, line_id)
    parts = [(TargetKind.SUSPENSE, None, this.amount_minor)]
    return settle(session, actor, this, Resolution.SUSPENDED, parts, note=note)


def settle(
    session: ScopedSession, actor: Actor, this: StatementLine, resolution: Resolution, parts: Sequence[Part], *,
    note: str, how: How = How.PERSON,
) -> StatementMatch:  # fmt: skip
    """Take a line out of the queue with its parts, and post what has no row elsewhere. The desk is held."""
    gone = session.execute(
        text("DELETE FROM open_statement_lines WHERE line_id = :id AND write_off_id IS NULL RETURNING line_id"),
        {"id": this.id},
    ).first()
    if gone is None:
        raise Conflict("This line is explained already, or a write-off of it waits for a second person.")
    made = StatementMatch(
        id=new_id(), line_id=this.id, resolution=resolution, how=how, note=_note(note), made_by=actor.label,
        made_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    rows = [
        {"match_id": made.id, "position": number, "kind": kind, "target_id": target_id, "amount_minor": minor}
        for number, (kind, target_id, minor) in enumerate(parts, 1)
    ]
    session.execute(insert(MatchPart).values(rows))
    taken = [{"kind": k, "target_id": target_id, "match_id": made.id} for k, target_id, _ in parts if k in TAKEN]
    if taken:
        session.execute(insert(TakenTarget).values(taken))
    _post(session, this, made.id, [(kind, minor) for kind, _id, minor in parts])
    audit.record(
        session, actor, f"line.{resolution.value}", SUBJECT, this.id, amount_minor=this.amount_minor,
        currency=this.currency, note=made.note, parts=[kind.value for kind, _id, _minor in parts],
    )  # fmt: skip
    return made


def _post(session: ScopedSession, this: StatementLine, ref: UUID, parts: Sequence[tuple[TargetKind, int]]) -> None:
    for kind, minor in parts:
        if kind in POSTED:
            ledger.post(
                session, POSTED[kind], ref=str(ref), organization_id=house_of(session),
                amount=Money(minor, this.currency), rail=this.account, memo=this.description[:140] or None,
            )  # fmt: skip


def undo(session: ScopedSession, actor: Actor, line_id: UUID, note: str) -> StatementMatch:
    """An answer was wrong: the line waits again, what was posted for it is posted back. Payouts that the statement
    confirmed stay as they are; their own page says what can be done. Raises Forbidden, NotFound, Conflict, Invalid."""
    actor.require(Permission.RECONCILE)
    hold_desk(session)
    if not note.strip():
        raise Invalid("Say what was wrong.", fields={"note": "Say what was wrong."})
    this, standing = line(session, line_id), standing_match(session, line_id)
    if standing is None:
        raise Conflict("This line is not explained, so nothing can be taken back.")
    made = StatementMatch(
        id=new_id(), line_id=this.id, resolution=standing.resolution, how=How.PERSON, note=_note(note),
        made_by=actor.label, made_by_account_id=actor.account_id, undoes_id=standing.id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.execute(text("DELETE FROM taken_targets WHERE match_id = :id"), {"id": standing.id})
    session.execute(
        text(
            """INSERT INTO open_statement_lines (line_id, account, booked_on, currency, amount_minor)
            SELECT id, account, booked_on, currency, amount_minor FROM statement_lines WHERE id = :id"""
        ),
        {"id": this.id},
    )
    parts = session.execute(
        text("SELECT kind, amount_minor FROM statement_match_parts WHERE match_id = :id ORDER BY position"),
        {"id": standing.id},
    )
    _post(session, this, made.id, [(TargetKind(part.kind), -part.amount_minor) for part in parts])
    audit.record(
        session, actor, "line.undone", SUBJECT, this.id, amount_minor=this.amount_minor, currency=this.currency,
        note=made.note, was=standing.resolution.value,
    )  # fmt: skip
    return made


def standing_match(session: Session, line_id: UUID) -> StatementMatch | None:
    """The match of a line that nothing undid; None while it is in the queue."""
    return session.scalar(select(StandingMatch).where(StandingMatch.line_id == line_id))


def _note(text: str) -> str:
    note = text.strip()
    if len(note) > LONGEST_NOTE:
        said = f"At most {LONGEST_NOTE} letters."
        raise Invalid(said, fields={"note": said})
    return note
