"""Mails about invoices, to the address that an organization gave for them, else to its owners and admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.billing.documents import DocumentKind
from app.billing.invoice_models import BillingProfile, Invoice
from app.core.money import Money
from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.notify.rendering import amount_value
from app.organizations import queries as organizations
from app.organizations.models import Organization

_TITLES = {
    DocumentKind.INVOICE: "Invoice",
    DocumentKind.CREDIT_NOTE: "Credit note",
    DocumentKind.DEBIT_NOTE: "Debit note",
}
STEPS = (3, 7, 14, 30)  # days overdue at which a reminder goes out


def issued(session: ScopedSession, invoice_id: UUID) -> int:
    """The document goes out with the mail. Twice is once; returns how many mails. Needs a platform scope."""
    invoice = session.get_one(Invoice, invoice_id)
    organization = session.get_one(Organization, invoice.organization_id)
    corrected = session.get(Invoice, invoice.corrects_id) if invoice.corrects_id else None
    count = 0
    for name, address in readers(session, organization):
        count += notify.queue(
            session, address, "invoice_issued", subject=f"{_TITLES[invoice.kind]} {invoice.number}",
            context={
                "name": name, "organization": organization.name, "what": _TITLES[invoice.kind],
                "number": invoice.number, "amount": amount_value(invoice.total), "url": _url(organization, invoice_id),
                "due_on": invoice.due_on.isoformat() if invoice.due_on and invoice.open else None,
                "of_number": corrected.number if corrected else None, "reason": invoice.reason or None,
            },
            attachment={"document": "invoice", "invoice_id": invoice.id},
            dedupe_key=f"invoice:{invoice.id}:{address}", organization_id=organization.id,
        )  # fmt: skip
    return count


_OVERDUE = text(
    """UPDATE invoices SET reminded_days = step.days
    FROM (SELECT i.id, max(s.days) AS days FROM invoices i
        CROSS JOIN LATERAL (SELECT greatest(i.due_on, max(p.received_on)) AS day FROM invoice_payments p
            WHERE p.invoice_id = i.id AND p.amount_minor < 0) since
        JOIN unnest(CAST(:steps AS int[])) AS s (days)
            ON s.days > i.reminded_days AND since.day + s.days <= CAST(:today AS date)
        WHERE i.status = 'sent' AND i.kind <> 'credit_note' AND i.due_on < CAST(:latest AS date)
        GROUP BY i.id ORDER BY i.id LIMIT :most) step
    WHERE invoices.id = step.id
    RETURNING invoices.id, invoices.organization_id, invoices.kind, invoices.number, invoices.due_on, invoices.currency,
        invoices.total_minor - invoices.paid_minor - invoices.credited_minor AS open_minor"""
)


def remind(session: ScopedSession, today: date, most: int = 500) -> int:
    """Reminders of what is overdue by one more step; how many invoices. Where a payment went back the days count from
    then on. Needs a platform scope."""
    latest = today - timedelta(days=STEPS[0] - 1)
    rows = session.execute(_OVERDUE, {"steps": list(STEPS), "today": today, "latest": latest, "most": most}).all()
    found = {
        one.id: one
        for one in session.scalars(select(Organization).where(Organization.id.in_({r.organization_id for r in rows})))
    }
    for row in rows:
        organization, days = found[row.organization_id], (today - row.due_on).days
        what = _TITLES[DocumentKind(row.kind)]
        for name, address in readers(session, organization):
            notify.queue(
                session, address, "invoice_overdue", subject=f"{what} {row.number} is overdue",
                context={
                    "name": name, "organization": organization.name, "what": what, "number": row.number,
                    "days": days,
                    "amount": amount_value(Money(row.open_minor, row.currency)), "due_on": row.due_on.isoformat(),
                    "url": _url(organization, row.id),
                },
                dedupe_key=f"overdue:{row.id}:{days}:{address}", organization_id=organization.id,
            )  # fmt: skip
    return len(rows)


def readers(session: ScopedSession, organization: Organization) -> Sequence[tuple[str, str]]:
    """Names and addresses of who reads what is billed."""
    address = address_of(session, organization)
    if address:
        return [(organization.name, address)]
    return organizations.members_who(session, organization.id, Permission.ORGANIZATION_SETTINGS)


def address_of(session: ScopedSession, organization: Organization) -> str:
    """Where mails about its invoices go; empty: to owners and admins."""
    email = session.scalar(select(BillingProfile.email).where(BillingProfile.organization_id == organization.id))
    return email or organization.billing_email or ""


def _url(organization: Organization, invoice_id: UUID) -> str:
    return f"{settings().base_url}/org/{organization.slug}/billing/invoices/{invoice_id}"
