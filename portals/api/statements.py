"""`/api/admin/statements`: a program brings the statements of our accounts, and reads what nobody explained yet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from app.core.clock import today
from app.core.errors import Invalid
from app.core.scope import Permission
from app.reconciliation import queries
from app.reconciliation import statements as service
from app.reconciliation.models import BankStatement
from app.reconciliation.queries import LineFilter
from app.reconciliation.reading.values import Bookings
from app.reconciliation.states import LineState
from portals.api import platform
from portals.shared import statement_files
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.jsonio import cursor, limit, listed

SHOWN = 50  # faults named in a refusal


@platform.post("/statements")
def new_statement() -> ResponseReturnValue:
    """multipart: `file`, `account`, `currency`, `skipFaulty` → 202; the same bookings once more add nothing.

    Columns are those remembered for such files, else detected. 422 names every bad line while `skipFaulty` is not true.
    """
    g.actor.require(Permission.RECONCILE)
    name, body = statement_files.received()
    form = request.form
    record = statement_files.kept(name, body, form.get("account", "bank"), form.get("currency", "").upper())
    bookings = service.read(record, body)
    skip = form.get("skipFaulty", "").lower() == "true"
    if bookings.gaps or (bookings.faults and not skip):
        raise Invalid("The file has lines that cannot be taken.", fields=_faults(bookings))
    service.confirm(db(), g.actor, record.id, bookings, skip_faulty=skip)
    return jsonify(_statement(record)), 202


def _faults(bookings: Bookings) -> dict[str, str]:
    return {f"line {fault.line}, {fault.column}": fault.reason for fault in bookings.told(SHOWN)}


@platform.get("/statements/<uuid:statement_id>")
def one_statement(statement_id: UUID) -> Response:
    """How far it is: `status` is running, done or failed."""
    g.actor.require(Permission.RECONCILE)
    return jsonify(_statement(service.find(db(), statement_id)))


def _statement(record: BankStatement) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "account": record.account,
        "fileName": record.file_name,
        "sha256": record.file_sha256,
        "status": record.status.value.upper(),
        "read": record.summary.get("read", 0),
        "new": record.summary.get("new", 0),
        "matched": record.summary.get("matched", 0),
        "faulty": record.summary.get("faulty", 0),
        "notes": record.summary.get("notes", []),
        "firstOn": record.first_on.isoformat() if record.first_on else None,
        "lastOn": record.last_on.isoformat() if record.last_on else None,
    }


@platform.get("/statement-lines")
def statement_lines() -> Response:
    """By `state` (open, proposed, suspended, matched, written_off; default open), `account`, `since`, `until`."""
    g.actor.require(Permission.RECONCILE)
    asked = Asked()
    chosen = LineFilter(
        asked.word(LineState, "state") or LineState.OPEN, today(), account=asked.text("account"),
        search=asked.text("q"), since=asked.day("since"), until=asked.day("until"),
    )  # fmt: skip
    asked.check()
    found = queries.lines(db(), chosen, cursor(), limit())
    return listed(found, [_line(row) for row in found.items])


def _line(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "account": row.account,
        "bookedOn": row.booked_on.isoformat(),
        "amount": {"amountMinor": row.amount_minor, "currency": row.currency},
        "description": row.description,
        "counterparty": row.counterparty,
        "reference": row.reference,
        "bankReference": row.bank_reference,
        "state": row.state.upper(),
        "how": row.how or None,
        "explainedBy": row.made_by,
    }
