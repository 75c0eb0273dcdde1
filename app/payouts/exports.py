"""Rails without a call: a bank file, or a run of checks. Frozen when made, released by a second person, settled by the
bank's answer file or by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.models import Audience
from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db import numbering
from app.db.types import SealedText, new_id
from app.payouts import files, sending, settling
from app.payouts.models import Export
from app.payouts.rules import file_id
from app.payouts.settling import News
from app.payouts.states import ExportStatus
from app.rails import bank_file, formats, registry
from app.rails.bank_file import ExportLine
from app.rails.base import Blame, Outcome, Result, SendOrder
from app.rails.formats import FileFormat


@dataclass(frozen=True, slots=True)
class FrozenLine:
    """One line of an export as it was frozen. `number` is the check's number, "" in a bank file."""

    order: ExportLine
    number: str = ""


def get(session: Session, export_id: UUID, *, lock: bool = False) -> Export:
    """Raises NotFound."""
    query = select(Export).where(Export.id == export_id)
    export = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if export is None:
        raise NotFound("There is no such export.")
    return export


def make(session: Session, actor: Actor, payout_ids: Sequence[UUID], batch_id: UUID | None = None) -> list[Export]:
    """Freeze approved payouts of one organization into one export per rail and currency.

    Their attempts are written with it, so no line can ever be in two exports.
    """
    orders = sending.claim(session, actor, payout_ids)
    if not orders:
        return []
    query = text("SELECT id, organization_id, rail FROM payouts WHERE id = ANY(:ids)")
    facts = {row.id: row for row in session.execute(query, {"ids": [o.payout_id for o in orders]})}
    groups: dict[tuple[UUID, str, str], list[SendOrder]] = {}
    for order in orders:
        fact = facts[order.payout_id]
        groups.setdefault((fact.organization_id, fact.rail, order.amount.currency), []).append(order)
    return [
        _freeze(session, actor, organization_id, rail, group, batch_id)
        for (organization_id, rail, _currency), group in sorted(groups.items(), key=lambda item: str(item[0]))
    ]


def _freeze(
    session: Session, actor: Actor, organization_id: UUID, rail: str, orders: Sequence[SendOrder], batch_id: UUID | None
) -> Export:
    year = utc_now().year
    first = numbering.take(session, organization_id, "check", 0, len(orders)) if rail == "check" else 0
    legal = files.companies(session, [order.payout_id for order in orders])
    lines = [
        FrozenLine(
            ExportLine.of(order, file_id(order.key), legal.get(order.payout_id)),
            f"{first + index:06d}" if first else "",
        )
        for index, order in enumerate(orders)
    ]
    content = _content(lines)
    export_id = new_id()
    export = Export(
        id=export_id,
        organization_id=organization_id,
        batch_id=batch_id,
        number=f"EX-{year}-{numbering.take(session, organization_id, 'export', year):03d}",
        rail=rail,
        currency=orders[0].amount.currency,
        line_count=len(lines),
        total_minor=sum(order.amount.minor for order in orders),
        lines_sealed=SealedText(seal(content, _context(export_id))),
        file_sha256=_content_sha256(content),
        made_by=actor.label,
        made_by_account_id=actor.account_id,
    )
    if rail == "bank_file":
        files.set_first(session, export, [line.order for line in lines])
    session.add(export)
    session.flush()
    session.execute(
        text(
            """UPDATE payout_attempts a SET export_id = :export_id, rail_reference = nullif(n.number, '')
            FROM unnest(CAST(:keys AS text[]), CAST(:numbers AS text[])) AS n (key, number) WHERE a.key = n.key"""
        ),
        {
            "export_id": export.id,
            "keys": [line.order.key for line in lines],
            "numbers": [line.number or line.order.id for line in lines],
        },
    )
    note(session, actor, export, "ready", f"{len(lines)} lines frozen; waiting for a second person to release them.")
    audit.record(session, actor, "export.made", "export", export.id, organization_id=organization_id, lines=len(lines))
    return export


def _context(export_id: UUID) -> str:
    return f"payout_exports.lines:{export_id}"


def _content(lines: Sequence[FrozenLine]) -> list[dict[str, Any]]:
    return [
        {
            "key": line.order.key,
            "payee_name": line.order.payee_name,
            "amount_minor": line.order.amount.minor,
            "currency": line.order.amount.currency,
            "reference": line.order.reference,
            "destination": dict(line.order.destination),
            "number": line.number,
            "id": line.order.id,
            "company": line.order.company,
        }
        for line in lines
    ]


def _content_sha256(content: Sequence[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256_now(export: Export, lines: Sequence[FrozenLine]) -> str:
    """The hash as it follows from what was frozen."""
    if export.rail == "bank_file":
        return bank_file.sha256(files.render(export, [line.order for line in lines]))
    return _content_sha256(open_sealed(export.lines_sealed, _context(export.id)))


def choose_format(session: Session, actor: Actor, export_id: UUID, wanted: FileFormat) -> Export:
    """Another format for a bank file that was not released yet; whoever chooses it has made the file too.

    Raises Conflict with the reason where it cannot be had.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    export = get(session, export_id, lock=True)
    if export.rail != "bank_file" or export.status is not ExportStatus.READY:
        raise Conflict("Only the format of a bank file that waits for its release can be chosen.")
    if wanted is export.format:
        return export
    files.set_format(session, export, [line.order for line in frozen(export)], wanted)
    export.format_by, export.format_by_account_id = actor.label, actor.account_id
    label = formats.SPECS[wanted].label
    note(session, actor, export, "ready", f"The format is {label} now; SHA-256 {export.file_sha256}.")
    audit.record(
        session, actor, "export.format_chosen", "export", export.id, organization_id=export.organization_id,
        format=wanted.value, sha256=export.file_sha256,
    )  # fmt: skip
    return export


def why_not_release(export: Any, actor: Actor) -> str:
    """Why this person may not release it, "" when they may: who made the file, or chose its format, may not."""
    if actor.account_id is None:
        return "Only a signed-in person can release it."
    if actor.account_id == export.made_by_account_id:
        return "You made this export; somebody else has to release it."
    if actor.account_id == export.format_by_account_id:
        return "You chose the format of this export; somebody else has to release it."
    return ""


def release(session: Session, actor: Actor, export_id: UUID) -> Export:
    """The second person's yes: the file may be downloaded, its payouts count as handed to the rail.

    Raises Forbidden for whoever made it, Conflict when the sealed lines do not give the hash they were frozen with.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    export = get(session, export_id, lock=True)
    why_not = why_not_release(export, actor)
    if why_not:
        raise Forbidden(why_not)
    lines = frozen(export)
    if _sha256_now(export, lines) != export.file_sha256:
        raise Conflict(
            "The lines of this export do not match their hash. Do not use it; void it and look at the audit."
        )
    export.advance(ExportStatus.RELEASED)
    export.released_by, export.released_by_account_id = actor.label, actor.account_id
    export.released_at = utc_now()
    results = [
        Result(line.order.key, Outcome.ACCEPTED, line.number or line.order.id or line.order.key) for line in lines
    ]
    settling.apply(session, actor, [News(result, "person", {"export": export.number}) for result in results])
    note(session, actor, export, "released", f"Released; SHA-256 {export.file_sha256}.")
    audit.record(session, actor, "export.released", "export", export.id, organization_id=export.organization_id)
    return export


def void(session: Session, actor: Actor, export_id: UUID, reason: str) -> Export:
    """Before its release: nothing went out, the payouts fail with that reason and can be retried."""
    actor.require(Permission.PAYOUT_APPROVE)
    export = get(session, export_id, lock=True)
    export.advance(ExportStatus.VOID)
    message = f"The export {export.number} was made void: {reason}"
    news = [
        News(
            Result(line.order.key, Outcome.FAILED, "", "void", message, "It can be sent again.", Blame.RETRY), "person"
        )
        for line in frozen(export)
    ]
    settling.apply(session, actor, news)
    note(session, actor, export, "void", reason)
    audit.record(session, actor, "export.voided", "export", export.id, organization_id=export.organization_id)
    return export


def frozen(export: Export) -> list[FrozenLine]:
    """The lines as they were frozen, with full destinations: not for showing."""
    return [
        FrozenLine(
            ExportLine(
                item["key"],
                item["payee_name"],
                Money(item["amount_minor"], item["currency"]),
                item["reference"],
                item["destination"],
                item.get("id", ""),
                item.get("company"),
            ),
            item["number"],
        )
        for item in open_sealed(export.lines_sealed, _context(export.id))
    ]


def open_lines(session: Session, actor: Actor, export_id: UUID, purpose: str) -> tuple[Export, list[FrozenLine]]:
    """The lines with full destinations, to download the file or print the checks; every opening is audited.

    Raises Conflict before the release.
    """
    actor.require(Permission.PAYOUT_APPROVE)
    export = get(session, export_id)
    if export.status is not ExportStatus.RELEASED:
        raise Conflict("A second person has to release this export first.")
    audit.record(
        session, actor, f"export.{purpose}", "export", export.id, organization_id=export.organization_id,
        sha256=export.file_sha256,
    )  # fmt: skip
    return export, frozen(export)


def download(session: Session, actor: Actor, export_id: UUID) -> tuple[Export, bytes]:
    """The bank file: always the same bytes. Raises Conflict before the release, and for checks."""
    export, lines = open_lines(session, actor, export_id, "downloaded")
    if export.rail != "bank_file":
        raise Conflict("Checks are printed, not uploaded.")
    return export, files.render(export, [line.order for line in lines])


def mark(session: Session, actor: Actor, payout_id: UUID, outcome: Outcome, note: str) -> None:
    """What a person saw at the bank: paid, failed or returned. Only for rails that export, after the release."""
    actor.require(Permission.PAYOUT_APPROVE)
    if not note.strip():
        raise Invalid("Say how you know, for example the line of the bank statement.", fields={"note": "Needed."})
    query = text(
        """SELECT a.key, a.rail, e.status FROM payout_attempts a LEFT JOIN payout_exports e ON e.id = a.export_id
        WHERE a.payout_id = :id ORDER BY a.number DESC LIMIT 1"""
    )
    row = session.execute(query, {"id": payout_id}).one_or_none()
    if row is None or not registry.rail(row.rail).exports:
        raise Conflict("Only payouts by file or check are settled by hand; other rails say it themselves.")
    if row.status != ExportStatus.RELEASED.value:
        raise Conflict("Release the export first.")
    result = Result(row.key, outcome, "", "by_hand", note.strip())
    moved = settling.apply(session, actor, [News(result, "person", {"note": note.strip(), "by": actor.label})])
    if not any(moved.values()):
        raise Conflict("The payout is past that already.")
    audit.record(session, actor, f"payout.marked_{outcome.value}", "payout", payout_id, note=note.strip())


def note(session: Session, actor: Actor, export: Export, to_state: str, said: str) -> None:
    """A step in the life of an export, for staff."""
    audit.timeline(
        session, actor, "export", export.id, to_state, note=said, organization_id=export.organization_id,
        audience=Audience.STAFF,
    )  # fmt: skip
