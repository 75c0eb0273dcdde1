"""Writing issued documents down, many at once, with the postings they bring. The caller acts as the platform."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.billing import snapshots
from app.billing.documents import Document
from app.billing.invoice_states import InvoiceOrigin
from app.core.clock import utc_now
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that has its number. `line_ids`: of its lines, in their order."""

    id: UUID
    organization_id: UUID
    issuer_id: UUID
    origin: InvoiceOrigin
    document: Document
    serial: int
    fiscal_year: int
    corrects_id: UUID | None = None
    corrects_line_ids: tuple[UUID, ...] = ()
    line_ids: tuple[UUID, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.line_ids:
            made = tuple(new_id() for _ in self.document.assessment.items)
            object.__setattr__(self, "line_ids", made)


_INVOICES = text(
    """INSERT INTO invoices (id, organization_id, issuer_id, kind, origin, status, currency, period_start, period_end,
        number, serial, fiscal_year, issued_on, due_on, net_minor, tax_minor, round_off_minor, total_minor, corrects_id,
        reason, snapshot, snapshot_sha256, simulated, paid_at)
    SELECT id, organization_id, issuer_id, kind, origin, CASE total_minor WHEN 0 THEN 'paid' ELSE 'sent' END,
        currency, period_start, period_end, number, serial, fiscal_year, issued_on, due_on, net_minor, tax_minor,
        round_off_minor, total_minor, corrects_id, reason, snapshot, snapshot_sha256, :simulated,
        CASE total_minor WHEN 0 THEN :now END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, organization_id uuid, issuer_id uuid, kind text,
        origin text, currency text, period_start date, period_end date, number text, serial bigint, fiscal_year bigint,
        issued_on date, due_on date, net_minor bigint, tax_minor bigint, round_off_minor bigint, total_minor bigint,
        corrects_id uuid, reason text, snapshot jsonb, snapshot_sha256 text)"""
)
_LINES = text(
    """INSERT INTO invoice_lines (id, organization_id, invoice_id, position, description, code, quantity, net_minor,
        rate_bps, tax_minor, corrects_line_id)
    SELECT id, organization_id, invoice_id, position, description, code, quantity, net_minor, rate_bps, tax_minor,
        corrects_line_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, organization_id uuid, invoice_id uuid,
        position bigint, description text, code text, quantity bigint, net_minor bigint, rate_bps bigint,
        tax_minor bigint, corrects_line_id uuid)"""
)


def write(session: ScopedSession, made: Sequence[Ready], *, simulated: bool) -> None:
    """Documents with their lines, as sent, or paid where nothing is due; who is billed is told by a job."""
    session.flush()
    session.execute(
        _INVOICES, {"rows": json.dumps([_row(one) for one in made]), "simulated": simulated, "now": utc_now()}
    )
    session.execute(_LINES, {"rows": json.dumps([line for one in made for line in _lines(one)])})
    outbox.emit_many(session, Topic.INVOICE_ISSUED, [{"invoice_id": one.id} for one in made])


def _row(one: Ready) -> dict[str, Any]:
    document, found, frozen = one.document, one.document.assessment, snapshots.freeze(one.document)
    first, last = document.period or (document.issued_on, document.issued_on)
    return {
        "id": str(one.id), "organization_id": str(one.organization_id), "issuer_id": str(one.issuer_id),
        "kind": document.kind.value, "origin": one.origin.value, "currency": found.currency,
        "period_start": first.isoformat(), "period_end": last.isoformat(), "number": document.number,
        "serial": one.serial, "fiscal_year": one.fiscal_year, "issued_on": document.issued_on.isoformat(),
        "due_on": document.due_on.isoformat() if document.due_on else None, "net_minor": found.net.minor,
        "tax_minor": found.tax.minor, "round_off_minor": found.round_off.minor, "total_minor": found.total.minor,
        "corrects_id": str(one.corrects_id) if one.corrects_id else None, "reason": document.reason,
        "snapshot": frozen, "snapshot_sha256": snapshots.digest(frozen),
    }  # fmt: skip


def _lines(one: Ready) -> list[dict[str, Any]]:
    document = one.document
    corrected = one.corrects_line_ids or (None,) * len(one.line_ids)
    return [
        {
            "id": str(line_id), "organization_id": str(one.organization_id), "invoice_id": str(one.id),
            "position": position, "description": item.item.description, "code": item.item.code, "quantity": quantity,
            "net_minor": item.net.minor, "rate_bps": item.item.rate_bps, "tax_minor": item.tax.minor,
            "corrects_line_id": str(of) if of else None,
        }
        for position, (line_id, item, quantity, of) in enumerate(
            zip(one.line_ids, document.assessment.items, document.quantities, corrected, strict=True), start=1
        )
    ]  # fmt: skip


# A credit note's tax goes the other way.
_OF_INVOICES = """SELECT CAST(i.id AS text) AS ref, i.organization_id, CAST(NULL AS uuid) AS payee_id,
    CAST(NULL AS text) AS rail, i.currency, i.number AS memo,
    CASE i.kind WHEN 'credit_note' THEN -i.{amount} ELSE i.{amount} END AS amount_minor
    FROM invoices i WHERE i.id = ANY(:ids)"""


def post_tax(session: ScopedSession, invoice_ids: Sequence[UUID]) -> None:
    """What the document adds to what was charged: tax we owe the state, and the rounding of its total."""
    for recipe, amount in ((recipes.TAX_BILLED, "tax_minor"), (recipes.TOTAL_ROUNDED, "round_off_minor")):
        ledger.post_from(session, recipe, _OF_INVOICES.format(amount=amount), {"ids": list(invoice_ids)})
