"""Billing what was charged: one service for the close of a month, the button and the API.

Many organizations at once in a handful of statements; only tax and wording are worked out one by one. Numbers are
taken in the transaction that issues, so there is no gap. The caller acts as the platform.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from app.audit import service as audit
from app.billing import issuing, numbers, parties, taxing
from app.billing.assessment import Item
from app.billing.documents import Document, DocumentKind
from app.billing.invoice_states import InvoiceOrigin
from app.billing.issuing import Ready
from app.billing.parties import Billed, Issuer
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, Refusal
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.planning import many_rows
from app.db.session import ScopedSession
from app.db.types import new_id

log = logging.getLogger(__name__)
MOST_LINES = 400  # on one invoice; what is beyond them is summed up
NOTHING = "There is nothing to bill: no charge since the last invoice."
UNFORESEEN = "It could not be billed, for a reason nobody foresaw. The log says which."


@dataclass(frozen=True, slots=True)
class Group:
    """Charges alike: so many of the same, at the same price."""

    description: str
    unit_minor: int
    quantity: int
    net_minor: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice and the groups of charges in it."""

    description: str
    quantity: int
    net_minor: int
    groups: tuple[Group, ...]


def bill(
    session: ScopedSession, actor: Actor, organization_ids: Sequence[UUID], *, before: datetime, origin: InvoiceOrigin
) -> list[UUID]:
    """Invoices of everything that these organizations were charged before a moment, one for each currency; their ids.

    Who owes nothing gets none; twice bills nothing twice. Issued at once, with number, due date and tax posted.
    Raises Conflict, Invalid for what is missing of a party: then nothing is billed.
    """
    locks.hold_each(session, "billing", organization_ids)
    groups = _groups(session, organization_ids, before)
    if not groups:
        return []
    issuer = parties.issuer(session)
    buyers = parties.billed(session, list({organization_id for organization_id, _ in groups}))
    today = utc_now().date()
    year = numbers.fiscal_year(issuer.party.country, today)
    serial = numbers.take(session, issuer.id, DocumentKind.INVOICE, year, len(groups))
    made, moves = [], []
    for place, ((organization_id, currency), found) in enumerate(sorted(groups.items(), key=_first)):
        lines = fold(found)
        number = numbers.text_of(issuer.prefix, issuer.party.country, DocumentKind.INVOICE, year, serial + place)
        document = _document(
            issuer, buyers[organization_id], currency, lines, number, today, _span(found, before, origin)
        )
        ready = Ready(new_id(), organization_id, issuer.id, origin, document, serial + place, year)
        made.append(ready)
        moves += _moves(ready, lines)
    issuing.write(session, made, simulated=settings().sandbox)
    _take(session, organization_ids, moves, before)
    issuing.post_tax(session, [one.id for one in made])
    audit.record_across(
        session, actor, "invoice.issued", "invoice",
        [(one.id, one.organization_id, {"number": one.document.number}) for one in made],
    )  # fmt: skip
    return [one.id for one in made]


def bill_one(session: ScopedSession, actor: Actor, organization_id: UUID, *, origin: InvoiceOrigin) -> list[UUID]:
    """Everything up to now. Raises Conflict when there is nothing."""
    made = bill(session, actor, [organization_id], before=utc_now(), origin=origin)
    if not made:
        raise Conflict(NOTHING)
    return made


@dataclass(frozen=True, slots=True)
class Closed:
    """One chunk of a month's close. `refused`: why an organization was not billed; the others were."""

    invoice_ids: tuple[UUID, ...]
    refused: Mapping[UUID, str]


def close(session: ScopedSession, actor: Actor, organization_ids: Sequence[UUID], *, before: datetime) -> Closed:
    """A chunk of organizations at the end of a month. One that cannot be billed does not stop the others.

    Neither does one whose data trips over something nobody thought of. A database that is away, or busy, is nobody's
    fault: the job tries again.
    """
    try:
        with session.begin_nested():
            made = bill(session, actor, organization_ids, before=before, origin=InvoiceOrigin.MONTH)
            return Closed(tuple(made), {})
    except Refusal as refusal:
        why = refusal.message
    except (ValueError, ArithmeticError, LookupError, DataError, IntegrityError):
        why = UNFORESEEN
        if len(organization_ids) == 1:
            log.exception("an organization could not be billed", extra={"organization_id": str(organization_ids[0])})
    if len(organization_ids) == 1:
        return Closed((), {organization_ids[0]: why})
    half = len(organization_ids) // 2
    parts = [close(session, actor, part, before=before) for part in (organization_ids[:half], organization_ids[half:])]
    refused = {organization_id: why for part in parts for organization_id, why in part.refused.items()}
    return Closed(tuple(one for part in parts for one in part.invoice_ids), refused)


def ask_close(session: ScopedSession, actor: Actor) -> datetime:
    """Have the month that is over billed by the job, as it is on the 1st; returns where it ends. Twice bills nothing
    twice. Raises Forbidden, Conflict while the platform has not said who it is."""
    actor.require(Permission.PLATFORM)
    parties.issuer(session)
    before = month_start(utc_now())
    outbox.emit(session, Topic.MONTH_CLOSE, due_at=before.isoformat())
    audit.record(session, actor, "invoice.close_asked", "invoice", None, before=before.isoformat())
    return before


def month_start(moment: datetime) -> datetime:
    """Midnight UTC of the first day of the month a moment is in."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def note_refused(session: ScopedSession, actor: Actor, organization_id: UUID, why: str) -> None:
    """For whoever looks into it: the organization was not billed, and why."""
    audit.record(
        session, actor, "invoice.refused", "organization", organization_id, organization_id=organization_id, why=why
    )


_GROUPS = text(
    """SELECT organization_id, currency, description, amount_minor AS unit_minor, count(*) AS quantity,
        CAST(sum(amount_minor) AS bigint) AS net_minor, min(charged_at) AS first_at
    FROM (
        SELECT * FROM unbilled_charges WHERE organization_id = ANY(:ids) AND charged_at < :before
        ORDER BY charge_id FOR UPDATE
    ) u GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 DESC"""
)


def _groups(
    session: ScopedSession, organization_ids: Sequence[UUID], before: datetime
) -> dict[tuple[UUID, str], list[Group]]:
    found: dict[tuple[UUID, str], list[Group]] = defaultdict(list)
    for row in session.execute(_GROUPS, {"ids": list(organization_ids), "before": before}):
        found[row.organization_id, row.currency].append(
            Group(row.description, row.unit_minor, row.quantity, row.net_minor, row.first_at)
        )
    return found


def _first(entry: tuple[tuple[UUID, str], list[Group]]) -> tuple[UUID, str]:
    return entry[0]


def fold(groups: Sequence[Group], most: int = MOST_LINES) -> list[Line]:
    """A line for each group; with too many of them a line for each description, and the rest in one."""
    lines = [_line(group.description, [group]) for group in groups]
    if len(lines) > most:
        by_name: dict[str, list[Group]] = defaultdict(list)
        for group in groups:
            by_name[group.description].append(group)
        lines = [_line(name, found) for name, found in by_name.items()]
    if len(lines) > most:
        rest = [group for line in lines[most - 1 :] for group in line.groups]
        lines = [*lines[: most - 1], _line("Further consultations", rest)]
    return lines


def _line(description: str, groups: Iterable[Group]) -> Line:
    found = tuple(groups)
    return Line(description, sum(one.quantity for one in found), sum(one.net_minor for one in found), found)


def _span(groups: Sequence[Group], before: datetime, origin: InvoiceOrigin) -> tuple[date, date]:
    last = (before.astimezone(UTC) - timedelta(microseconds=1)).date()
    if origin is InvoiceOrigin.MONTH:
        return last.replace(day=1), last
    return min(one.first_at for one in groups).astimezone(UTC).date(), last


def _document(
    issuer: Issuer, buyer: Billed, currency: str, lines: Sequence[Line], number: str, today: date,
    span: tuple[date, date],
) -> Document:  # fmt: skip
    items = [
        Item(line.description, Money(line.net_minor, currency), issuer.service_rate_bps, issuer.service_code)
        for line in lines
    ]
    try:
        assessment = taxing.assess(issuer.seller, buyer.buyer, items)
    except Invalid as refusal:
        raise Conflict(f"{buyer.party.name}: {refusal.message}") from refusal
    return Document(
        kind=DocumentKind.INVOICE, number=number, issued_on=today, seller=issuer.party, buyer=buyer.party,
        assessment=assessment, quantities=tuple(line.quantity for line in lines),
        due_on=today + timedelta(days=buyer.terms_days), period=span, buyer_reference=buyer.reference,
        terms=f"Net {buyer.terms_days}" if buyer.terms_days else "Due on receipt", bank=issuer.bank,
    )  # fmt: skip


def _moves(ready: Ready, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Which charges go to which line."""
    return [
        {
            "organization_id": str(ready.organization_id), "currency": ready.document.assessment.currency,
            "description": group.description, "unit_minor": group.unit_minor, "invoice_id": str(ready.id),
            "line_id": str(line_id), "quantity": group.quantity,
        }
        for line_id, line in zip(ready.line_ids, lines, strict=True)
        for group in line.groups
    ]  # fmt: skip


_TAKE = text(
    """WITH place AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS x (
            organization_id uuid, currency text, description text, unit_minor bigint, invoice_id uuid, line_id uuid)
    ), taken AS (
        DELETE FROM unbilled_charges u USING place p
        WHERE u.organization_id = ANY(:ids) AND u.organization_id = p.organization_id AND u.currency = p.currency
            AND u.description = p.description AND u.amount_minor = p.unit_minor AND u.charged_at < :before
        RETURNING u.charge_id, u.organization_id, u.amount_minor, p.invoice_id, p.line_id
    ), billed AS (
        INSERT INTO billed_charges (charge_id, organization_id, invoice_id, line_id, amount_minor)
        SELECT charge_id, organization_id, invoice_id, line_id, amount_minor FROM taken RETURNING 1
    ) SELECT count(*) FROM billed"""
)


def _take(
    session: ScopedSession, organization_ids: Sequence[UUID], moves: Sequence[Mapping[str, Any]], before: datetime
) -> None:
    """Out of the queue, onto their lines. What came into the queue since it was counted is a fault: try again."""
    with many_rows(session):
        values = {"ids": list(organization_ids), "moves": json.dumps(moves), "before": before}
        count = session.execute(_TAKE, values).scalar_one()
    if count != sum(move["quantity"] for move in moves):
        raise Conflict("Something was charged while this was billed. Try again.")
