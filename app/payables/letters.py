"""Mails about payment requests. Whoever has no address gets none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.notify.service import Letter
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
    payee = session.get_one(Payee, request.payee_id)
    subject = f"{payee.name} asks for {format_money(request.amount)}"
    _to_reviewers(session, request, "request_received", subject, {"payee": payee.name})


def answered(session: ScopedSession, request: PaymentRequest, agreed: Money, reason: str = "") -> None:
    """Tell them what the payee says to another amount: accepted, or disputed with a reason."""
    payee = session.get_one(Payee, request.payee_id)
    word = "disputes" if reason else "accepted"
    more = {"payee": payee.name, "word": word, "agreed": _amount(agreed), "reason": reason}
    _to_reviewers(session, request, "request_answered", f"{payee.name} {word} {format_money(agreed)}", more)


def _to_reviewers(
    session: ScopedSession, request: PaymentRequest, template: str, subject: str, more: dict[str, Any]
) -> None:
    organization = session.get_one(Organization, request.organization_id)
    context = {
        "organization": organization.name,
        "reference": request.reference,
        "amount": _amount(request.amount),
        "url": f"{settings().base_url}/org/{organization.slug}/bills/{request.id}",
        **more,
    }
    letters = [
        Letter(email, template, subject, {**context, "name": name}, organization_id=organization.id)
        for name, email in organizations.members_who(session, organization.id, Permission.REQUEST_REVIEW)
    ]
    notify.queue_many(session, letters)


def decided(
    session: ScopedSession,
    request: PaymentRequest,
    approved: Money | None,
    reason: str,
    answer_until: datetime | None = None,
) -> None:
    """Tell the payee what became of one request; `approved` None: it was rejected.

    `answer_until`: how long a reduced amount can be disputed.
    """
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
            if answer_until is not None:
                context["answer_by"] = answer_until.astimezone(ZoneInfo(contact.time_zone)).isoformat()
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
    letters: list[Letter] = []
    for payee_id, found in contacts.items():
        number = counts[payee_id]
        bills = "1 bill" if number == 1 else f"{number} bills"
        shared = {
            "organization": organization.name,
            "word": word,
            "bills": bills,
            "totals": [_amount(Money(minor, code)) for code, minor in sorted(totals[payee_id].items())],
            "reason": reason,
        }
        for contact in found:
            own = {"name": contact.name, "url": _payee_url(contact, "requests"), "locale": contact.locale}
            subject = f"{organization.name} {word} {bills}"
            letters.append(
                Letter(contact.email, "requests_decided", subject, {**shared, **own}, organization_id=organization_id)
            )
    notify.queue_many(session, letters)


def _payee_url(contact: Contact, path: str) -> str:
    """Where the reader looks: its portal, or the front page while it has no account."""
    return f"{settings().base_url}/{contact.portal}/{path}" if contact.portal else settings().base_url
