"""Files of banks, from the upload to lines in the queue. The same booking is taken once, whatever file it is in."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import CURRENCIES, Money
from app.core.scope import Actor, Permission
from app.core.tables.choices import Choices
from app.core.topics import Topic
from app.db import locks, outbox, uploads
from app.db.types import new_id
from app.files import service as files
from app.rails.accounts import ACCOUNTS
from app.reconciliation.models import BankStatement, StatementFormat
from app.reconciliation.reading import camt, tables
from app.reconciliation.reading.values import Booking, Bookings
from app.reconciliation.states import StatementKind, StatementStatus

SUBJECT = "bank_statement"
AT_ONCE = 5_000  # lines written in one transaction
MOST_NOTES = 50  # kept with the statement


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `known`: came in another file; `doubtful`: new, though another file has a booking of
    that day and amount that is written differently."""

    new: int
    known: int
    doubtful: int
    first_on: date | None
    last_on: date | None
    totals: dict[str, tuple[Money, Money]]


def kind_of(body: bytes) -> StatementKind:
    return StatementKind.CAMT if camt.looks_like(body) else StatementKind.CSV


def keep(
    session: Session, actor: Actor, *, account: str, currency: str, kind: StatementKind, file_id: UUID | None,
    name: str, sha256: str, choices: Choices,
) -> BankStatement:  # fmt: skip
    """Note a file before anything of it is taken. Raises Forbidden, Invalid for an account or currency nobody knows."""
    actor.require(Permission.RECONCILE)
    _check(account, currency)
    record = BankStatement(
        id=new_id(), account=account, kind=kind, currency=currency, file_id=file_id, file_name=name,
        file_sha256=sha256, status=StatementStatus.UPLOADED, choices=choices.kept(), summary={"at": 0, "new": 0},
        imported_by=actor.label, imported_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(record)
    session.flush()
    audit.record(session, actor, "statement.uploaded", SUBJECT, record.id, file=name, sha256=sha256, account=account)
    return record


def _check(account: str, currency: str) -> None:
    wrong = {}
    if account not in ACCOUNTS:
        wrong["account"] = "Choose one of our accounts."
    if currency not in CURRENCIES:
        wrong["currency"] = "Choose a currency of the list."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def read(record: BankStatement, body: bytes) -> Bookings:
    """The file as it was decided to be read. Raises Invalid."""
    if record.kind is StatementKind.CAMT:
        return camt.read_camt(body)
    choices = Choices.of(record.choices)
    table = tables.open_table(body, choices)
    return tables.read_bookings(table, tables.matched(table, choices), currency=record.currency, choices=choices)


def headings_sha256(headings: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join(headings).encode()).hexdigest()


def remembered(session: Session, account: str, headings: tuple[str, ...]) -> Choices | None:
    """How files with these headings were read last, None for ones nobody has seen."""
    kept = session.scalar(
        select(StatementFormat.choices).where(
            StatementFormat.account == account, StatementFormat.headings_sha256 == headings_sha256(headings)
        )
    )
    return Choices.of(kept) if kept else None


def choose(
    session: Session, actor: Actor, statement_id: UUID, choices: Choices, currency: str, headings: tuple[str, ...]
) -> BankStatement:
    """Decide how a file is read, for this one and the next with the same headings. Raises NotFound, Conflict."""
    actor.require(Permission.RECONCILE)
    record = waiting(session, statement_id)
    _check(record.account, currency)
    record.choices, record.currency = choices.kept(), currency
    values = {"choices": record.choices, "chosen_by": actor.label}
    session.execute(
        insert(StatementFormat)
        .values(id=new_id(), account=record.account, headings_sha256=headings_sha256(headings), **values)
        .on_conflict_do_update(index_elements=["account", "headings_sha256"], set_=values)
    )
    session.flush()
    return record


_KNOWN = text("SELECT dedupe_key FROM statement_lines WHERE account = :account AND dedupe_key = ANY(:keys)")
_ALIKE = text(
    """SELECT booked_on, currency, amount_minor, count(*) AS n FROM statement_lines
    WHERE account = :account AND booked_on BETWEEN :first AND :last AND dedupe_key <> ALL(:keys) GROUP BY 1, 2, 3"""
)


def preview(session: Session, actor: Actor, record: BankStatement, bookings: Bookings) -> Preview:
    """What would come of a file. Nothing is written. Raises Forbidden."""
    actor.require(Permission.RECONCILE)
    keys = bookings.keys()
    known = set(session.scalars(_KNOWN, {"account": record.account, "keys": keys}))
    days = [row.booked_on for row in bookings.rows]
    first, last = (min(days), max(days)) if days else (None, None)
    new = Counter(
        (row.booked_on, row.currency, row.amount_minor)
        for row, key in zip(bookings.rows, keys, strict=True)
        if key not in known
    )
    asked = {"account": record.account, "first": first, "last": last, "keys": keys}
    alike = {(row.booked_on, row.currency, row.amount_minor): row.n for row in session.execute(_ALIKE, asked)}
    doubtful = sum(min(count, alike.get(what, 0)) for what, count in new.items())
    return Preview(new.total(), len(known), doubtful, first, last, bookings.totals())


def confirm(
    session: Session, actor: Actor, statement_id: UUID, bookings: Bookings, *, skip_faulty: bool
) -> BankStatement:
    """Hand a file to the job that takes it, once. Raises Forbidden, NotFound, Conflict, Invalid for faults nobody
    agreed to leave out, for sums that do not agree, and for a file without bookings."""
    actor.require(Permission.RECONCILE)
    record = waiting(session, statement_id)
    if bookings.gaps:
        raise Invalid(
            "The balances of the file do not agree with its bookings: part of it is missing. Export it again, or leave"
            " the column of the balance out."
        )
    uploads.agreed(bookings.faulty, skip_faulty, "skip_faulty")
    if not bookings.rows:
        raise Invalid("There is no booking in this file.")
    days = [row.booked_on for row in bookings.rows]
    record.status, record.first_on, record.last_on = StatementStatus.RUNNING, min(days), max(days)
    record.imported_by, record.imported_by_account_id = actor.label, actor.account_id
    record.summary = {
        "at": 0, "new": 0, "matched": 0, "read": len(bookings.rows), "faulty": bookings.faulty,
        "left_out": bookings.left_out, "checked": bookings.checked,
        "notes": [note.reason for note in bookings.notes[:MOST_NOTES]],
    }  # fmt: skip
    session.flush()
    outbox.emit(session, Topic.STATEMENT_CONFIRMED, statement_id=statement_id)
    return record


_ADD = text(
    """WITH added AS (
        INSERT INTO statement_lines (statement_id, account, line, booked_on, currency, amount_minor, balance_minor,
            description, counterparty, reference, bank_reference, tokens, dedupe_key)
        SELECT CAST(:statement_id AS uuid), :account, x.line, x.booked_on, x.currency, x.amount_minor, x.balance_minor,
            x.description, x.counterparty, x.reference, x.bank_reference, x.tokens, x.dedupe_key
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (line bigint, booked_on date, currency text,
            amount_minor bigint, balance_minor bigint, description text, counterparty text, reference text,
            bank_reference text, tokens text[], dedupe_key text)
        ON CONFLICT (account, dedupe_key) DO NOTHING
        RETURNING id, account, booked_on, currency, amount_minor
    ), queued AS (
        INSERT INTO open_statement_lines (line_id, account, booked_on, currency, amount_minor)
        SELECT id, account, booked_on, currency, amount_minor FROM added
    )
    SELECT count(*) FROM added"""
)


def take(session: Session, record: BankStatement, bookings: Bookings, keys: list[str]) -> bool:
    """Write the next lines of a confirmed file; False when all are. `record` is locked and keeps how far it is."""
    done = int(record.summary["at"])
    rows, known_by = bookings.rows[done : done + AT_ONCE], keys[done : done + AT_ONCE]
    content = json.dumps([_row(row, key) for row, key in zip(rows, known_by, strict=True)], default=str)
    new = session.scalar(_ADD, {"statement_id": record.id, "account": record.account, "rows": content})
    record.summary = {**record.summary, "at": done + len(rows), "new": record.summary["new"] + int(new or 0)}
    session.flush()
    return done + len(rows) < len(bookings.rows)


def _row(row: Booking, key: str) -> dict[str, Any]:
    return {
        "line": row.line, "booked_on": row.booked_on, "currency": row.currency, "amount_minor": row.amount_minor,
        "balance_minor": row.balance_minor, "description": row.description, "counterparty": row.counterparty,
        "reference": row.reference, "bank_reference": row.bank_id, "tokens": row.tokens(), "dedupe_key": key,
    }  # fmt: skip


def finish(session: Session, record: BankStatement, matched: int) -> None:
    """All lines are there, and those that explain themselves are matched."""
    record.summary = {**record.summary, "matched": matched}
    record.status, record.finished_at = StatementStatus.DONE, utc_now()
    audit.record(
        session, actor_of(record), "statement.imported", SUBJECT, record.id, file=record.file_name,
        sha256=record.file_sha256, new=record.summary["new"], matched=matched,
    )  # fmt: skip


def fail(session: Session, record: BankStatement, reason: str) -> None:
    """The job could not take the file; the reason is for the person who uploaded it."""
    record.status, record.finished_at = StatementStatus.FAILED, utc_now()
    record.summary = {**record.summary, "reason": reason}
    session.flush()


def discard(session: Session, actor: Actor, statement_id: UUID) -> None:
    """Give up a file nothing was taken from. Raises Forbidden, NotFound, Conflict."""
    actor.require(Permission.RECONCILE)
    record = waiting(session, statement_id)
    file_id, record.file_id = record.file_id, None
    session.flush()
    if file_id is not None:
        files.remove(session, actor, file_id)
    session.execute(delete(BankStatement).where(BankStatement.id == statement_id))
    audit.record(session, actor, "statement.discarded", SUBJECT, statement_id, file=record.file_name)


def actor_of(record: BankStatement) -> Actor:
    return Actor(record.imported_by, "system", record.imported_by_account_id)


def find(session: Session, statement_id: UUID, *, lock: bool = False) -> BankStatement:
    """Raises NotFound."""
    query = select(BankStatement).where(BankStatement.id == statement_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such statement.")
    return found


def waiting(session: Session, statement_id: UUID) -> BankStatement:
    """The statement, locked, while nothing of it was taken. Raises NotFound, Conflict."""
    record = find(session, statement_id, lock=True)
    if record.status is not StatementStatus.UPLOADED:
        raise Conflict("This statement is being imported or is imported already.")
    return record


def hold_desk(session: Session) -> None:
    """One at a time decides what lines are; kept until commit."""
    locks.hold(session, "reconciliation")
