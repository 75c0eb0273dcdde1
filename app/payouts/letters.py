"""Mails about payouts and batches: one mail a payout and outcome, whatever is run twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.formats import format_money
from app.core.money import Money
from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity.queries import active_accounts
from app.identity.states import Portal
from app.notify import service as notify
from app.notify.rendering import amount_value
from app.notify.service import Letter
from app.organizations.models import Organization
from app.payees.queries import contacts
from app.payouts import payers, queries
from app.payouts.models import Batch
from app.payouts.rules import payout_number

_FACTS = text(
    f"""SELECT p.id, p.organization_id, p.payee_id, p.amount_minor, p.currency, p.paid_at, p.failure_message,
        p.failure_cure, p.waiting_message, p.waiting_cure, p.attempt_number, p.reservation, {payers.NAME} AS payer,
        o.name AS organization, m.label, m.last4,
        y.kind = 'consultant' AS earned, y.own_organization_id IS NOT NULL AS own,
        p.period_start, p.period_end, paid_for.sessions, paid_for.appointments,
        (SELECT t.note FROM timeline_events t WHERE t.subject_id = p.id ORDER BY t.at DESC, t.id DESC LIMIT 1) AS note
    FROM payouts p JOIN organizations o ON o.id = p.organization_id JOIN methods m ON m.id = p.method_id
    JOIN payees y ON y.id = p.payee_id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE e.kind = 'booking') AS sessions,
            count(*) FILTER (WHERE e.kind = 'appointment') AS appointments
        FROM payout_items i JOIN earnings e ON e.id = i.earning_id WHERE i.payout_id = p.id AND y.kind = 'consultant'
    ) paid_for ON true
    WHERE p.id = ANY(:ids)"""
)


TEMPLATES = {"paid": "payout_paid", "waiting": "payout_waiting"}


def settled(session: ScopedSession, payout_ids: Sequence[UUID], outcome: str) -> int:
    """Tell the payees; `outcome` is paid, waiting, failed, returned or rejected. Returns how many mails were new."""
    rows = session.execute(_FACTS, {"ids": list(payout_ids)}).all()
    people = contacts(session, sorted({row.payee_id for row in rows}))
    letters: list[Letter] = []
    for row in rows:
        amount = Money(row.amount_minor, row.currency)
        shown = f"{row.label} ••{row.last4}" if row.last4 else row.label
        context = {
            "organization": row.payer,
            "payout": payout_number(row.id),
            "amount": amount_value(amount),
        }
        paid = outcome == "paid"
        if paid:
            context |= {"method": shown, "on": row.paid_at.date().isoformat() if row.paid_at else None}
            context |= _paid_for(row)
        else:
            waits = outcome == "waiting"
            message = row.waiting_message if waits else row.failure_message
            context |= {"message": message or row.note or "", "cure": row.waiting_cure if waits else row.failure_cure}
        for person in people.get(row.payee_id, []):
            if paid and row.earned and person.portal:
                context = {**context, "earnings_url": _earnings_url(person.portal, row.period_start)}
            place = f"org/{person.slug}" if person.slug else person.portal
            url = f"{settings().base_url}/{place}/payouts/{row.id}" if place else settings().base_url
            letters.append(
                Letter(
                    person.email,
                    TEMPLATES.get(outcome, "payout_failed"),
                    subject=_subject(row, amount, outcome),
                    context={**context, "name": person.name, "url": url, "locale": person.locale},
                    attachment={"document": "remittance", "payout_id": row.id} if paid else None,
                    dedupe_key=f"payout:{row.id}:{row.reservation}:{outcome}:{person.email}",
                    organization_id=row.organization_id,
                )
            )
    return notify.queue_many(session, letters)


def _subject(row: Any, amount: Money, outcome: str) -> str:
    if outcome == "waiting":
        return f"A payout of {format_money(amount)} waits for {row.organization if row.own else 'you'}"
    if outcome != "paid":
        return f"A payout of {format_money(amount)} did not reach {row.organization if row.own else 'you'}"
    said = "was paid" if row.own else "paid you"
    return f"{row.organization} {said} {format_money(amount)}"


def _paid_for(row: Any) -> dict[str, Any]:
    """What a consultant is paid for: the days of a monthly run, how many sessions and appointments."""
    period = {
        "period_start": row.period_start.isoformat(), "period_end": row.period_end.isoformat()
    } if row.period_start else {}  # fmt: skip
    return period | ({"sessions": row.sessions, "appointments": row.appointments} if row.earned else {})


def _earnings_url(portal: str, period_start: date | None) -> str:
    url = f"{settings().base_url}/{portal}/earnings"
    return f"{url}?month={period_start:%Y-%m}" if period_start else url


def batch_submitted(session: ScopedSession, batch: Batch) -> None:
    """Tell the admins who may approve it: everybody but whoever made or submitted it."""
    organization = session.get_one(Organization, batch.organization_id)
    totals = queries.batch_totals(session, [batch.id]).get(batch.id, [])
    for admin in active_accounts(session, Portal.ADMIN):
        if admin.id in (batch.submitted_by_account_id, batch.created_by_account_id):
            continue
        notify.queue(
            session,
            admin.email,
            "batch_submitted",
            subject=f"Batch {batch.number} needs your approval",
            context={
                "name": admin.name,
                "organization": organization.name,
                "batch": batch.number,
                "submitted_by": batch.submitted_by or "",
                "payouts": sum(row.payouts for row in totals),
                "totals": [amount_value(Money(row.amount_minor, row.currency)) for row in totals],
                "url": f"{settings().base_url}/admin/batches/{batch.id}",
            },
            dedupe_key=f"batch:{batch.id}:{batch.submitted_at}:{admin.email}",
            organization_id=batch.organization_id,
        )
