"""Mails about payment requests. Whoever has no address gets none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.organizations import queries as organizations
from app.organizations.models import Organization
from app.payables.models import PaymentRequest
from app.payees import queries as payees
from app.payees.models import Payee
from app.payees.queries import Contact


def _amount(amount: Money) -> dict[str, Any]:
    return {"minor": amount.minor, "currency": amount.currency}


def received(session: ScopedSession, request: PaymentRequest) -> None:
    """Tell the people of the organization who may decide."""
    organization = session.get_one(Organization, request.organization_id)
    payee = session.get_one(Payee, request.payee_id)
    for name, email in organizations.members_who(session, organization.id, Permission.REQUEST_REVIEW):
        notify.queue(
            session,
            email,
            "request_received",
            subject=f"{payee.name} asks for {format_money(request.amount)}",
            context={
                "name": name,
                "organization": organization.name,
                "payee": payee.name,
                "reference": request.reference,
                "amount": _amount(request.amount),
                "url": f"{settings().base_url}/org/{organization.slug}/bills/{request.id}",
            },
            organization_id=organization.id,
        )


def decided(session: ScopedSession, request: PaymentRequest, approved: Money | None, reason: str) -> None:
    """Tell the payee what became of one request; `approved` None: it was rejected."""
    organization = session.get_one(Organization, request.organization_id)
    for contact in payees.contacts(session, [request.payee_id]).get(request.payee_id, []):
        context: dict[str, Any] = {
            "name": contact.name,
            "organization": organization.name,
            "reference": request.invoice_number or request.reference,
            "amount": _amount(approved or request.amount),
            "reason": reason,
            "url": _payee_url(contact, f"requests/{request.id}"),
            "locale": contact.locale,
        }
        if approved is not None and approved != request.amount:
            context["requested"] = _amount(request.amount)
        word = "rejected" if approved is None else "approved"
        notify.queue(
            session,
            contact.email,
            f"request_{word}",
            subject=f"{organization.name} {word} {context['reference']}",
            context=context,
            organization_id=organization.id,
        )


def decided_many(
    session: ScopedSession, organization_id: UUID, rows: Sequence[Any], *, approved: bool, reason: str
) -> None:
    """One mail for each payee, however many of its requests were decided. `rows`: payee_id, amount_minor, currency."""
    contacts = payees.contacts(session, sorted({row.payee_id for row in rows}))
    if not contacts:
        return
    organization = session.scalars(select(Organization).where(Organization.id == organization_id)).one()
    counts: dict[UUID, int] = {}
    totals: dict[UUID, dict[str, int]] = {}
    for row in rows:
        if row.payee_id in contacts:
            counts[row.payee_id] = counts.get(row.payee_id, 0) + 1
            of_payee = totals.setdefault(row.payee_id, {})
            of_payee[row.currency] = of_payee.get(row.currency, 0) + row.amount_minor
    word = "approved" if approved else "rejected"
    for payee_id, found in contacts.items():
        number = counts[payee_id]
        bills = "1 bill" if number == 1 else f"{number} bills"
        for contact in found:
            notify.queue(
                session,
                contact.email,
                "requests_decided",
                subject=f"{organization.name} {word} {bills}",
                context={
                    "name": contact.name,
                    "organization": organization.name,
                    "word": word,
                    "bills": bills,
                    "totals": [_amount(Money(minor, code)) for code, minor in sorted(totals[payee_id].items())],
                    "reason": reason,
                    "url": _payee_url(contact, "requests"),
                    "locale": contact.locale,
                },
                organization_id=organization_id,
            )


def _payee_url(contact: Contact, path: str) -> str:
    """Where the reader looks: its portal, or the front page while it has no account."""
    return f"{settings().base_url}/{contact.portal}/{path}" if contact.portal else settings().base_url
