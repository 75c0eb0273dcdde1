"""Mails about an engagement. Whoever has no address gets none."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.payees import queries, rules
from app.payees.models import Payee
from app.payees.states import EngagementStatus

_NAME = text("SELECT name FROM organizations WHERE id = :id")


def changed(
    session: ScopedSession,
    organization_id: UUID,
    payee: Payee,
    to: EngagementStatus,
    reason: str,
) -> None:
    """Tell the payee how an organization works with it from now on."""
    organization = str(session.execute(_NAME, {"id": organization_id}).scalar_one())
    news, follows = rules.news_of(organization, to)
    for contact in queries.contacts(session, [payee.id]).get(payee.id, []):
        base = settings().base_url
        notify.queue(
            session,
            contact.email,
            "engagement_changed",
            subject=news,
            context={
                "name": contact.name,
                "news": news,
                "follows": follows,
                "reason": reason,
                "url": f"{base}/{contact.portal}/payments" if contact.portal else base,
                "locale": contact.locale,
            },
            organization_id=organization_id,
        )
