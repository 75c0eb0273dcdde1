"""What the bank says about a file: applied whole or not at all, to one export or to all it speaks of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.methods import notices
from app.payouts import exports, settling
from app.payouts.models import Export
from app.payouts.settling import News
from app.payouts.states import ExportStatus
from app.rails import answers, pain002
from app.rails.ach_returns import Change
from app.rails.base import Outcome
from app.rails.returns import ReturnLine


@dataclass(frozen=True, slots=True)
class Answered:
    """What a file did: payouts moved by outcome, lines that changed nothing (known before), and accounts of which the
    bank knows better details."""

    paid: int = 0
    failed: int = 0
    returned: int = 0
    unchanged: int = 0
    changes: int = 0

    def __add__(self, other: Answered) -> Answered:
        return Answered(
            self.paid + other.paid,
            self.failed + other.failed,
            self.returned + other.returned,
            self.unchanged + other.unchanged,
            self.changes + other.changes,
        )


def answer(session: ScopedSession, actor: Actor, export_id: UUID, content: bytes) -> Answered:
    """Apply the bank's answer to one export: our table with a status column, a NACHA return file or a pain.002.

    All or nothing: raises Invalid with one entry per bad line.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    export, known = _released(session, export_id)
    parsed = answers.read(content, export.id.hex, [id_ for id_ in known.ids if id_])
    return _apply(session, actor, [(export, known)], parsed, content)


_EXPORTS = text(
    """SELECT DISTINCT a.export_id FROM payout_attempts a JOIN payout_exports e ON e.id = a.export_id
    WHERE e.rail = 'bank_file' AND e.status = 'released'
        AND (a.key = ANY(:names) OR (a.rail = 'bank_file' AND a.rail_reference = ANY(:names)))"""
)


def answer_all(session: ScopedSession, actor: Actor, content: bytes) -> Answered:
    """Apply an answer to every released export it speaks of, all or nothing. Raises Invalid as `answer` does."""
    actor.require(Permission.PAYOUT_APPROVE)
    if pain002.looks_like(content):
        message_id = pain002.message_of(content)
        try:
            return answer(session, actor, UUID(hex=message_id), content)
        except ValueError:
            raise Invalid("The answer is about a message we did not make.", fields={"file": "Unknown."}) from None
    parsed = answers.read(content, "", [])
    names = [line.key for line in parsed.lines] + [change.key for change in parsed.changes]
    found = sorted(session.execute(_EXPORTS, {"names": names}).scalars())
    return _apply(session, actor, [_released(session, export_id) for export_id in found], parsed, content)


@dataclass(frozen=True, slots=True)
class _Known:
    """Amounts by key, and keys by what a bank may call a line."""

    amounts: Mapping[str, Money]
    ids: Mapping[str, str]

    def key(self, name: str) -> str:
        return self.ids.get(name, name)


def _released(session: Session, export_id: UUID) -> tuple[Export, _Known]:
    export = exports.get(session, export_id, lock=True)
    if export.status is not ExportStatus.RELEASED:
        raise Conflict("This export was not released, so the bank cannot have answered it.")
    orders = [line.order for line in exports.frozen(export)]
    return export, _Known({o.key: o.amount for o in orders}, {o.id: o.key for o in orders if o.id})


def _apply(
    session: ScopedSession,
    actor: Actor,
    found: Sequence[tuple[Export, _Known]],
    parsed: answers.BankAnswer,
    content: bytes,
) -> Answered:
    wrong = {f"line {error.line}, {error.column}": error.reason for error in parsed.errors}
    of: dict[str, tuple[Export, _Known]] = {}
    for export, known in found:
        of |= dict.fromkeys((*known.amounts, *known.ids), (export, known))
    lines: dict[UUID, dict[str, ReturnLine]] = {}
    for line in parsed.lines:
        wrong |= _take(line, of, lines)
    for change in parsed.changes:
        if change.key not in of:
            wrong[f"line {change.line}, reference"] = "This reference is not in the export."
    if wrong:
        raise Invalid("Nothing was applied: the file has lines that do not fit this export.", fields=wrong)
    if not parsed.lines and not parsed.changes:
        raise Invalid("The file has no lines about this export.")
    digest = hashlib.sha256(content).hexdigest()
    total = Answered()
    for export, known in found:
        own = [change for change in parsed.changes if of[change.key][0] is export]
        total += _settle(session, actor, export, lines.get(export.id, {}).values(), digest)
        total += _tell(session, actor, export, [replace(change, key=known.key(change.key)) for change in own])
    return total


def _take(
    line: ReturnLine, of: Mapping[str, tuple[Export, _Known]], lines: dict[UUID, dict[str, ReturnLine]]
) -> dict[str, str]:
    """Put the line under its export; what does not fit, as the file's reader will look for it."""
    if line.key not in of:
        return {f"line {line.line}, reference": "This reference is not in the export."}
    export, known = of[line.key]
    key = known.key(line.key)
    amount = known.amounts[key]
    earlier = lines.setdefault(export.id, {}).setdefault(key, replace(line, key=key))
    if earlier.line != line.line:
        return {f"line {line.line}, reference": f"This reference is on line {earlier.line} already."}
    if line.currency and line.currency != amount.currency:
        return {f"line {line.line}, currency": f"The export says {amount.currency}."}
    if line.amount is not None and line.amount != amount.major:
        return {f"line {line.line}, amount": f"The export says {amount.plain()}."}
    return {}


def _settle(session: ScopedSession, actor: Actor, export: Export, lines: Iterable[ReturnLine], digest: str) -> Answered:
    lines = list(lines)
    if not lines:
        return Answered()
    evidence = {"export": export.number, "file_sha256": digest}
    news = [  # an attempt keeps the reference it has in the file
        News(replace(line.result(), reference=""), "return file", {**evidence, "line": str(line.line)})
        for line in lines
    ]
    moved = settling.apply(session, actor, news)
    paid, failed, returned = (len(moved.get(o, ())) for o in (Outcome.PAID, Outcome.FAILED, Outcome.RETURNED))
    audit.record(
        session, actor, "export.answered", "export", export.id, organization_id=export.organization_id, **evidence,
        lines=len(lines),
    )  # fmt: skip
    exports.note(
        session, actor, export, "answered", f"Bank answered: {paid} paid, {failed} failed, {returned} returned."
    )
    return Answered(paid, failed, returned, len(lines) - paid - failed - returned)


_METHODS = text(
    """SELECT a.key, p.id AS payout_id, p.method_id FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    WHERE a.key = ANY(:keys)"""
)


def _tell(session: ScopedSession, actor: Actor, export: Export, changes: Sequence[Change]) -> Answered:
    """Notifications of change: no payout moves, the payee is asked to give the new details."""
    rows = {row.key: row for row in session.execute(_METHODS, {"keys": [change.key for change in changes]})}
    told = sum(
        notices.set_notice(session, actor, rows[change.key].method_id, change.code, change.said) for change in changes
    )
    if changes:
        exports.note(session, actor, export, "answered", f"The bank knows better details of {len(changes)} accounts.")
    return Answered(unchanged=len(changes) - told, changes=told)
