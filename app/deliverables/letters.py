"""Mails about deliverables. Whoever has no address, or wants none, gets none."""

from __future__ import annotations

from typing import Any

from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.deliverables.models import Deliverable
from app.notify import service as notify
from app.notify.rendering import amount_value
from app.organizations import queries as organizations
from app.organizations.models import Organization
from app.payees import queries as payees


def to_creator(
    session: ScopedSession, deliverable: Deliverable, template: str, news: str, *, note: str = "",
    dedupe: str | None = None,
) -> None:  # fmt: skip
    """`news` says what happened, after the organization's name: "approved". `dedupe`: the same mail is sent once."""
    organization = session.get_one(Organization, deliverable.organization_id)
    for contact in payees.contacts(session, [deliverable.payee_id]).get(deliverable.payee_id, []):
        url = f"{settings().base_url}/creator/deliverables/{deliverable.id}" if contact.portal else settings().base_url
        notify.queue(
            session, contact.email, template,
            subject=f"{organization.name} {news}: {deliverable.title}",
            context=_context(deliverable, contact.name, f"{organization.name} {news}", note, url),
            dedupe_key=f"{dedupe}:{contact.email}" if dedupe else None,
            organization_id=organization.id,
        )  # fmt: skip


def to_organization(session: ScopedSession, deliverable: Deliverable, template: str, news: str, note: str = "") -> None:
    """`news` says what happened: "Amara Okafor submitted"."""
    organization = session.get_one(Organization, deliverable.organization_id)
    url = f"{settings().base_url}/org/{organization.slug}/deliverables/{deliverable.id}"
    for name, email in organizations.members_who(session, organization.id, Permission.DELIVERABLE_MANAGE):
        notify.queue(
            session, email, template, subject=f"{news}: {deliverable.title}",
            context=_context(deliverable, name, news, note, url), organization_id=organization.id,
        )  # fmt: skip


def _context(deliverable: Deliverable, name: str, news: str, note: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "news": news,
        "deliverable": deliverable.title,
        "reference": deliverable.reference,
        "due_on": deliverable.due_on.isoformat() if deliverable.due_on else None,
        "fee": amount_value(deliverable.fee) if deliverable.fee else None,
        "reason": note,
        "url": url,
    }
