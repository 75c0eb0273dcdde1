"""The monthly statement of a payee with one organization in one currency: opening, what moved, closing.

Read from the books alone, so a past month never changes and the closing of one month is the opening of the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import csv
from app.core.clock import utc_now
from app.core.errors import Invalid, NotFound
from app.core.money import Money
from app.core.settings import settings
from app.ledger import statements
from app.ledger.statements import Movement
from app.payouts.rules import payout_number
from app.pdf.documents import Party, StatementDocument, StatementLine
from app.rails.check import address_lines

MOST_LINES = 2_000  # of a document; the CSV has room for any number
HEADER = ("date", "type", "description", "reference", "amount", "balance", "currency", "organization")
KINDS = {
    "earning_held": "earned",
    "earning_ready": "earned",
    "earning_cancelled": "taken back",
    "payout_paid": "paid",
    "payout_returned": "returned",
}


@dataclass(frozen=True, slots=True)
class Account:
    """One of the payee's accounts: a payer and a currency."""

    organization_id: UUID
    organization_name: str
    organization_slug: str
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is a word of `KINDS`; `balance` is what was owed afterwards."""

    on: date
    kind: str
    description: str
    reference: str
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Sheet:
    """A statement without its lines. `first_on` to `last_on` inclusive, days where the organization is; `start` up to
    but without `end` are the same as moments. A month that is not over ends today."""

    account: Account
    payer: Party
    payee: Party
    zone: ZoneInfo
    first_on: date
    last_on: date
    over: bool
    start: datetime
    end: datetime
    opening: Money

    @property
    def number(self) -> str:
        return f"{self.account.organization_slug}-{self.first_on:%Y-%m}-{self.account.currency}".upper()


@dataclass(frozen=True, slots=True)
class Statement:
    """A sheet with all its lines and what was left."""

    sheet: Sheet
    closing: Money
    entries: tuple[Entry, ...]


def month_of(text_: str) -> date:
    """ "2026-11" → its first day. Raises Invalid for anything else and for a month that has not begun."""
    try:
        first = datetime.strptime(text_.strip(), "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise Invalid("Choose a month, like 2026-11.", fields={"month": "Choose a month."}) from None
    if first > utc_now().date():
        raise Invalid("That month has not begun yet.", fields={"month": "Choose a month that has begun."})
    return first


_ACCOUNTS = text(
    """SELECT o.id, o.name, o.slug, e.currency FROM engagements e JOIN organizations o ON o.id = e.organization_id
    WHERE e.payee_id = :payee_id"""
)
_NAMES = text("SELECT id, name, slug FROM organizations WHERE id = ANY(:ids)")


def accounts(session: Session, payee_id: UUID) -> list[Account]:
    """Every account a statement can be made of, by organization's name; the engagement's own currency always."""
    found = {
        (row.id, row.currency): Account(row.id, row.name, row.slug, row.currency)
        for row in session.execute(_ACCOUNTS, {"payee_id": payee_id})
    }
    missing = [key for key in statements.accounts_of(session, payee_id) if key not in found]
    if missing:
        names = {row.id: row for row in session.execute(_NAMES, {"ids": [key[0] for key in missing]})}
        for organization_id, currency in missing:
            row = names[organization_id]
            found[organization_id, currency] = Account(row.id, row.name, row.slug, currency)
    return sorted(found.values(), key=lambda a: (a.organization_name, a.currency, a.organization_id))


def account_of(session: Session, payee_id: UUID, slug: str | None, currency: str | None) -> Account:
    """The account named, or the only one there is. Raises NotFound for none of the payee's."""
    mine = [
        a
        for a in accounts(session, payee_id)
        if (not slug or a.organization_slug == slug) and (not currency or a.currency == currency)
    ]
    if not mine:
        raise NotFound("There is no such statement.")
    return mine[0]


_PARTIES = text(
    """SELECT o.legal_name AS payer_legal, o.name AS payer, o.address AS payer_address,
        o.country AS payer_country, o.time_zone, p.legal_name AS payee_legal, p.name AS payee,
        p.address AS payee_address, p.country AS payee_country, e.reference
    FROM organizations o JOIN payees p ON p.id = :payee_id
    LEFT JOIN engagements e ON e.organization_id = o.id AND e.payee_id = p.id WHERE o.id = :organization_id"""
)


def sheet(session: Session, payee_id: UUID, account: Account, first_on: date) -> Sheet:
    """The statement of the month that begins on `first_on`, up to its lines."""
    parties = session.execute(_PARTIES, {"payee_id": payee_id, "organization_id": account.organization_id}).one()
    zone = ZoneInfo(parties.time_zone)
    next_month = (first_on.replace(day=28) + timedelta(days=4)).replace(day=1)
    start, end = (datetime.combine(day, time(), zone) for day in (first_on, next_month))
    now_there = utc_now().astimezone(zone).date()
    return Sheet(
        account=account,
        payer=_party(parties.payer_legal or parties.payer, parties.payer_address, parties.payer_country),
        payee=_party(
            parties.payee_legal or parties.payee, parties.payee_address, parties.payee_country, parties.reference
        ),
        zone=zone,
        first_on=first_on,
        last_on=max(first_on, min(next_month - timedelta(days=1), now_there)),  # it may be yesterday there
        over=next_month <= now_there,
        start=start,
        end=end,
        opening=statements.owed_at(session, payee_id, account.organization_id, account.currency, start),
    )


def monthly(session: Session, payee_id: UUID, account: Account, first_on: date, most: int = MOST_LINES) -> Statement:
    """A month with its lines. Raises Invalid when it has more than `most`."""
    found = sheet(session, payee_id, account, first_on)
    key = (payee_id, account.organization_id, account.currency)
    moved = statements.movements(session, *key, found.start, found.end, most + 1)
    if len(moved) > most:
        raise Invalid(f"This month has more than {most:,} lines. Download it as a CSV.")
    entries = tuple(_entries(session, moved, found.opening, found.zone))
    return Statement(found, entries[-1].balance if entries else found.opening, entries)


def _party(name: str, address: dict[str, str] | None, country: str | None, reference: str | None = None) -> Party:
    lines = address_lines({"country": country or "", **(address or {})})
    return Party(name, (*lines, *((f"Your reference {reference}",) if reference else ())))


_EARNINGS = text("SELECT id, description, reference FROM earnings WHERE id = ANY(:ids)")
_ATTEMPTS = text(
    """SELECT a.key, a.payout_id, m.label, m.last4 FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    JOIN methods m ON m.id = p.method_id WHERE a.key = ANY(:keys)"""
)


def _entries(session: Session, moved: Sequence[Movement], opening: Money, zone: ZoneInfo) -> Iterator[Entry]:
    words = _words(session, moved)
    balance = opening
    for move in moved:
        balance = balance + move.amount
        description, reference = words.get(move.ref, ("Adjustment", ""))
        kind = "credit" if KINDS.get(move.kind) == "earned" and move.amount.minor < 0 else KINDS.get(move.kind, "other")
        if kind in ("taken back", "returned"):
            description = f"{kind.capitalize()}: {description}"
        yield Entry(move.at.astimezone(zone).date(), kind, description, reference, move.amount, balance)


def _words(session: Session, moved: Sequence[Movement]) -> dict[str, tuple[str, str]]:
    """ref → (description, reference), two look-ups for any number of movements."""
    of_earnings = [m.ref for m in moved if m.kind.startswith("earning_")]
    of_payouts = [m.ref for m in moved if m.kind.startswith("payout_")]
    words: dict[str, tuple[str, str]] = {}
    if of_earnings:
        for row in session.execute(_EARNINGS, {"ids": [UUID(ref) for ref in of_earnings]}):
            words[str(row.id)] = (row.description, row.reference or "")
    if of_payouts:
        for row in session.execute(_ATTEMPTS, {"keys": of_payouts}):
            words[row.key] = (f"Payout to {_method(row)}", payout_number(row.payout_id))
    return words


def _method(row: Any) -> str:
    return f"{row.label} ••{row.last4}" if row.last4 else str(row.label)


def document(statement: Statement, locale: str = "en") -> StatementDocument:
    """The statement on paper."""
    of = statement.sheet
    return StatementDocument(
        number=of.number,
        payer=of.payer,
        payee=of.payee,
        first_on=of.first_on,
        last_on=of.last_on,
        opening=of.opening,
        closing=statement.closing,
        lines=tuple(StatementLine(e.on, e.description, e.amount, e.balance, e.reference) for e in statement.entries),
        note="" if of.over else "This month is not over: what comes later is on the next copy.",
        simulated=settings().sandbox,
        locale=locale,
    )


def csv_parts(session: Session, payee_id: UUID, of: Sheet) -> Iterator[str]:
    """The statement as CSV, thousands of lines at a time, however long the month. Three statements a part at most.

    Opening and closing are lines of their own without an amount, so the amounts add up to their difference.
    """
    name, currency = of.account.organization_name, of.account.currency

    def fixed(on: date, kind: str, balance: Money) -> list[tuple[object, ...]]:
        return [(on.isoformat(), kind, "", "", "", balance.plain(), currency, name)]

    yield "".join(csv.lines(HEADER, fixed(of.first_on, "opening balance", of.opening)))
    closing = of.opening
    for moved in statements.movements_in_parts(
        session, payee_id, of.account.organization_id, currency, of.start, of.end
    ):
        entries = list(_entries(session, moved, closing, of.zone))
        closing = entries[-1].balance
        yield "".join(
            csv.rows_as_lines(
                (
                    e.on.isoformat(),
                    e.kind,
                    e.description,
                    e.reference,
                    e.amount.plain(),
                    e.balance.plain(),
                    currency,
                    name,
                )
                for e in entries
            )
        )
    yield "".join(csv.rows_as_lines(fixed(of.last_on, "closing balance", closing)))
