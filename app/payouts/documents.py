"""The papers of payouts as values: remittance advice and checks. `app.pdf.render` makes the PDF of them.

The caller's scope decides what can be read: a payee sees its own, staff those of their organization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.db.session import ScopedSession
from app.payouts import payers
from app.payouts.exports import FrozenLine
from app.payouts.rules import payout_number
from app.payouts.states import PayoutStatus
from app.pdf.documents import CheckDocument, Party, RemittanceDocument, RemittanceLine
from app.pdf.render import MAX_LINES
from app.rails import registry
from app.rails.check import address_lines

CHECKS_PER_FILE = 50
_LINES_PER_CHECK = MAX_LINES // CHECKS_PER_FILE - 1
_LETTER = frozenset({"US", "CA"})  # countries that print on letter paper; the others on A4

_FACTS = text(
    f"""SELECT p.id, p.status, p.amount_minor, p.currency, p.rail, p.paid_at, p.status_at, p.simulated, m.last4,
        y.name AS payee_name, y.legal_name AS payee_legal_name, y.address AS payee_address, y.country AS payee_country,
        y.email AS payee_email, y.own_organization_id IS NOT NULL AS own, {payers.NAME} AS payer_name, o.legal_name,
        o.address, o.country, o.billing_email, o.time_zone
    FROM payouts p JOIN methods m ON m.id = p.method_id JOIN payees y ON y.id = p.payee_id
    JOIN organizations o ON o.id = p.organization_id WHERE p.id = ANY(:ids)"""
)
# The first `most` items of each payout, and what the others add up to.
_ITEMS = text(
    """SELECT i.payout_id, i.place, i.amount_minor, i.bills, i.total_minor, e.description, e.reference, e.earned_on,
        r.invoice_number, r.invoice_on
    FROM (
        SELECT payout_id, earning_id, amount_minor,
            row_number() OVER (PARTITION BY payout_id ORDER BY earning_id) AS place,
            count(*) OVER (PARTITION BY payout_id) AS bills,
            CAST(sum(amount_minor) OVER (PARTITION BY payout_id) AS bigint) AS total_minor
        FROM payout_items WHERE payout_id = ANY(:ids)
    ) i JOIN earnings e ON e.id = i.earning_id
    LEFT JOIN payment_requests r ON e.source_kind = 'payment_request' AND r.id = e.source_id
    WHERE i.place <= :most ORDER BY i.payout_id, i.place"""
)


def remittance(session: ScopedSession, payout_id: UUID, locale: str = "en_US") -> RemittanceDocument:
    """What a payout paid, bill by bill. Raises NotFound outside the scope, Conflict before it was sent or when it
    came back."""
    facts = _facts(session, [payout_id]).get(payout_id)
    if facts is None:
        raise NotFound("There is no such payout.")
    if facts.status not in (PayoutStatus.PROCESSING, PayoutStatus.PAID):
        raise Conflict("There is a remittance advice once the payout was sent, and while the money has not come back.")
    paid = facts.status == PayoutStatus.PAID
    last4 = f" ••{facts.last4}" if facts.last4 else ""
    payer, questions = _payer(session, facts)
    return RemittanceDocument(
        number=payout_number(payout_id),
        payer=payer,
        payee=_payee(facts),
        on=_day(facts.paid_at if paid else facts.status_at, facts.time_zone),
        status="Paid" if paid else "In transit",
        method=f"{registry.rail(facts.rail).label}{last4}",
        total=Money(facts.amount_minor, facts.currency),
        lines=tuple(_lines(session, [facts], MAX_LINES - 1)[payout_id]),
        statement_reference=f"{facts.payer_name[:20]} {payout_number(payout_id)}",
        note=f"Questions? {questions}" if questions else "",
        simulated=facts.simulated,
        locale=locale,
    )


def checks(
    session: ScopedSession, lines: Sequence[FrozenLine], on: datetime, part: int = 1, locale: str = "en_US"
) -> list[CheckDocument]:
    """The checks of a released export, `CHECKS_PER_FILE` at a time; `part` counts from 1. Raises NotFound beyond."""
    chosen = lines[(part - 1) * CHECKS_PER_FILE : part * CHECKS_PER_FILE] if part > 0 else []
    if not chosen:
        raise NotFound("There are no such checks.")
    by_key = text("SELECT key, payout_id FROM payout_attempts WHERE key = ANY(:keys)")
    payouts = {row.key: row.payout_id for row in session.execute(by_key, {"keys": [line.order.key for line in chosen]})}
    facts = _facts(session, list(payouts.values()))
    details = _lines(session, list(facts.values()), _LINES_PER_CHECK)
    return [
        _check(
            line, facts[one], _payer(session, facts[one])[0], details[one], _day(on, facts[one].time_zone), locale
        )
        for line, one in ((line, payouts[line.order.key]) for line in chosen)
    ]  # fmt: skip


def _check(
    line: FrozenLine, facts: Any, payer: Party, details: Sequence[RemittanceLine], on: date, locale: str
) -> CheckDocument:
    destination = line.order.destination
    return CheckDocument(
        number=line.number,
        payout_number=payout_number(facts.id),
        payer=payer,
        payee_name=destination.get("payee_name", line.order.payee_name),
        address=address_lines(destination),
        on=on,
        amount=line.order.amount,
        lines=tuple(details),
        memo=line.order.reference,
        paper="letter" if destination.get("country") in _LETTER else "A4",
        simulated=facts.simulated,
        locale=locale,
    )


def _facts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Any]:
    return {row.id: row for row in session.execute(_FACTS, {"ids": list(ids)})}


def _lines(session: Session, facts: Sequence[Any], most: int) -> dict[UUID, list[RemittanceLine]]:
    """Payout → its bills; when there are more than `most`, one last line holds what the others add up to."""
    currencies = {row.id: row.currency for row in facts}
    found: dict[UUID, list[RemittanceLine]] = {payout_id: [] for payout_id in currencies}
    left: dict[UUID, tuple[int, int]] = {}
    for row in session.execute(_ITEMS, {"ids": list(currencies), "most": most}):
        count, minor = left.get(row.payout_id, (row.bills, row.total_minor))
        left[row.payout_id] = (count - 1, minor - row.amount_minor)
        found[row.payout_id].append(
            RemittanceLine(
                row.description,
                Money(row.amount_minor, currencies[row.payout_id]),
                row.reference or "",
                row.invoice_number or "",
                row.invoice_on or row.earned_on,
            )
        )
    for payout_id, (count, minor) in left.items():
        if count:
            found[payout_id].append(RemittanceLine(f"{count:,} further bills", Money(minor, currencies[payout_id])))
    return found


def _payer(session: ScopedSession, facts: Any) -> tuple[Party, str]:
    """Who pays, and the address for questions."""
    if facts.own:
        return payers.platform(session)
    name = facts.legal_name or facts.payer_name
    return Party(name, _lines_of(facts.address, facts.country, facts.billing_email)), facts.billing_email or ""


def _payee(facts: Any) -> Party:
    """An organization that is paid itself is written to as its own papers say."""
    name = facts.payee_legal_name or (facts.legal_name if facts.own else "") or facts.payee_name
    if facts.own:
        country, email = facts.payee_country or facts.country, facts.payee_email or facts.billing_email
        return Party(name, _lines_of(facts.payee_address or facts.address, country, email))
    return Party(name, _lines_of(facts.payee_address, facts.payee_country, facts.payee_email))


def _lines_of(address: Mapping[str, str] | None, country: str | None, email: str | None) -> tuple[str, ...]:
    return address_lines({"country": country or "", **(address or {})}) + ((email,) if email else ())


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
